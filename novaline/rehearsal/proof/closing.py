"""The closing of runs, done once: a run that was aborted is opened again, with a job that goes on, and closed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from novaline.customization.compile import CompiledRun
from novaline.rehearsal.emulator import Emulator
from novaline.rehearsal.faults import Fault
from novaline.rehearsal.proof.exercises import Exercise
from novaline.requests.resources import Resources
from novaline.runs.launch import launch

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

    from novaline.runs.clients import Clients

CLOSE, SWEEP, SCHEDULE = "ClosingClose", "ClosingSweep", "ClosingScheduleRole"
"""Logical ids, without their hashes: two functions, and the role under which the second one is invoked."""
_SCHEDULER: Final = "scheduler.amazonaws.com"
_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortedRun:
    """A run that somebody aborted, whose execution therefore has ended for good."""

    emulator: Emulator
    clients: Clients
    resources: Resources
    run: CompiledRun
    execution: str
    numbers: count[int] = field(default_factory=lambda: count(1))

    @classmethod
    def made(cls, emulator: Emulator, clients: Clients, resources: Resources, run: CompiledRun) -> AbortedRun:
        """Start the run and abort it at once; it is closed by then."""
        aborted = cls(
            emulator=emulator,
            clients=clients,
            resources=resources,
            run=run,
            execution=launch(clients, run, resources),
        )
        clients.states.stop_execution(executionArn=aborted.execution, cause="aborted by the proof")
        _wait_for(lambda: aborted.entry().get("status", {}).get("S") == "aborted", "the run was not closed")
        return aborted

    def event(self) -> Mapping[str, Any]:
        """What EventBridge says of the run's end."""
        detail = {
            "executionArn": self.execution,
            "stateMachineArn": self.resources.state_machine_arn,
            "name": self.run.run,
            "status": "ABORTED",
        }
        return {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}

    def entry(self) -> Mapping[str, Any]:
        """The run's entry in the ledger."""
        found = self.clients.dynamodb.get_item(TableName=self.resources.ledger_table, Key=self._key())
        return found.get("Item", {})

    def open(self) -> None:
        """Let the ledger say that the run goes on, as if nobody had closed it."""
        item: dict[str, Any] = {**self._key(), "status": {"S": "running"}}
        self.clients.dynamodb.put_item(TableName=self.resources.ledger_table, Item=item)

    def start_job(self, tags: Mapping[str, str] = MappingProxyType({})) -> str:
        """A job of the run that goes on, with these tags in place of its own; its name, which no other has had."""
        stage = self.run.claim["stages"][0]["job"]
        name = f"{stage['base_name']}-r1-d{next(self.numbers)}"
        fault = Fault(service="sagemaker", operation="CreateTrainingJob", match=name, kind="slow", code="", message="")
        self.emulator.inject(fault)
        kept = [tag for tag in stage["request"]["Tags"] if tag["Key"] not in tags]
        request = {**stage["request"], "Tags": [*kept, *({"Key": k, "Value": v} for k, v in tags.items())]}
        self.clients.sagemaker.create_training_job(TrainingJobName=name, **request)
        return name

    def status(self, job: str) -> str:
        """Where a job stands."""
        return str(self.clients.sagemaker.describe_training_job(TrainingJobName=job)["TrainingJobStatus"])

    def _key(self) -> dict[str, Any]:
        return {"run": {"S": self.run.run}, "entry": {"S": "run"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingExercise:
    """Closes the run by one of the two functions, each time with a job of its own."""

    aborted: AbortedRun
    function: str
    invoker: Callable[[], LambdaClient]
    event: Mapping[str, Any]

    def __call__(self) -> str:
        """See `exercises.Exercise`."""
        aborted = self.aborted
        aborted.open()
        job = aborted.start_job()
        try:
            said = self._invoked()
            if said:
                return said
            if aborted.status(job) == "InProgress":
                return f"the job {job} goes on"
            return "" if aborted.entry()["status"] == {"S": "aborted"} else f"the run was left {aborted.entry()}"
        finally:
            if aborted.status(job) == "InProgress":
                aborted.clients.sagemaker.stop_training_job(TrainingJobName=job)
            _wait_for(lambda: aborted.status(job) == "Stopped", f"the job {job} did not stop")

    def _invoked(self) -> str:
        """What the function, or whoever refused to invoke it, said of a failure."""
        try:
            answer = self.invoker().invoke(FunctionName=self.function, Payload=json.dumps(self.event))
        except Exception as problem:  # whatever the refusal is, it is what is looked for
            return str(problem)
        said = json.loads(answer["Payload"].read())
        return json.dumps(said) if "FunctionError" in answer else str(said.get("problem", ""))


def closing_exercise(aborted: AbortedRun, *, function: str) -> Exercise:
    """The run is closed as EventBridge has it done, by its event."""
    return ClosingExercise(
        aborted=aborted,
        function=function,
        invoker=lambda: aborted.emulator.client("lambda"),
        event=aborted.event(),
    )


def sweeping_exercise(aborted: AbortedRun, *, function: str, schedule_role: str) -> Exercise:
    """The run is closed as EventBridge Scheduler has it done, under the schedule's role."""

    def as_schedule() -> LambdaClient:
        group = f"arn:aws:scheduler:{aborted.resources.region}:{aborted.resources.account}:schedule-group/default"
        session = aborted.emulator.assume(
            schedule_role, session_name="schedule", as_service=_SCHEDULER, source_arn=group
        )
        client: LambdaClient = aborted.emulator.client("lambda", credentials=session)
        return client

    closing = closing_exercise(aborted, function=function)
    assert isinstance(closing, ClosingExercise)
    return replace(closing, invoker=as_schedule, event={})


def functions_of(emulator: Emulator, stack: str) -> Mapping[str, str]:
    """Physical ids of the two functions and of the schedule's role, by logical id without the hash."""
    found: dict[str, str] = {}
    for page in emulator.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack):
        for resource in page["StackResourceSummaries"]:
            name = resource["LogicalResourceId"][:-8].removesuffix("Function")
            if name in (CLOSE, SWEEP, SCHEDULE) and resource["ResourceType"] != "AWS::Logs::LogGroup":
                found[name] = resource["PhysicalResourceId"]
    return found


def _wait_for(good: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + _SECONDS
    while not good():
        if time.monotonic() > until:
            raise TimeoutError(f"{otherwise} within {_SECONDS:.0f} seconds")
        time.sleep(0.05)
