"""What closes a run: jobs stopped, the end recorded once, people told once; whatever comes twice, late or never."""

# ruff: noqa: N803 - the fakes take boto3's own names

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from memory_stores import MemoryS3

from nova_close.closing import Clients, Settings, StillRunning, SweepIncomplete
from nova_close.handler import close_run, sweep_runs
from nova_close.records import base_names

NOW = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)
MACHINE = "arn:aws:states:us-east-1:111111111111:stateMachine:Customization"
SETTINGS = Settings(
    environment="dev", artifact_bucket="artifacts", ledger_table="ledger", topic_arn="topic", state_machine_arn=MACHINE
)
CLAIM = {
    "stages": [{"name": "sft", "job": {"base_name": "a-sft-0a"}}],
    "evaluations": [{"base": {"base_name": "a-base-0a"}, "candidate": {"base_name": "a-cand-0a"}}],
}
CAUSE = "stopped by arn:aws:iam::111111111111:user/ann: wrong data"


def refusal(code, message="no"):
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


class Pages:
    def __init__(self, make):
        self.paginate = make


@dataclass
class FakeSageMaker:
    """Jobs by name: status, tags and the end. `refused` may not be stopped; `meanwhile` change just before they are."""

    jobs: dict[str, dict] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    meanwhile: dict[str, str] = field(default_factory=dict)
    pages: int = 0

    def add(self, name, *, run="r", environment="dev", status="InProgress", ended=None):
        tags = {"novaline:run": run, "novaline:environment": environment}
        self.jobs[name] = {"status": status, "tags": tags, "ended": ended}
        return name

    def get_paginator(self, operation):
        return Pages({"list_training_jobs": self.list, "list_tags": self.tags}[operation])

    def list(self, *, NameContains="", StatusEquals=None, **_):
        for name, job in self.jobs.items():
            self.pages += 1
            if NameContains in name and StatusEquals in (None, job["status"]):
                shown = {"TrainingJobName": name, "TrainingJobArn": f"arn:{name}", "TrainingJobStatus": job["status"]}
                yield {"TrainingJobSummaries": [shown | ({"TrainingEndTime": job["ended"]} if job["ended"] else {})]}

    def tags(self, *, ResourceArn):
        for key, value in self.jobs[ResourceArn.removeprefix("arn:")]["tags"].items():
            yield {"Tags": [{"Key": key, "Value": value}]}

    def stop_training_job(self, *, TrainingJobName):
        job = self.jobs[TrainingJobName]
        job["status"] = self.meanwhile.get(TrainingJobName, job["status"])
        if TrainingJobName in self.refused:
            raise refusal("AccessDeniedException", "not authorized")
        if job["status"] != "InProgress":
            raise refusal("ValidationException")
        job["status"] = "Stopping"

    def stopped(self):
        return sorted(name for name, job in self.jobs.items() if job["status"] == "Stopping")


@dataclass
class FakeStates:
    executions: dict[str, dict] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)

    def describe_execution(self, *, executionArn):
        run = executionArn.rpartition(":")[2]
        if run not in self.executions:
            raise refusal("ExecutionDoesNotExist")
        return self.executions[run]

    def get_paginator(self, operation):
        assert operation == "list_executions"
        return Pages(self.list)

    def list(self, *, stateMachineArn, statusFilter, **_):
        found = [{"name": name, **one} for name, one in self.executions.items() if one["status"] == statusFilter]
        for one in sorted(found, key=lambda one: one["stopDate"], reverse=True):
            self.listed.append(one["name"])
            yield {"executions": [one]}


class FakeTable:
    """One item a run, and the conditions that the function writes, read word by word."""

    def __init__(self):
        self.items: dict[str, dict] = {}

    def get_item(self, *, TableName, Key, ConsistentRead):
        item = self.items.get(Key["run"]["S"])
        return {} if item is None else {"Item": item}

    def update_item(self, *, TableName, Key, UpdateExpression, ConditionExpression, **more):
        assert (TableName, Key["entry"]) == ("ledger", {"S": "run"})
        names, values = more.get("ExpressionAttributeNames", {}), more["ExpressionAttributeValues"]
        item = self.items.get(Key["run"]["S"], {})
        if not self.holds(ConditionExpression, item, names, values):
            raise refusal("ConditionalCheckFailedException")
        for name in values:
            assert name in UpdateExpression + ConditionExpression, f"{name} is not used, which DynamoDB refuses"
        item = dict(item)
        update, _, added = UpdateExpression.partition("ADD ")
        for part in update.removeprefix("SET ").split(", ") if update.startswith("SET") else []:
            name, value = part.strip().split(" = ")
            item[names.get(name, name)] = values[value]
        for part in added.split(", ") if added else []:
            name, value = part.split(" ")
            before = item.get(names.get(name, name), {"SS": []})["SS"]
            item[names.get(name, name)] = {"SS": sorted({*before, *values[value]["SS"]})}
        if UpdateExpression.startswith("REMOVE "):
            item.pop(UpdateExpression.removeprefix("REMOVE "))
        self.items[Key["run"]["S"]] = item

    @staticmethod
    def holds(condition, item, names, values):
        status = item.get("status")
        match condition:
            case "#status = :running":
                return status == values[":running"]
            case "telling = :telling":
                return item.get("telling") == values[":telling"]
            case "NOT contains(#jobs, :job)":
                return values[":job"]["S"] not in item.get(names["#jobs"], {"SS": []})["SS"]
        assert condition == (
            "attribute_not_exists(#status) OR #status = :running OR "
            "((#status = :aborted OR #status = :timed_out) AND redrives < :redrives)"
        )
        redriven = "redrives" in item and int(item["redrives"]["N"]) < int(values[":redrives"]["N"])
        ended = status in (values[":aborted"], values[":timed_out"])
        return status in (None, values[":running"]) or (ended and redriven)


