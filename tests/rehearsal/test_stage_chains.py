"""Runs of several stages, in a deployed environment: each goes on from another's checkpoint, and all of it is kept."""

import json

import pytest

from novaline.findings import NovalineError
from novaline.rehearsal.escrow import read_checkpoint
from novaline.rehearsal.proof.statements import taken_away
from novaline.runs.jobs import run_jobs
from tests.rehearsal.deployed import NOWHERE, ROOT, Deployed, Ended
from tests.rehearsal.scenarios import NO_GPU, job

pytestmark = pytest.mark.xdist_group("deployed")

RETURNS, INTENTS = ROOT / "examples" / "return-decisions", ROOT / "examples" / "support-intents"
REWARD = "novaline-dev-SageMaker-classification"
MOST_TRANSITIONS, MOST_EVENTS, MOST_BYTES = 80, 500, 32 * 1024
SFT_RFT = """\
name: %(name)s
model: nova-2-lite
stages:
  - name: sft
    technique: sft
    data: {train: taught.jsonl}
    overrides: {max_steps: 8, global_batch_size: 32}
    timeout: 1h
  - name: rft
    technique: rft
    start: sft
    reward: classification
    data: {train: train.jsonl}
    overrides:
      max_steps: 20
      global_batch_size: 32
      training_config.rollout.advantage_strategy.number_generation: 8
      training_config.rollout.generator.top_k: 0
    timeout: 1h
evaluations:
  - {name: holdout, task: gen_qa, data: eval.jsonl, timeout: 1h}
gate: {evaluation: holdout, metric: exact_match, against: base, margin: 0.02, confidence: 0.95}
deployment: %(deployment)s
budget: {usd: 10000}
"""
SFT_DPO_SFT = """\
name: %(name)s
model: nova-micro
stages:
  - {name: first, technique: sft, data: {train: train.jsonl}, overrides: {max_epochs: 2}, timeout: 1h}
  - {name: prefer, technique: dpo, start: first, data: {train: pairs.jsonl}, overrides: {max_epochs: 2}, timeout: 1h}
  - {name: last, technique: sft, start: prefer, data: {train: more.jsonl}, overrides: {max_epochs: 2}, timeout: 1h}
evaluations:
  - {name: holdout, task: gen_qa, data: eval.jsonl, timeout: 1h}
gate: {evaluation: holdout, metric: exact_match, against: base, margin: 0.02, confidence: 0.95}
deployment: %(deployment)s
budget: {usd: 3000}
"""
FROM_CHECKPOINT = """\
name: %%(name)s
model: nova-micro
stages:
  - {name: sft, technique: sft, start: "%s", data: {train: train.jsonl}, overrides: {max_epochs: 1}, timeout: 1h}
evaluations:
  - {name: holdout, task: gen_qa, data: eval.jsonl, timeout: 1h}
gate: {evaluation: holdout, metric: exact_match, against: base, margin: 0.02, confidence: 0.95}
deployment: %%(deployment)s
budget: {usd: 1000}
"""


def rows(folder, name: str, count: int, *, start: int = 0) -> list[bytes]:
    return (folder / name).read_bytes().splitlines(keepends=True)[start : start + count]


def taught(of_reward: list[bytes]) -> bytes:
    """Rows for reinforcement as rows of supervised fine-tuning: the reference is the answer."""
    found = []
    for line in of_reward:
        row = json.loads(line)
        system, user = (message["content"] for message in row["messages"])
        turns = [("user", user), ("assistant", row["reference_answer"])]
        found.append(
            {
                "schemaVersion": "bedrock-conversation-2024",
                "system": [{"text": system}],
                "messages": [{"role": role, "content": [{"text": text}]} for role, text in turns],
            }
        )
    return b"".join(json.dumps(row).encode() + b"\n" for row in found)


def pairs(of_sft: list[bytes]) -> bytes:
    """The same rows as pairs: the answer is preferred to that of another row."""
    documents = [json.loads(line) for line in of_sft]
    answers = [document["messages"][-1]["content"] for document in documents]
    found = []
    for document, right in zip(documents, answers, strict=True):
        wrong = next(answer for answer in answers if answer != right)
        candidates = [
            {"content": right, "preferenceLabel": "preferred"},
            {"content": wrong, "preferenceLabel": "non-preferred"},
        ]
        turns = [*document["messages"][:-1], {"role": "assistant", "candidates": candidates}]
        found.append({**document, "messages": turns})
    return b"".join(json.dumps(row).encode() + b"\n" for row in found)


