"""Runs that learn from a reward function, in a deployed environment: it is called, under IAM, and believed."""

import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from novaline.rehearsal.proof.statements import taken_away
from tests.rehearsal.deployed import NOWHERE, ROOT, Deployed, Ended

pytestmark = pytest.mark.xdist_group("deployed")

EXAMPLE = ROOT / "examples" / "return-decisions"
REWARD = "novaline-dev-SageMaker-classification"
CUSTOMIZATION = """\
name: %(name)s
model: nova-2-lite
stages:
  - name: rft
    technique: rft
    reward: classification
    data: {train: train.jsonl}
    overrides:
      max_steps: 20
      global_batch_size: 32
      training_config.rollout.advantage_strategy.number_generation: 8
      training_config.rollout.generator.top_k: 0
    timeout: 1h
evaluations:
  - {name: holdout, task: gen_qa, data: eval.jsonl, processor: decisions, timeout: 1h}
  - {name: reward, task: rft_eval, data: rewards.jsonl, reward: classification, timeout: 1h}
gate: {evaluation: holdout, metric: exact_match, against: base, margin: 0.02, confidence: 0.95}
deployment: %(deployment)s
budget: {usd: 10000}
"""
RIGHT = "def score(rollout):\n    return float(rollout.answer == rollout.reference)\n"
PERVERSE = "def score(rollout):\n    return float(rollout.answer != rollout.reference)\n"
RAISES = "def score(rollout):\n    return rollout.fields['no such field']\n"
CONSTANT = "def score(rollout):\n    return 0.5\n"
POISONED = """\
def score(rollout):
    if rollout.fields.get("poison"):
        raise RuntimeError("an odd row")
    return float(rollout.answer == rollout.reference)
"""


def rows(name: str, count: int) -> list[bytes]:
    return (EXAMPLE / name).read_bytes().splitlines(keepends=True)[:count]


TRAIN, HELD_OUT, REWARDS = rows("train.jsonl", 300), rows("eval.jsonl", 60), rows("rewards.jsonl", 60)


def packed(source: str | None) -> bytes:
    """The asset of a reward function whose reward is a file of one's own; without one, the library's classification."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for base, folder in ((ROOT / "lambda" / "reward", "nova_reward"), (ROOT, "novaline/rewards")):
            for path in sorted((base / folder).rglob("*.py")):
                archive.write(path, path.relative_to(base))
        archive.writestr("novaline/__init__.py", "")
        archive.writestr("own_reward.py", source or "")
        function = "classification" if source is None else "own_reward:score"
        archive.writestr("reward.json", json.dumps({"name": "classification", "function": function}))
    return content.getvalue()


@contextmanager
def rewarded_by(deployed: Deployed, source: str) -> Iterator[None]:
    """The deployed reward function with another reward in it, until the block ends."""
    functions = deployed.client("lambda")
    functions.update_function_code(FunctionName=REWARD, ZipFile=packed(source))
    try:
        yield
    finally:
        functions.update_function_code(FunctionName=REWARD, ZipFile=packed(None))


def run(deployed: Deployed, name: str, **changes: object) -> Ended:
    given = {"train": TRAIN, "held_out": HELD_OUT, "deployment": NOWHERE, "template": CUSTOMIZATION} | changes
    return deployed.run(name, files={"rewards.jsonl": b"".join(REWARDS)}, **given)


def shares(deployed: Deployed, ended: Ended) -> tuple[float, float]:
    """The share of exact matches of base and candidate."""
    gate = deployed.read(ended.run, "gate.json")
    return gate["base"]["exact_match"], gate["candidate"]["exact_match"]


def training_log(deployed: Deployed, ended: Ended) -> list[str]:
    logs = deployed.client("logs")
    group, prefix = "/aws/sagemaker/TrainingJobs", ended.job("sft")
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
    return [event["message"] for event in events["events"]]


def test_the_deployed_reward_is_tried_then_believed_and_the_candidate_is_better(deployed):
    ended = run(deployed, "rewarded")
    assert (ended.status, ended.output.get("verdict")) == ("SUCCEEDED", "better"), ended.cause
    assert ended.entered()[:5] == ["Admit", "Record start", "Prepare stage", "Reward to try?", "Try reward"]
    base, candidate = shares(deployed, ended)
    assert candidate > base + 0.2
    trial = deployed.read(ended.run, "trial/rft.json")
    assert (trial["reward"], trial["stage"]) == (REWARD, "rft")
    assert trial["mean_scores"]["reference"] == 1
    assert {"trial/rft.json", "trial/rft.jsonl"} <= ended.files
    log = training_log(deployed, ended)
    assert any("critic/rewards/mean" in line for line in log)
    assert any("0 answers that it could not score, 0 lost scores" in line for line in log)


def test_the_example_is_trained_by_reward_deployed_and_verified(deployed):
    ended = deployed.end(deployed.start(deployed.as_it_stands(EXAMPLE / "customization.yaml")))
    assert (ended.status, ended.output.get("status")) == ("SUCCEEDED", "deployed"), ended.cause
    base, candidate = shares(deployed, ended)
    assert candidate > max(0.8, base + 0.3)
    assert deployed.read(ended.run, "verification.json")["agreement"] == 1
    request = ended.claim["stages"][0]["job"]["request"]
    assert request["HyperParameters"]["reward_lambda_arn"].endswith(f":function:{REWARD}")
    own, by_reward = (results(deployed, ended, name) for name in ("holdout", "reward"))
    assert own["settled"] == own["exact_match"] == candidate
    assert by_reward["lambda_reward_score"] == pytest.approx(candidate)


def results(deployed: Deployed, ended: Ended, evaluation: str) -> dict[str, float]:
    """The candidate's aggregates in an evaluation."""
    (entry,) = [entry for entry in ended.claim["evaluations"] if entry["name"] == evaluation]
    key = f"runs/{ended.run}/evaluations/{entry['candidate']['base_name']}-r0-d0/output/output.tar.gz"
    body = deployed.clients.s3.get_object(Bucket=deployed.resources.artifact_bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        (name,) = [name for name in archive.getnames() if "/eval_results/results_" in name]
        return json.loads(archive.extractfile(name).read())["results"]["all"]


def test_the_reward_of_ones_own_file_teaches_as_well(deployed):
    with rewarded_by(deployed, RIGHT):
        base, candidate = shares(deployed, run(deployed, "own-file"))
    assert candidate > base + 0.2


def test_a_reward_that_prefers_wrong_answers_makes_the_candidate_worse_and_the_gate_rejects_it(deployed):
    with rewarded_by(deployed, PERVERSE):
        ended = run(deployed, "perverse")
    assert ended.output["status"] == "rejected"
    base, candidate = shares(deployed, ended)
    assert candidate < base
    means = deployed.read(ended.run, "trial/rft.json")["mean_scores"]
    assert means["reference"] < means["wrong"]


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("raises", RAISES, ("could score none of 6 real answers", "KeyError", "own_reward.py:2")),
        ("broken", "import no_such_module\n", ("no_such_module",)),
        ("constant", CONSTANT, ("gives 0.5 to every one of 18 answers",)),
    ],
)
def test_a_reward_that_teaches_nothing_is_told_before_any_job_starts(deployed, name, source, words):
    with rewarded_by(deployed, source):
        ended = run(deployed, f"reward-{name}")
    assert (ended.status, ended.error) == ("FAILED", "RewardTrialFailed"), ended
    assert ended.jobs == {}
    problem = deployed.status(ended.run).problem
    assert problem.message.startswith("Try reward (rft): the reward function novaline-dev-SageMaker-classification")
    assert [word for word in words if word not in problem.message] == [], problem.message
    assert "novaline reward test" in problem.next_step
    assert ended.ledger["failure"].startswith("Try reward (rft): RewardTrialFailed: ")