class World:
    def __init__(self):
        self.sagemaker, self.states, self.table, self.s3 = FakeSageMaker(), FakeStates(), FakeTable(), MemoryS3()
        self.said: list[tuple[str, str]] = []
        self.mute = False
        self.s3.put_object(Bucket="artifacts", Key="runs/r/claim.json", Body=json.dumps(CLAIM).encode())
        self.clients = Clients(
            states=self.states,
            sagemaker=self.sagemaker,
            dynamodb=self.table,
            sns=SimpleNamespace(publish=self.publish),
            s3=self.s3,
        )

    def publish(self, *, TopicArn, Subject, Message):
        if self.mute:
            raise refusal("Throttled")
        self.said.append((Subject, Message))

    def ended(self, status="ABORTED", run="r", **more):
        self.states.executions[run] = {"status": status, "stopDate": NOW, **more}

    def running(self, run="r"):
        self.table.items[run] = {"status": {"S": "running"}, "name": {"S": "intents"}}

    def close(self, status="ABORTED", request="request-1", **detail):
        event = {"name": "r", "status": status, **detail}
        return close_run(event, settings=SETTINGS, clients=self.clients, request=request, now=NOW)

    def sweep(self, *, left=300_000, request="request-9"):
        return sweep_runs(settings=SETTINGS, clients=self.clients, request=request, time_left=lambda: left, now=NOW)


@pytest.fixture
def world():
    found = World()
    found.running()
    return found


# ---- close


def test_an_aborted_run_is_stopped_recorded_and_told_of(world):
    world.ended(cause=CAUSE, error="NovalineAbort")
    jobs = [world.sagemaker.add("a-sft-0a-r0-d0"), world.sagemaker.add("a-cand-0a-r1-d0")]
    assert world.close() == {"run": "r", "status": "aborted", "stopped": sorted(jobs), "told": True}
    assert world.sagemaker.stopped() == sorted(jobs)
    item = world.table.items["r"]
    assert (item["status"], item["name"]) == ({"S": "aborted"}, {"S": "intents"})
    assert item["finished"] == {"S": "2026-11-20T10:15:00.000Z"}
    assert item["stopped_jobs"] == {"SS": sorted(jobs)}
    assert "telling" not in item
    ((subject, message),) = world.said
    assert subject == "Novaline: run aborted"
    assert message == f"Run r was aborted. {item['failure']['S']}"
    assert message.startswith(f"Run r was aborted. {CAUSE}. Stopped: ")
    assert all(job in message for job in jobs)


@pytest.mark.parametrize(
    ("status", "described", "recorded", "told"),
    [
        ("ABORTED", {}, "aborted", ("run aborted", "gave no reason; CloudTrail's StopExecution tells who")),
        ("TIMED_OUT", {}, "timed-out", ("run timed out", "reached its time limit")),
        (
            "FAILED",
            {"error": "E", "cause": "Train: no"},
            "failed",
            ("run failed", "could not record it. E: Train: no."),
        ),
    ],
)
def test_each_end_has_its_words(world, status, described, recorded, told):
    world.ended(status, **described)
    world.close(status)
    assert world.table.items["r"]["status"] == {"S": recorded}
    ((title, message),) = world.said
    assert title == f"Novaline: {told[0]}"
    assert told[1] in message
    assert message.endswith("No training job of it was in progress.")


def test_a_run_that_ended_before_its_start_was_recorded_gets_an_entry(world):
    world.table.items.clear()
    world.ended(cause=CAUSE)
    assert world.close()["told"] is True
    assert world.table.items["r"]["status"] == {"S": "aborted"}


