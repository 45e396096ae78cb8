"""Rewards and processors as constructs: what lies in their assets, that it runs alone, and what their roles may do."""

import json
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs

from nova_constructs.execution_roles import ExecutionRoles
from nova_constructs.processor_function import ProcessorFunction
from nova_constructs.python_function import bundle
from nova_constructs.reward_alarms import RewardAlarms
from nova_constructs.reward_function import RewardFunction
from novaline.rewards.kinds import KINDS
from novaline.rewards.processing.settings import ProcessorSpec
from novaline.rewards.settings import RewardSpec

OWN = "from novaline.rewards import Rollout\ndef score(rollout: Rollout) -> float:\n    return 0.5\n"
OPTIONS = {
    "length": {"most": 5},
    "pattern": {"pattern": "a"},
    "format": {"contains": ["a"]},
    "weighted": {"parts": {"one": {"function": "exact-match"}}},
    "judge": {"model": "us.amazon.nova-pro-v1:0", "rubric": "helpful"},
}
EVENT = [{"id": "a", "messages": [{"role": "assistant", "content": "5"}], "reference_answer": "5"}]
NOVA = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:111111111111:inference-profile/us.amazon.nova-pro-v1:0"


def reward_files(function: str, options=None, **own: str) -> dict[str, str]:
    return {**own, "reward.json": RewardSpec(name="tried", function=function, options=options or {}).to_json()}


def made(stack, kind=RewardFunction, name="novaline-dev-SageMaker-tried", **settings):
    return kind(
        stack,
        "Tried",
        function_name=name,
        description="Tried",
        files=settings.pop("files", reward_files("classification")),
        key=kms.Key(stack, "Key"),
        log_retention=logs.RetentionDays.ONE_WEEK,
        removal_policy=cdk.RemovalPolicy.DESTROY,
        timeout=cdk.Duration.minutes(1),
        **settings,
    )


def statements_of(stack) -> dict[str, dict]:
    policies = cdk.assertions.Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    return {s["Sid"]: s for policy in policies for s in policy["Properties"]["PolicyDocument"]["Statement"]}


def invoked(asset: Path, package: str, event: object):
    """What the handler answers in a Python that has the asset and its own library, and nothing else."""
    program = f"import json, sys; sys.path.insert(0, {str(asset)!r})\nimport {package}.handler as h\n"
    program += "answer = h.handler(json.load(sys.stdin), None)\nassert 'boto3' not in sys.modules\n"
    program += "sys.stderr.write('ANSWER' + json.dumps(answer))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        input=json.dumps(event), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stderr.partition("ANSWER")[2])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "judge"])
def test_every_reward_of_the_library_runs_from_its_asset_alone(tmp_path, kind):
    files = reward_files(kind, OPTIONS.get(kind))
    asset = bundle("reward", RewardFunction._core, tuple(sorted(files.items())), into=tmp_path)
    (answer,) = invoked(asset, "nova_reward", EVENT)
    assert answer["id"] == "a"
    assert isinstance(answer["aggregate_reward_score"], float)


def test_a_judge_is_loaded_from_its_asset_alone(tmp_path):
    files = reward_files("judge", OPTIONS["judge"])
    asset = bundle("reward", RewardFunction._core, tuple(sorted(files.items())), into=tmp_path)
    program = f"import sys; sys.path.insert(0, {str(asset)!r})\nfrom nova_reward.handler import deployed_scorer\n"
    program += "deployed_scorer(); assert 'boto3' not in sys.modules"
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True)


def test_a_function_of_ones_own_runs_from_its_asset_alone(tmp_path):
    files = reward_files("tone:score", **{"tone.py": OWN})
    asset = bundle("reward", RewardFunction._core, tuple(sorted(files.items())), into=tmp_path)
    (answer,) = invoked(asset, "nova_reward", EVENT)
    assert answer["aggregate_reward_score"] == 0.5


def test_a_processor_runs_from_its_asset_alone(tmp_path):
    metrics = (RewardSpec(name="same", function="exact-match"), RewardSpec(name="tone", function="tone:score"))
    spec = ProcessorSpec(name="tried", kind="custom_metrics", metrics=metrics)
    files = {"tone.py": OWN, "processor.json": spec.to_json()}
    asset = bundle("processor", ProcessorFunction._core, tuple(sorted(files.items())), into=tmp_path)
    data = {"prompt": "2 + 3?", "inference_output": "5", "gold": "5"}
    answer = invoked(asset, "nova_processor", {"process_type": "postprocess", "data": data})
    values = {metric["metric"]: metric["value"] for metric in answer["body"]}
    assert (values["same"], values["tone"]) == (1.0, 0.5)


def test_an_asset_holds_the_core_without_the_laboratory(tmp_path):
    asset = bundle("reward", RewardFunction._core, tuple(reward_files("classification").items()), into=tmp_path)
    files = {path.relative_to(asset).as_posix() for path in asset.rglob("*") if path.is_file()}
    assert {"reward.json", "nova_reward/handler.py", "novaline/rewards/kinds.py"} <= files
    parts = {file.split("/")[2] for file in files if file.startswith("novaline/rewards/")}
    assert parts.isdisjoint({"laboratory", "processing", "sizing.py", "verdicts.py"})