SMALL = {
    "template": SFT_RFT,
    "train": rows(RETURNS, "train.jsonl", 240, start=150),
    "held_out": rows(RETURNS, "eval.jsonl", 60),
    "files": {"taught.jsonl": taught(rows(RETURNS, "train.jsonl", 100))},
    "deployment": NOWHERE,
}


def shares(deployed: Deployed, ended: Ended) -> tuple[float, float]:
    """The share of exact matches of base and candidate."""
    gate = deployed.read(ended.run, "gate.json")
    return gate["base"]["exact_match"], gate["candidate"]["exact_match"]


def checkpoint(deployed: Deployed, ended: Ended, stage: str) -> str:
    return str(deployed.read(ended.run, f"checkpoints/{stage}.json")["checkpoint"])


def texts(event):
    """The inputs, outputs and causes in an event of a history."""
    details = (value for key, value in event.items() if key.endswith("EventDetails"))
    return [value for detail in details for value in detail.values() if isinstance(value, str)]


# ---- two stages and three


@pytest.fixture(scope="module")
def chained(deployed: Deployed) -> Ended:
    """Supervised fine-tuning, and reinforcement from its checkpoint; deployed."""
    return deployed.run("chained", **{**SMALL, "deployment": None})


def test_a_second_stage_goes_on_from_the_first_ones_checkpoint_and_its_model_is_deployed(deployed, chained):
    assert (chained.status, chained.output.get("status")) == ("SUCCEEDED", "deployed"), chained.cause
    assert chained.entered()[:13] == [
        *("Admit", "Record start"),
        *("Prepare stage", "Reward to try?", "Train", "Collect checkpoint", "Another stage?"),
        *("Prepare stage", "Reward to try?", "Try reward", "Train", "Collect checkpoint", "Another stage?"),
    ]
    first, second = (checkpoint(deployed, chained, stage) for stage in ("sft", "rft"))
    assert first != second
    (name,) = [name for name in chained.jobs if "-rft-" in name]
    request = deployed.client("sagemaker").describe_training_job(TrainingJobName=name)
    assert request["HyperParameters"]["base_model_location"] == first
    assert "base_model" not in request["HyperParameters"]
    summary = deployed.read(chained.run, "summary.json")
    assert summary["checkpoint"] == second
    base, candidate = shares(deployed, chained)
    assert candidate > base + 0.3


def test_the_second_model_is_made_of_the_first(deployed, chained):
    first, second = (
        read_checkpoint(deployed.clients.s3, checkpoint(deployed, chained, stage)) for stage in ("sft", "rft")
    )
    assert {f"before/{name}": content for name, (_, content) in first.items()} == {
        name: content for name, (_, content) in second.items() if name.startswith("before/")
    }


def test_the_folder_has_what_each_stage_was_and_left(chained):
    assert {
        *("checkpoints/sft.json", "checkpoints/rft.json", "trial/rft.jsonl", "trial/rft.json"),
        *("recipes/sft/recipe.yaml", "recipes/rft/recipe.template.yaml", "recipes/rft/recipe.yaml"),
    } <= chained.files
    assert not {"recipes/sft/recipe.template.yaml", "trial/sft.json"} & chained.files


def test_the_whole_run_is_short_in_transitions_events_and_state(chained):
    assert len(chained.entered()) <= MOST_TRANSITIONS
    assert len(chained.events) <= MOST_EVENTS
    assert max(len(text.encode()) for event in chained.events for text in texts(event)) <= MOST_BYTES


def test_its_phases_name_the_stages_and_its_jobs_are_in_their_order(deployed, chained):
    titles = [phase.title for phase in deployed.status(chained.run).phases]
    assert titles[:7] == [
        *("Admit", "Prepare sft", "Train sft", "Prepare rft", "Try the reward function of rft", "Train rft"),
        "Evaluate base and candidate",
    ]
    jobs = run_jobs(deployed.clients, deployed.resources, chained.run)
    assert [job.name for job in jobs if job.trains] == ["sft", "rft"]


