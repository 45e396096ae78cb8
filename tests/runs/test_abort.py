"""A run is aborted: who and why is kept, and it is looked at until nothing of it is paid for."""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from fake_aws import RESOURCES, T0, FakeS3, FakeStates, Pages

from novaline.findings import NovalineError, UsageProblem
from novaline.runs.abort import ERROR, abort, proven_stopped
from novaline.runs.clients import Clients

RUN = "intents-20261120-101500-abcdef"
ANN = "arn:aws:iam::111111111111:user/ann"
JOB = {"base_name": "b", "request": {"ResourceConfig": {"InstanceCount": 2}}}
REQUESTS = {"stages": [{"name": "sft", "job": JOB}], "evaluations": []}
PLAN = {"cost": {"lines": [{"job": "sft", "usd_per_hour": 60.0}]}}


class States(FakeStates):
    def __init__(self, status: str) -> None:
        super().__init__(described={"status": status, "stopDate": T0}, known=[RUN])
        self.stopped: list[dict] = []

    def stop_execution(self, **request):
        self.stopped.append(request)


@dataclass
class World:
    """Looks of a story in turn: the job's status, and the run's in the ledger. The last one stays."""

    looks: list[tuple[str, str | None]]
    status: str = "RUNNING"
    asked: int = 0
    waited: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        s3 = FakeS3()
        for name, document in (("requests.json", REQUESTS), ("plan.json", PLAN)):
            s3.objects["artifacts", f"runs/{RUN}/{name}"] = {"Body": json.dumps(document).encode()}
        self.states = States(self.status)
        self.clients = Clients.made_by({"s3": s3, "stepfunctions": self.states}.get)
        object.__setattr__(self.clients, "dynamodb", SimpleNamespace(get_item=self.get_item))
        object.__setattr__(
            self.clients,
            "sagemaker",
            SimpleNamespace(
                get_paginator=lambda _: Pages([{"TrainingJobSummaries": [{"TrainingJobName": "b-r0-d0"}]}]),
                describe_training_job=self.describe,
            ),
        )

    def look(self) -> tuple[str, str | None]:
        return self.looks[min(self.asked, len(self.looks) - 1)]

    def describe(self, **_):
        return {"TrainingJobStatus": self.look()[0], "BillableTimeInSeconds": 1800}

    def get_item(self, **_):
        status, self.asked = self.look()[1], self.asked + 1
        return {} if status is None else {"Item": {"status": {"S": status}, "failure": {"S": "stopped by ann"}}}

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)

    def proven(self, **more):
        return proven_stopped(
            self.clients,
            RESOURCES,
            RUN,
            by=ANN,
            reason="wrong data",
            clock=lambda: sum(self.waited),
            sleep=self.sleep,
            **more,
        )


def test_the_execution_is_stopped_with_who_wanted_it_and_why():
    world = World([])
    abort(world.clients, RESOURCES, RUN, by=ANN, reason="wrong data")
    (request,) = world.states.stopped
    assert request["executionArn"].endswith(f":execution:Customization:{RUN}")
    assert (request["error"], request["cause"]) == (ERROR, f"stopped by {ANN}: wrong data")


def test_who_gives_no_reason_is_said_to_have_given_none():
    world = World([])
    abort(world.clients, RESOURCES, RUN, by=ANN, reason=None)
    assert world.states.stopped[0]["cause"] == f"stopped by {ANN}: no reason was given"


@pytest.mark.parametrize(
    ("status", "word"), [("SUCCEEDED", "succeeded"), ("TIMED_OUT", "timed out"), ("ABORTED", "aborted")]
)
def test_a_run_that_has_ended_is_not_stopped_again(status, word):
    world = World([], status=status)
    with pytest.raises(NovalineError, match=f"has ended already: {word} at 2026-11-20 10:15 UTC") as caught:
        abort(world.clients, RESOURCES, RUN, by=ANN, reason=None)
    assert caught.value.exit_code == 1
    assert world.states.stopped == []


def test_a_reason_that_nobody_would_read_is_refused_before_anything_is_stopped():
    world = World([])
    with pytest.raises(UsageProblem, match=r"1,001 characters; at most 1,000"):
        abort(world.clients, RESOURCES, RUN, by=ANN, reason="x" * 1001)
    assert world.states.stopped == []


def test_it_waits_until_the_job_has_stopped_and_the_ledger_says_so():
    world, told = World([("InProgress", "running"), ("Stopping", "aborted"), ("Stopped", "aborted")]), []
    found = world.proven(report=told.append)
    assert told == ["waiting for b-r0-d0 to stop"] * 2
    assert (found.stopped, found.recorded, found.spent_usd) == (True, "aborted", 60.0)
    assert found.as_json()["jobs"] == [
        {"name": "b-r0-d0", "job": "sft", "status": "Stopped", "seconds": 1800.0, "usd": 60.0}
    ]


def test_a_job_that_goes_on_is_no_success_and_how_to_stop_it_is_told():
    world = World([("InProgress", "aborted")])
    with pytest.raises(NovalineError, match=r"b-r0-d0 .* is still in progress, and paid for") as caught:
        world.proven(seconds=20)
    assert "--training-job-name b-r0-d0" in (caught.value.findings[0].hint or "")
    assert sum(world.waited) == 20


def test_a_job_that_is_stopping_for_long_is_told_to_be_billed():
    found = World([("Stopping", "aborted")]).proven(seconds=20)
    assert found.stopped is False


@pytest.mark.parametrize("recorded", ["running", None])
def test_a_run_that_is_still_open_in_the_ledger_is_no_success(recorded):
    with pytest.raises(NovalineError, match=r"the ledger does not say that the run .* has ended"):
        World([("Stopped", recorded)]).proven(seconds=20)


def test_a_run_that_ended_by_itself_just_before_is_not_called_aborted():
    with pytest.raises(NovalineError, match="ended by itself before it could be stopped: deployed"):
        World([("Completed", "deployed")]).proven()


def test_a_folder_that_does_not_tell_the_jobs_does_not_hide_that_the_execution_is_stopped():
    world = World([])
    world.clients.s3.objects.clear()
    with pytest.raises(NovalineError, match="the execution was stopped, but the folder of the run"):
        world.proven()
