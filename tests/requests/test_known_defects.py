"""What other tools for Nova are known to get wrong, each held against Novaline: one test for one defect."""

import json

import pytest

from novaline.customization.checks import check_file
from novaline.customization.compile import compile_run
from novaline.environments import Environment
from novaline.findings import NovalineError
from novaline.recipes.catalogue import catalogue
from novaline.requests.conformance import check_request
from novaline.requests.customization_job import CustomizationJob, create_customization_job
from novaline.requests.outcomes import outcome
from novaline.requests.resources import Resources
from novaline.requests.serverless_job import ServerlessJob, serverless_evaluation

KEY = "arn:aws:kms:us-east-1:111111111111:key/00000000-0000-0000-0000-000000000000"
ROLE = "arn:aws:iam::111111111111:role/exec"
IMAGE, DIGEST = "nova-fine-tune-repo:SM-TJ-SFT-latest", "sha256:" + "0a" * 32
ENVIRONMENT = Environment.model_validate(
    {
        "name": "dev", "account": "111111111111", "region": "us-east-1", "retain": False, "noncurrent_days": 7,
        "termination_protection": False, "log_retention_days": 30, "budget_usd_per_run": 5000.0,
        "images": {IMAGE: DIGEST},
    }
)  # fmt: skip
RIGHT = """\
name: support-intents
model: nova-micro
stages:
  - name: sft
    technique: sft
    data: {train: train.jsonl}
    overrides: {learning_rate: 5e-6}
    timeout: 2h
evaluations:
  - {name: holdout, task: gen_qa, data: eval.jsonl, timeout: 1h}
gate: {evaluation: holdout, metric: exact_match}
budget: {usd: 1000}
"""


@pytest.fixture
def write(tmp_path):
    """Writes the right customization, with replacements, and its data; returns the file's path."""

    def rows(name, made):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")

    def turns(number):
        said = [("user", f"question {number}"), ("assistant", "billing")]
        return {"messages": [{"role": role, "content": [{"text": text}]} for role, text in said]}

    rows("train.jsonl", (turns(number) for number in range(300)))
    rows("eval.jsonl", ({"query": f"held out {number}", "response": "billing"} for number in range(50)))

    def written(*replacements):
        text = RIGHT
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "customization.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def refused(path):
    """The errors that an unacceptable file is refused for."""
    with pytest.raises(NovalineError) as raised:
        check_file(path)
    return [finding for finding in raised.value.findings if finding.severity == "error"]


def claim_of(path):
    resources = Resources.placeholder(ENVIRONMENT)
    checked = check_file(path, environment=ENVIRONMENT)
    return compile_run(checked, environment=ENVIRONMENT, resources=resources, run="r", created="now").claim


def test_bedrocks_model_key_is_named_by_the_member_that_the_api_has():
    job = CustomizationJob(
        name="n", custom_model_name="n", role_arn=ROLE, base_model="amazon.nova-micro-v1:0:128k", key_arn=KEY,
        train_uri="s3://bkt/train.jsonl", output_uri="s3://bkt/out/", tags={}, token="t",
    )  # fmt: skip
    request = create_customization_job(job, technique="sft", hyper_parameters={})
    assert request["customModelKmsKeyId"] == KEY
    assert check_request("bedrock", "CreateModelCustomizationJob", request) == ()
    elsewhere = {**request, "outputDataConfig": {**request["outputDataConfig"], "kmsKeyId": KEY}}
    assert any("kmsKeyId" in found for found in check_request("bedrock", "CreateModelCustomizationJob", elsewhere))


@pytest.mark.parametrize("kind", ["provisioned-throughput", "endpoint", "inference-component"])
def test_what_is_in_service_has_not_failed(kind):
    assert outcome(kind, "InService") == "succeeded"


@pytest.mark.parametrize("kind", ["training-job", "customization-job"])
def test_a_job_that_was_stopped_has_not_failed(kind):
    assert outcome(kind, "Stopped") == "stopped"
    assert outcome(kind, "Failed") == "failed"


@pytest.mark.parametrize(
    "task", [task for task in catalogue().tasks().values() if not task.own_data], ids=lambda task: task.name
)
def test_a_serverless_benchmark_is_told_its_task(task):
    job = ServerlessJob(
        base_model_arn="arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/nova-textgeneration-lite",
        role_arn=ROLE, key_arn=KEY, output_uri="s3://b/out", max_runtime_seconds=86_400, tags={},
    )  # fmt: skip
    request = serverless_evaluation(job, task=task)
    assert request["HyperParameters"] == {"task": task.name, "strategy": task.strategy, "metric": task.metric}
    assert check_request("sagemaker", "CreateTrainingJob", {"TrainingJobName": "n", **request}) == ()


def test_an_evaluation_of_another_task_is_another_job(write):
    benchmark = "  - {name: bench, task: mmlu, timeout: 1h}\n"
    after = "timeout: 1h}\n"
    names = []
    for asked in ("task: mmlu", "task: bbh", "task: mmlu, subtask: anatomy", "task: mmlu, subtask: virology"):
        path = write((after, after + benchmark.replace("task: mmlu", asked)))
        found = next(one for one in claim_of(path)["evaluations"] if one["name"] == "bench")
        names += [found["base"]["base_name"], found["candidate"]["base_name"]]
    assert len(set(names)) == len(names)


def test_an_override_that_no_recipe_has_is_refused_with_its_place_and_the_nearest_one(write):
    (finding,) = refused(write(("learning_rate: 5e-6", "learning_rte: 5e-6")))
    assert finding.code == "unknown-override"
    assert (finding.line, finding.column) == (7, 17)
    assert "learning_rate" in str(finding.hint)


@pytest.mark.parametrize("length", [1000, 0, -1024, 10_000_000])
def test_a_length_that_the_container_does_not_take_is_refused(write, length):
    (finding,) = refused(write(("learning_rate: 5e-6", f"max_length: {length}")))
    assert "max_length" in finding.message
    assert finding.line == 7


def test_an_image_is_run_by_its_digest_when_the_environment_names_one(write):
    (stage,) = claim_of(write())["stages"]
    request = stage["job"]["request"]
    image = request["AlgorithmSpecification"]["TrainingImage"]
    assert image == f"708977205387.dkr.ecr.us-east-1.amazonaws.com/nova-fine-tune-repo@{DIGEST}"
    assert check_request("sagemaker", "CreateTrainingJob", {"TrainingJobName": "n", **request}) == ()


@pytest.mark.parametrize(
    "arn",
    ["not-an-arn", "arn:aws:lambda:us-east-1:111111111111:function:metrics:live", "arn:aws:s3:::bucket"],
)
def test_a_processor_without_a_functions_plain_arn_is_refused(write, arn):
    task = "task: gen_qa, "
    (finding,) = refused(write((task, f'{task}processor: {{function: "{arn}"}}, ')))
    assert finding.line == 10
    assert "function" in finding.message


def test_own_rows_that_are_missing_are_refused(write, tmp_path):
    (finding,) = refused(write((", data: eval.jsonl", "")))
    assert (finding.code, finding.line) == ("evaluation-data", 10)
    assert "gen_qa needs rows" in finding.message
    path = write()
    (tmp_path / "eval.jsonl").unlink()
    (finding,) = refused(path)
    assert (finding.line, "eval.jsonl" in finding.message) == (10, True)
