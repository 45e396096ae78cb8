"""What a run does not get away with, executed: claims that Admit refuses, another model behind the deployment."""

from dataclasses import replace
from itertools import count

import pytest

from novaline.rehearsal.faults import Fault
from novaline.rehearsal.proof.statements import taken_away
from novaline.s3_uri import split_s3_uri
from tests.rehearsal.deployed import TRAIN, shuffled

pytestmark = pytest.mark.xdist_group("deployed")

_first_rows = count(4)  # each run here has data of its own, because it spoils them in the bucket


def train_uri(run):
    (uri,) = (item["uri"] for item in run.claim["objects"] if "train data" in item["what"])
    return uri


# ---- Admit


def a_tampered_claim(deployed, run, claim):
    tampered = deployed.restated(claim, budget_usd=1_000_000)
    return replace(tampered, sha256=claim.sha256)


def the_claim_of_another_run(deployed, run, claim):
    other = deployed.upload(deployed.compiled("another-run"))
    return replace(other, run=claim.run)


def a_claim_in_another_bucket(deployed, run, claim):
    stored = deployed.exchange(f"s3://{deployed.resources.data_bucket}/data/claim.json", b"{}")
    uri = f"s3://{deployed.resources.data_bucket}/data/claim.json"
    return replace(claim, uri=uri, version_id=stored["version_id"], sha256=stored["sha256"])


def data_with_a_newer_version(deployed, run, claim):
    deployed.exchange(train_uri(run), b"".join(TRAIN))
    return claim


def data_that_are_gone(deployed, run, claim):
    bucket, key = split_s3_uri(train_uri(run))
    deployed.clients.s3.delete_object(Bucket=bucket, Key=key)
    return claim


def more_money_than_the_environment_has(deployed, run, claim):
    return deployed.restated(claim, worst_case_usd=20_000.0, budget_usd=30_000.0)


def a_role_of_its_own_choice(deployed, run, claim):
    (stage,) = run.claim["stages"]
    request = {**stage["job"]["request"], "RoleArn": deployed.role("WorkflowRole")}
    return deployed.restated(claim, stages=[{**stage, "job": {**stage["job"], "request": request}}])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (a_tampered_claim, "the file was changed or mixed up"),
        (the_claim_of_another_run, "claim.json is that of run another-run-"),
        (a_claim_in_another_bucket, "this environment reads claims from"),
        (data_with_a_newer_version, "has a newer version"),
        (data_that_are_gone, "is not there"),
        (more_money_than_the_environment_has, "$20,000.00 exceeds the environment's limit of $10,000.00"),
        (a_role_of_its_own_choice, "stage sft names role"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "refused",
)
def test_what_admit_refuses_costs_nothing_and_is_recorded_and_told(deployed, spoil, words):
    run = deployed.compiled("refused", train=TRAIN[next(_first_rows) :])
    ended = deployed.end(deployed.start(run, spoil(deployed, run, deployed.upload(run))))
    assert (ended.status, ended.error) == ("FAILED", "ClaimRefused")
    assert ended.cause.startswith("Admit: ")
    assert words in ended.cause
    assert ended.entered() == ["Admit", "Record failure", "Notify failure", "Failed"]
    assert ended.failed_tasks() == ["ClaimRefused"]
    assert ended.jobs == {}
    assert ended.ledger["status"] == "failed"
    assert words in ended.ledger["failure"]
    (said,) = deployed.notifications(ended.run)
    assert words in said["Message"]


# ---- Verify