def test_each_declaration_is_an_asset_of_its_own_and_the_same_one_is_made_once(tmp_path):
    first, second, third = (
        bundle("reward", (), tuple(reward_files(kind).items()), into=tmp_path)
        for kind in ("classification", "exact-match", "classification")
    )
    assert first != second
    assert first is third


def test_a_file_cannot_replace_a_module_of_the_function(tmp_path):
    with pytest.raises(ValueError, match=r"nova_reward/handler\.py would replace a module"):
        bundle("reward", (), (("nova_reward/handler.py", ""),), into=tmp_path)


def test_a_rule_may_log_and_trace_and_nothing_else(stack):
    made(stack)
    assert set(statements_of(stack)) == {"WriteLogs", "SendTraces"}


@pytest.mark.parametrize("kind", [RewardFunction, ProcessorFunction])
def test_a_judge_may_ask_its_model_and_nothing_else(stack, kind):
    made(stack, kind, models={NOVA: ()})
    found = statements_of(stack)
    assert set(found) == {"WriteLogs", "SendTraces", "AskJudge"}
    assert (found["AskJudge"]["Action"], found["AskJudge"]["Resource"]) == ("bedrock:InvokeModel", NOVA)


def test_a_judge_behind_a_profile_is_asked_through_the_profile_alone(stack):
    made(stack, models={PROFILE: (NOVA, NOVA.replace("us-east-1", "us-west-2"))})
    found = statements_of(stack)
    assert set(found) == {"WriteLogs", "SendTraces", "AskJudge", "AskJudgeThroughProfile"}
    assert found["AskJudge"]["Resource"] == PROFILE
    assert found["AskJudgeThroughProfile"]["Resource"] == [NOVA, NOVA.replace("us-east-1", "us-west-2")]
    assert found["AskJudgeThroughProfile"]["Condition"] == {"StringEquals": {"bedrock:InferenceProfileArn": [PROFILE]}}


def test_the_function_is_what_the_environment_asks_for(stack, tmp_path):
    archive = tmp_path / "libraries.zip"
    archive.write_bytes(b"PK\x05\x06" + bytes(18))
    made(stack, memory_mb=1024, concurrency=7, libraries=archive)
    template = cdk.assertions.Template.from_stack(stack)
    (layer,) = template.find_resources("AWS::Lambda::LayerVersion")
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Architectures": ["arm64"],
            "MemorySize": 1024,
            "ReservedConcurrentExecutions": 7,
            "Timeout": 60,
            "Layers": [{"Ref": layer}],
            "Handler": "nova_reward.handler.handler",
        },
    )


@pytest.mark.parametrize("kind", [RewardFunction, ProcessorFunction])
def test_the_name_of_a_function_that_nova_calls_must_contain_sagemaker(stack, kind):
    with pytest.raises(ValueError, match="must contain 'SageMaker'"):
        made(stack, kind, name="novaline-dev-tried")


def test_alarms_watch_lost_batches_and_rollouts_that_cannot_be_scored(stack):
    reward = made(stack)
    RewardAlarms(reward, "Alarms", reward="tried", function=reward.function)
    template = cdk.assertions.Template.from_stack(stack)
    (function,) = template.find_resources("AWS::Lambda::Function")
    for expected in (
        {
            "Namespace": "AWS/Lambda",
            "MetricName": "Errors",
            "Dimensions": [{"Name": "FunctionName", "Value": {"Ref": function}}],
        },
        {
            "Namespace": "Novaline/Rewards",
            "MetricName": "Unscorable",
            "Dimensions": [{"Name": "Reward", "Value": "tried"}],
        },
    ):
        template.has_resource_properties("AWS::CloudWatch::Alarm", {**expected, "TreatMissingData": "notBreaching"})


def roles(stack, **functions) -> dict[str, set[str]]:
    """Role -> the names of the statements by which it invokes functions."""
    key = kms.Key(stack, "RolesKey")
    buckets = [cdk.aws_s3.Bucket(stack, name) for name in ("Data", "Artifacts")]
    ExecutionRoles(
        stack, "Roles", data=buckets[0], artifacts=buckets[1], key=key, image_account="222222222222", **functions
    )
    policies = cdk.assertions.Template.from_stack(stack).find_resources("AWS::IAM::Policy")
    return {
        name.removeprefix("Roles").partition("DefaultPolicy")[0]: {
            statement["Sid"]: statement["Resource"]
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
            if statement["Action"] == "lambda:InvokeFunction"
        }
        for name, policy in policies.items()
        if "DefaultPolicy" in name and name.startswith("Roles")
    }


def test_training_invokes_rewards_evaluation_also_processors_and_the_import_nothing(stack):
    functions = {
        name: cdk.aws_lambda.Function.from_function_arn(
            stack, name, f"arn:aws:lambda:us-east-1:111111111111:function:{name}"
        )
        for name in ("one", "two", "metrics")
    }
    found = roles(stack, rewards=[functions["one"], functions["two"]], processors=[functions["metrics"]])
    both = [functions["one"].function_arn, functions["two"].function_arn]
    assert found == {
        "Training": {"InvokeRewards": both},
        "Evaluation": {"InvokeRewards": both, "InvokeProcessors": functions["metrics"].function_arn},
        "Import": {},
    }


def test_without_rewards_no_role_invokes_anything(stack):
    assert roles(stack) == {"Training": {}, "Evaluation": {}, "Import": {}}