def test_three_stages_follow_each_other(deployed):
    rows_of = {"train": rows(INTENTS, "train.jsonl", 150), "held_out": rows(INTENTS, "eval.jsonl", 60)}
    files = {
        "pairs.jsonl": pairs(rows(INTENTS, "train.jsonl", 200, start=150)),
        "more.jsonl": b"".join(rows(INTENTS, "train.jsonl", 200, start=350)),
    }
    ended = deployed.run("three", **rows_of, files=files, template=SFT_DPO_SFT, deployment=NOWHERE)
    assert ended.status == "SUCCEEDED", ended.cause
    assert (ended.visits("Prepare stage"), ended.visits("Train"), ended.visits("Try reward")) == (3, 3, 0)
    made = [checkpoint(deployed, ended, stage) for stage in ("first", "prefer", "last")]
    sagemaker = deployed.client("sagemaker")
    began = {}
    for name in ended.jobs:
        for stage in ("first", "prefer", "last"):
            if name.startswith(ended.job(stage)):
                request = sagemaker.describe_training_job(TrainingJobName=name)["HyperParameters"]
                began[stage] = request.get("base_model_location")
    assert began == {"first": None, "prefer": made[0], "last": made[1]}
    base, candidate = shares(deployed, ended)
    assert candidate > base + 0.1
    assert max(len(text.encode()) for event in ended.events for text in texts(event)) <= MOST_BYTES


def test_the_example_of_two_stages_is_deployed(deployed):
    ended = deployed.end(deployed.start(deployed.as_it_stands(RETURNS / "taught-first.yaml")))
    assert (ended.status, ended.output.get("status")) == ("SUCCEEDED", "deployed"), ended.cause
    base, candidate = shares(deployed, ended)
    assert candidate > max(0.8, base + 0.3)
    assert len(ended.entered()) <= MOST_TRANSITIONS
    assert len(ended.events) <= MOST_EVENTS


# ---- what goes wrong


def test_when_the_second_stage_fails_the_first_ones_checkpoint_stays_and_is_named(deployed):
    deployed.emulator.inject(job("half-way-rft", "fail", message=NO_GPU))
    ended = deployed.run("half-way", **SMALL)
    assert (ended.status, ended.error) == ("FAILED", "States.TaskFailed")
    assert ended.cause.startswith("Train (rft): ")
    assert NO_GPU in ended.cause
    assert ended.ledger["failure"].startswith("Train (rft): States.TaskFailed: ")
    assert read_checkpoint(deployed.clients.s3, checkpoint(deployed, ended, "sft"))
    assert "checkpoints/rft.json" not in ended.files
    assert ended.visits("Evaluate") == 0
    status = deployed.status(ended.run)
    assert status.problem.message.startswith("Train (rft): ")
    assert (status.phases[-1].title, status.phases[-1].status) == ("Train rft", "failed")
    assert [phase.status for phase in status.phases[:-1]] == ["done"] * (len(status.phases) - 1)


def test_without_its_permission_the_second_stage_is_refused_its_checkpoint(deployed):
    statement = deployed.statement("RolesTraining", "ReadCheckpoints")
    with taken_away(deployed.client("iam"), [statement]):
        ended = deployed.run("no-checkpoints", **SMALL)
    assert ended.status == "FAILED"
    assert ended.cause.startswith("Train (rft): ")
    assert statement.refusal_in(ended.cause)


def test_a_claim_whose_second_stage_waits_for_something_else_is_refused(deployed):
    run = deployed.compiled("refused-chain", **SMALL)
    first, second = run.claim["stages"]
    claim = deployed.restated(deployed.upload(run), stages=[first, {**second, "start": "another"}])
    ended = deployed.end(deployed.start(run, claim))
    assert (ended.error, ended.jobs) == ("ClaimRefused", {})
    assert "stage rft waits for a checkpoint of 'another', which is no stage before it" in ended.cause


# ---- a checkpoint that the user names


def test_a_first_stage_goes_on_from_a_checkpoint_that_the_file_names(deployed, tmp_path):
    trained = deployed.run("to-go-on-from", deployment=NOWHERE)
    uri = checkpoint(deployed, trained, "sft")
    few = rows(INTENTS, "train.jsonl", 64)
    ended = deployed.run("going-on", train=few, template=FROM_CHECKPOINT % uri, deployment=NOWHERE)
    assert ended.status == "SUCCEEDED", ended.cause
    alone = deployed.run("alone", train=few, deployment=NOWHERE)
    assert shares(deployed, ended)[1] > shares(deployed, alone)[1]
    assert "recipes/sft/recipe.template.yaml" not in ended.files


def test_a_checkpoint_of_another_account_is_refused_before_anything_is_uploaded(deployed):
    uri = "s3://customer-escrow-999999999999-smtj-0a1b2c3d/job/7/"
    with pytest.raises(NovalineError, match="of account 999999999999, and dev is account"):
        deployed.compiled("elsewhere", template=FROM_CHECKPOINT % uri)