def test_another_model_behind_the_deployment_is_noticed_and_nothing_is_registered(deployed):
    wrong = deployed.run("wrong-labels", train=shuffled(TRAIN))
    deployed.emulator.inject(throttled_import("exchanged"))
    right = deployed.start(deployed.compiled("exchanged"))
    deployed.wait_for(lambda: deployed.events(right), lambda events: events[-1]["type"] == "TaskFailed")
    exchange_checkpoint(deployed, of=right.run, by=wrong.run)
    deployed.emulator.clear_faults()
    ended = deployed.end(right)
    assert (ended.status, ended.error) == ("FAILED", "VerificationFailed")
    assert "is another model behind the deployment?" in ended.cause
    assert ended.cause.startswith("Verify: ")
    assert ended.ledger["status"] == "failed"
    assert not {"verification.json", "summary.json"} & ended.files
    assert deployed.ledger("deployment#exchanged", ended.run) == {}


def throttled_import(name):
    """Refuses the import as often as the workflow tries again: the time to exchange the checkpoint in."""
    return Fault(
        service="bedrock",
        operation="CreateCustomModel",
        match=name,
        kind="error",
        code="ThrottlingException",
        times=8,
    )


def exchange_checkpoint(deployed, *, of, by):
    """What lies in escrow under a run's checkpoint becomes what lies under another's."""
    s3 = deployed.clients.s3
    there, here = (split_s3_uri(deployed.read(run, "checkpoints/sft.json")["checkpoint"]) for run in (by, of))
    for found in s3.list_objects_v2(Bucket=there[0], Prefix=there[1])["Contents"]:
        name = found["Key"].removeprefix(there[1])
        body = s3.get_object(Bucket=there[0], Key=found["Key"])["Body"].read()
        s3.put_object(Bucket=here[0], Key=here[1] + name, Body=body)


# ---- recording


def test_a_run_that_cannot_be_recorded_is_still_told_of_with_its_first_failure_and_closed(deployed):
    slow = Fault(service="sagemaker", operation="CreateTrainingJob", match="unrecorded-sft", kind="slow")
    deployed.emulator.inject(slow)
    started = deployed.start(deployed.compiled("unrecorded"))
    name = f"{started.job('sft')}-r0-d0"
    deployed.wait_for(lambda: deployed.jobs(name), lambda jobs: jobs)
    with taken_away(deployed.client("iam"), [deployed.statement("WorkflowRole", "RecordRuns")]):
        deployed.client("sagemaker").stop_training_job(TrainingJobName=name)
        ended = deployed.end(started)
    assert ended.entered()[-3:] == ["Record failure", "Notify failure", "Failed"]
    assert ended.failed_tasks()[0] == "States.TaskFailed"
    assert ended.failed_tasks()[1].startswith("DynamoDB.")
    assert (ended.status, ended.error) == ("FAILED", "States.TaskFailed")
    assert ended.cause.startswith("Train (sft): ")
    told = deployed.wait_for(lambda: deployed.notifications(ended.run), lambda said: len(said) == 2)
    assert told[0]["Message"].startswith(f"Run {ended.run} failed in Train (sft): States.TaskFailed")
    assert told[1]["Message"].startswith(
        f"Run {ended.run} failed, and could not record it. States.TaskFailed: Train (sft): "
    )
    assert deployed.ledger(ended.run, "run")["status"] == "failed"


def test_a_run_that_can_neither_record_nor_tell_its_first_failure_is_closed_with_it(deployed):
    missing = [deployed.statement("WorkflowRole", sid) for sid in ("RecordRuns", "Notify")]
    with taken_away(deployed.client("iam"), missing):
        ended = deployed.run("unheard")
    assert ended.entered() == ["Admit", "Record start", "Record failure", "Notify failure", "Failed"]
    assert ended.cause.startswith("Record start: ")
    assert "not authorized to perform: dynamodb:PutItem" in ended.cause
    assert ended.jobs == {}
    (said,) = deployed.wait_for(lambda: deployed.notifications(ended.run), bool)
    assert said["Message"].startswith(f"Run {ended.run} failed, and could not record it. ")
    assert "not authorized to perform: dynamodb:PutItem" in said["Message"]
    assert deployed.ledger(ended.run, "run")["status"] == "failed"