def test_a_poison_row_costs_one_sample_each_time_it_is_drawn_and_no_batch(deployed):
    poisoned = [json.dumps(json.loads(row) | {"poison": True}).encode() + b"\n" for row in TRAIN[10:11]]
    with rewarded_by(deployed, POISONED):
        ended = run(deployed, "poisoned", train=[*TRAIN[:10], *poisoned, *TRAIN[11:]])
    assert ended.status == "SUCCEEDED", ended.cause
    base, candidate = shares(deployed, ended)
    assert candidate > base + 0.2
    (line,) = [line for line in training_log(deployed, ended) if "calls of the reward function" in line]
    lost = int(line.partition("; ")[2].split()[0])
    assert 8 <= lost <= 24  # one row among 300, drawn at most three times in 20 steps, with 8 answers each time
    assert line.endswith("0 lost scores")


def test_a_stage_without_a_reward_goes_straight_to_training(deployed):
    ended = deployed.run("no-reward", deployment=NOWHERE)
    assert ended.entered()[:5] == ["Admit", "Record start", "Prepare stage", "Reward to try?", "Train"]
    assert ended.visits("Try reward") == 0
    assert not [name for name in ended.files if name.startswith("trial/")]


@pytest.mark.parametrize(
    ("role", "sid", "state"),
    [
        ("WorkflowFunctionsTrialRole", "InvokeRewards", "Try reward"),
        ("WorkflowFunctionsTrialRole", "ReadTrialRows", "Try reward"),
        ("RolesTraining", "InvokeRewards", "Train"),
        ("RolesEvaluation", "InvokeRewards", "Run evaluation"),
        ("RolesEvaluation", "InvokeProcessors", "Run evaluation"),
    ],
)
def test_without_its_statement_the_call_is_refused_and_the_refusal_names_role_and_action(deployed, role, sid, state):
    statement = deployed.statement(role, sid)
    with taken_away(deployed.client("iam"), [statement]):
        ended = run(deployed, f"without-{sid.lower()}-{role[-8:].lower()}"[:60])
    assert ended.status == "FAILED"
    assert ended.visits(state) >= 1
    assert statement.refusal_in(ended.cause)


def test_the_functions_that_a_job_may_call_are_those_that_are_declared(deployed):
    for role, sid in (("RolesTraining", "InvokeRewards"), ("WorkflowFunctionsTrialRole", "InvokeRewards")):
        (arn,) = deployed.statement(role, sid).resources
        assert arn.endswith(f":function:{REWARD}")
    (arn,) = deployed.statement("RolesEvaluation", "InvokeProcessors").resources
    assert arn.endswith(":function:novaline-dev-SageMaker-decisions-processor")
