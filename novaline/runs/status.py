"""Where a run stands, read from its execution, and its results when there are any."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

from novaline.findings import NovalineError, UsageProblem, nearest
from novaline.requests.resources import Resources
from novaline.runs.clients import Clients
from novaline.runs.explain import Problem, explain
from novaline.runs.history import Phase, current_states, phases, visits
from novaline.runs.identity import execution_arn, is_run_id, run_prefix
from novaline.runs.problems import error_code, explained

RunState = Literal["running", "succeeded", "failed", "aborted", "timed-out"]
STATES: dict[str, RunState] = {
    "RUNNING": "running",
    "PENDING_REDRIVE": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "ABORTED": "aborted",
    "TIMED_OUT": "timed-out",
}
_PATIENCE = 5
"""So many questions in a row may fail before watching gives up; the run itself goes on either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """One look at a run. `output` and `summary` are there once it has ended well, `problem` when it has not."""

    run: str
    environment: str
    status: RunState
    states: tuple[str, ...]
    phases: tuple[Phase, ...]
    started: datetime
    ended: datetime | None
    looked: datetime
    folder: str
    problem: Problem | None = None
    output: dict[str, Any] | None = None
    summary: dict[str, Any] | None = None

    @property
    def elapsed_seconds(self) -> float:
        """From the start to the end, or to now."""
        return max(0.0, ((self.ended or self.looked) - self.started).total_seconds())

    @property
    def result(self) -> str | None:
        """`deployed`, `evaluated` (no deployment was asked for) or `rejected`, once the run has ended well."""
        return None if self.output is None else cast("str | None", self.output.get("status"))

    def as_json(self) -> dict[str, object]:
        """The document that `novaline status --json` prints."""
        return {
            "run": self.run,
            "environment": self.environment,
            "status": self.status,
            "state": self.states[-1] if self.states else None,
            "phases": [
                {
                    "name": phase.key,
                    "stage": phase.stage,
                    "status": phase.status,
                    "seconds": round(phase.seconds(self.looked), 3),
                }
                for phase in self.phases
            ],
            "started": _iso(self.started),
            "ended": None if self.ended is None else _iso(self.ended),
            "elapsed_seconds": round(self.elapsed_seconds, 3),
            "folder": self.folder,
            "error": None if self.problem is None else self.problem.as_json(),
            "result": self.result,
            "output": self.output,
            "summary": self.summary,
        }


def run_status(
    clients: Clients,
    resources: Resources,
    run: str,
    *,
    now: datetime | None = None,
    stages: Sequence[str] | None = None,
) -> RunStatus:
    """One look at the run. `stages` are the names of its stages; without them the run's folder is asked.

    Raises UsageProblem when the environment knows no such run.
    """
    described, events = _execution(clients, resources, run)
    looked = now or datetime.now(UTC)
    status = STATES[described["status"]]
    found = visits(events)
    ended = described.get("stopDate")
    names = stage_names(clients, resources, run) if stages is None else stages
    steps = phases(found, stages=names, ended=ended, failed=status not in {"running", "succeeded"})
    problem = None
    if status not in {"running", "succeeded"}:
        failed_in = next((step.title for step in steps if step.status == "failed"), None)
        problem = _problem(status, described, failed_in)
    return RunStatus(
        run=run,
        environment=resources.environment,
        status=status,
        states=current_states(found) if status == "running" else (),
        phases=steps,
        started=described["startDate"],
        ended=ended,
        looked=looked,
        folder=f"s3://{resources.artifact_bucket}/{run_prefix(run)}",
        problem=problem,
        output=json.loads(described["output"]) if status == "succeeded" and described.get("output") else None,
        summary=None if status == "running" else read_json(clients, resources, run, "summary.json"),
    )


def watch(
    clients: Clients,
    resources: Resources,
    run: str,
    *,
    interval: float = 10.0,
    patience: int = _PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[RunStatus]:
    """A look at the run every `interval` seconds, until it has ended; the last look is the one with the results.

    A lost connection is borne for `patience` looks in a row, then raised as NovalineError; the run does not mind.
    """
    failures, stages = 0, stage_names(clients, resources, run)
    while True:
        try:
            status = run_status(clients, resources, run, stages=stages)
        except NovalineError as problem:
            failures += 1
            if failures >= patience or problem.findings[0].code not in {"no-connection", "throttled"}:
                raise
        else:
            failures = 0
            yield status
            if status.status != "running":
                return
        sleep(interval)


def read_json(clients: Clients, resources: Resources, run: str, name: str) -> dict[str, Any] | None:
    """A JSON file of the run's folder; None when it is not there."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - the command line must start without botocore

    key = run_prefix(run) + name
    with explained(f"reading {key}"):
        try:
            answer = clients.s3.get_object(
                Bucket=resources.artifact_bucket, Key=key, ExpectedBucketOwner=resources.account
            )
            content = answer["Body"].read()
        except ClientError as problem:
            if error_code(problem) in {"NoSuchKey", "404"}:
                return None
            raise
    value = json.loads(content)
    return value if isinstance(value, dict) else None


def stage_names(clients: Clients, resources: Resources, run: str) -> tuple[str, ...]:
    """The names of a run's stages, in their order; empty where its folder does not tell: they are titles, no more."""
    try:
        requests = read_json(clients, resources, run, "requests.json") or {}
    except NovalineError:
        return ()
    return tuple(stage["name"] for stage in requests.get("stages", ()))


def require_run_id(run: str) -> None:
    """Raises UsageProblem unless `run` can be the id of a run."""
    if not is_run_id(run):
        message = f"{run!r} is not the id of a run: those have letters, digits and single hyphens, at most 63"
        raise UsageProblem.of("bad-run", message, hint="`novaline run` prints the id of what it starts")


def _execution(clients: Clients, resources: Resources, run: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    require_run_id(run)
    arn = execution_arn(resources.state_machine_arn, run)
    try:
        with explained(f"asking about the run {run}"):
            described = clients.states.describe_execution(executionArn=arn)
            events: list[dict[str, Any]] = []
            for page in clients.states.get_paginator("get_execution_history").paginate(
                executionArn=arn, includeExecutionData=False
            ):
                events.extend(cast("list[dict[str, Any]]", page["events"]))
    except NovalineError as problem:
        cause = problem.__cause__
        if isinstance(cause, Exception) and error_code(cause) == "ExecutionDoesNotExist":
            raise _unknown(clients, resources, run) from None
        raise
    return cast("dict[str, Any]", described), events


def _unknown(clients: Clients, resources: Resources, run: str) -> UsageProblem:
    with explained(f"listing the runs of {resources.environment}"):
        listed = clients.states.list_executions(stateMachineArn=resources.state_machine_arn, maxResults=20)
    names = [execution["name"] for execution in listed["executions"]]
    message = f"the environment {resources.environment} has no run {run}"
    close = nearest(run, names)
    if close:
        return UsageProblem.of("unknown-run", message, hint=f"did you mean {close}?")
    newest = ", ".join(names[:3])
    return UsageProblem.of("unknown-run", message, hint=f"the newest are {newest}" if newest else "it has none so far")


def _problem(status: RunState, described: dict[str, Any], failed_in: str | None) -> Problem:
    if status == "aborted":
        message = described.get("cause") or (
            "somebody stopped the execution and gave no reason; CloudTrail's StopExecution tells who"
        )
        return Problem(code="Aborted", message=message, next_step="start the run again when you are ready")
    if status == "timed-out":
        return explain(
            described.get("error") or "States.Timeout", described.get("cause") or "timed out", during=failed_in
        )
    return explain(described.get("error"), described.get("cause"), during=failed_in)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