@pytest.mark.parametrize("recorded", ["failed", "deployed", "rejected", "aborted", "timed-out"])
def test_a_recorded_end_is_never_overwritten(world, recorded):
    world.table.items["r"] = before = {"status": {"S": recorded}, "redrives": {"N": "0"}}
    world.ended("FAILED")
    assert world.close("FAILED")["told"] is False
    assert (world.table.items["r"], world.said) == (before, [])


def test_a_job_that_outlived_a_recorded_end_is_stopped_and_told_of_once(world):
    world.table.items["r"] = {"status": {"S": "failed"}}
    world.ended("FAILED")
    name = world.sagemaker.add("a-cand-0a-r0-d0")
    world.close("FAILED")
    ((subject, message),) = world.said
    assert subject == "Novaline: jobs stopped"
    assert f"Stopped: {name}." in message
    world.sagemaker.jobs[name]["status"] = "InProgress"  # as whoever looked at the same moment saw it
    assert world.close("FAILED", request="request-2")["told"] is False


def test_an_event_that_comes_twice_does_nothing_the_second_time(world):
    world.ended()
    world.sagemaker.add("a-sft-0a-r0-d0")
    world.close()
    item = world.table.items["r"]
    assert world.close(request="request-2") == {"run": "r", "status": "aborted", "stopped": [], "told": False}
    assert (world.table.items["r"], len(world.said)) == (item, 1)


def test_a_late_event_of_a_run_that_was_redriven_is_left_alone(world):
    world.states.executions["r"] = {"status": "RUNNING", "redriveCount": 1}
    world.sagemaker.add("a-sft-0a-r0-d1")
    assert world.close(redriveCount=0) == {"run": "r", "status": "running"}
    assert (world.sagemaker.stopped(), world.said) == ([], [])


def test_a_run_that_is_aborted_again_after_a_redrive_is_closed_again(world):
    world.table.items["r"] = {"status": {"S": "aborted"}, "redrives": {"N": "0"}}
    world.ended(redriveCount=1)
    assert world.close()["told"] is True
    assert world.table.items["r"]["redrives"] == {"N": "1"}


def test_an_event_is_believed_while_step_functions_still_shows_the_run_as_running(world):
    world.states.executions["r"] = {"status": "RUNNING"}
    world.close(stopDate=NOW.timestamp() * 1000 + 250)
    assert world.table.items["r"]["finished"] == {"S": "2026-11-20T10:15:00.250Z"}


def test_what_step_functions_has_stopped_itself_is_told_too_and_older_attempts_are_not(world):
    world.ended()
    world.sagemaker.add("a-sft-0a-r0-d0", status="Stopped", ended=NOW - timedelta(hours=3))
    world.sagemaker.add("a-base-0a-r0-d0", status="Stopping")
    world.sagemaker.add("a-cand-0a-r0-d0", status="Stopped", ended=NOW + timedelta(seconds=2))
    assert world.close()["stopped"] == []
    assert "Stopped: a-base-0a-r0-d0, a-cand-0a-r0-d0." in world.said[0][1]


@pytest.mark.parametrize(
    ("status", "told"), [("Stopping", "Stopped: a-sft-0a-r0-d0."), ("Completed", "No training job")]
)
def test_a_job_that_somebody_stopped_between_look_and_stop_is_looked_at_again(world, status, told):
    world.ended()
    name = world.sagemaker.add("a-sft-0a-r0-d0")
    world.sagemaker.meanwhile[name] = status
    assert world.close()["stopped"] == []
    assert told in world.said[0][1]


def test_only_jobs_that_are_tagged_as_the_runs_are_stopped(world):
    world.ended()
    world.sagemaker.add("a-sft-0a-r0-d0", run="another")
    world.sagemaker.add("a-sft-0a-r1-d0", environment="prod")
    world.sagemaker.add("x-a-sft-0a-r0-d0")
    world.close()
    assert world.sagemaker.stopped() == []


def test_a_job_that_cannot_be_stopped_is_told_and_fails_the_invocation(world):
    world.ended()
    names = [world.sagemaker.add("a-sft-0a-r0-d0"), world.sagemaker.add("a-sft-0a-r1-d0")]
    world.sagemaker.refused.add(names[0])
    with pytest.raises(StillRunning, match=f"{names[0]}: .*not authorized"):
        world.close()
    assert world.sagemaker.stopped() == [names[1]]
    assert f"STILL RUNNING, AND PAID FOR: {names[0]}" in world.said[0][1]
    with pytest.raises(StillRunning):
        world.close(request="request-2")
    assert len(world.said) == 1
    world.sagemaker.refused.clear()
    world.close(request="request-3")
    assert world.said[1][0] == "Novaline: jobs stopped"


def test_who_could_not_be_told_is_told_when_the_invocation_is_repeated(world):
    world.ended(cause=CAUSE)
    name, world.mute = world.sagemaker.add("a-sft-0a-r0-d0"), True
    with pytest.raises(ClientError, match="Throttled"):
        world.close()
    world.mute = False
    assert world.close(request="another")["told"] is False
    assert world.close()["told"] is True
    ((_, message),) = world.said
    assert name in message
    assert "telling" not in world.table.items["r"]


@pytest.mark.parametrize("claim", [None, b"{"])
def test_without_a_claim_that_can_be_read_the_jobs_are_left_to_the_sweep(world, claim):
    world.s3.objects.clear()
    if claim:
        world.s3.put_object(Bucket="artifacts", Key="runs/r/claim.json", Body=claim)
    world.ended(cause=CAUSE)
    name = world.sagemaker.add("a-sft-0a-r0-d0")
    assert "claim.json could not be read" in world.close()["problem"]
    assert "The sweep looks for its jobs by their tags." in world.said[0][1]
    world.sweep()
    assert world.sagemaker.stopped() == [name]


def test_a_reason_of_any_length_fits_a_message(world):
    world.ended(cause="x" * 40_000)
    world.close()
    assert len(world.said[0][1]) < 5_000


def test_every_base_name_of_a_claim_is_found_wherever_it_stands():
    assert list(base_names(CLAIM)) == ["a-sft-0a", "a-base-0a", "a-cand-0a"]
    assert list(base_names({"variants": [{"deep": [{"base_name": "v"}, {"base_name": ""}]}], "base_name": 3})) == ["v"]


# ---- sweep


def test_a_sweep_of_nothing_asks_little_and_says_nothing():
    world = World()
    assert world.sweep() == {"closed": [], "jobs_in_progress": 0, "finished": True}
    assert (world.sagemaker.pages, world.said) == (0, [])


def test_the_sweep_closes_a_run_with_a_job_and_leaves_a_running_one_alone(world):
    world.running("s")
    world.states.executions["s"] = {"status": "RUNNING"}
    world.ended(cause=CAUSE)
    lost, own = world.sagemaker.add("a-sft-0a-r0-d0"), world.sagemaker.add("b-sft-0b-r0-d0", run="s")
    found = world.sweep()
    assert found["closed"] == [{"run": "r", "status": "aborted", "stopped": [lost], "told": True}]
    assert (found["jobs_in_progress"], world.sagemaker.jobs[own]["status"]) == (2, "InProgress")
    assert world.table.items["s"]["status"] == {"S": "running"}


def test_the_sweep_closes_a_run_without_jobs_and_looks_no_further_back_than_a_day(world):
    world.ended()
    for days in range(1, 5):
        world.ended(run=f"old-{days}", stopDate=NOW - timedelta(days=days, seconds=1))
    assert [one["run"] for one in world.sweep()["closed"]] == ["r"]
    assert world.states.listed == ["r", "old-1"]
    assert world.sweep()["closed"] == []


def test_the_sweep_leaves_what_is_recorded_alone(world):
    world.table.items["r"] = {"status": {"S": "failed"}}
    world.ended("FAILED")
    assert world.sweep()["closed"] == []


def test_a_job_of_a_run_that_succeeded_or_never_was_is_stopped_and_the_ledger_says_nothing_new(world):
    world.table.items["r"] = {"status": {"S": "deployed"}}
    world.ended("SUCCEEDED")
    jobs = [world.sagemaker.add("a-sft-0a-r9-d0"), world.sagemaker.add("n-sft-0c-r0-d0", run="never")]
    world.sweep()
    assert world.sagemaker.stopped() == jobs
    assert [subject for subject, _ in world.said] == ["Novaline: jobs stopped"] * 2
    assert world.table.items["r"]["status"] == {"S": "deployed"}
    assert "status" not in world.table.items["never"]


def test_a_run_whose_execution_is_gone_while_the_ledger_says_running_is_closed(world):
    world.sagemaker.add("a-sft-0a-r0-d0")
    world.sweep()
    assert world.table.items["r"]["status"] == {"S": "aborted"}
    assert world.said[0][0] == "Novaline: run is gone"


def test_one_run_that_cannot_be_closed_keeps_no_other_one_open(world):
    world.ended()
    world.ended(run="s")
    stuck, other = world.sagemaker.add("a-sft-0a-r0-d0"), world.sagemaker.add("b-sft-0b-r0-d0", run="s")
    world.sagemaker.refused.add(stuck)
    with pytest.raises(SweepIncomplete, match=f"r: {stuck}: "):
        world.sweep()
    assert world.sagemaker.stopped() == [other]


def test_a_sweep_that_runs_out_of_time_says_so_and_the_next_one_goes_on(world):
    world.ended()
    name = world.sagemaker.add("a-sft-0a-r0-d0")
    assert world.sweep(left=10_000) == {"closed": [], "jobs_in_progress": 1, "finished": False}
    assert world.sweep()["closed"][0]["stopped"] == [name]
