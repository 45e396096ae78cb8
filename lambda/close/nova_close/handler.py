"""Close what a run left open that was aborted, timed out, or failed without recording it.

`close` takes EventBridge's "Step Functions Execution Status Change" of the environment's state machine, with status
ABORTED, TIMED_OUT or FAILED. Such events are delivered on a best effort: twice, late, or never. Output: ``{"run",
"status", "stopped": [job], "told"}``, or ``{"run", "status": "running"}`` when the execution was redriven since.

`sweep` runs on a schedule, whatever its input. It stops the environment's jobs in progress whose run has ended, and
closes the runs that ended without success within `LOOK_BACK` and are still open. Output: ``{"closed": [what `close`
returns], "jobs_in_progress", "finished": whether it looked at everything in its time}``.

Errors, each after everything else is done: ``StillRunning`` when a job could not be stopped; of a sweep
``SweepIncomplete``, which names the runs that could not be closed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, Literal

from botocore.exceptions import ClientError

from nova_close.closing import Clients, Closer, Settings, StillRunning, SweepIncomplete
from nova_close.records import STATUSES, Job, base_names, told_ending

LOOK_BACK: Final = timedelta(days=1)
"""A run whose end was missed is found for so long, should the sweep itself have failed for a while."""
_RESERVE_MILLISECONDS: Final = 30_000
"""What is left of an invocation's time when it begins nothing more."""

_Unended = Literal["ABORTED", "FAILED", "TIMED_OUT"]


@cache
def _clients() -> Clients:
    import boto3  # noqa: PLC0415 - the runtime's own; imported when first needed
    from botocore.config import Config  # noqa: PLC0415 - likewise

    patient = Config(retries={"mode": "standard", "max_attempts": 8}, connect_timeout=5, read_timeout=20)
    return Clients(
        states=boto3.client("stepfunctions", config=patient),
        sagemaker=boto3.client("sagemaker", config=patient),
        dynamodb=boto3.client("dynamodb", config=patient),
        sns=boto3.client("sns", config=patient),
        s3=boto3.client("s3", config=patient),
    )


def close(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no type here
    """Lambda entry point: a run whose execution ended."""
    settings = Settings.from_variables(os.environ)
    return close_run(event["detail"], settings=settings, clients=_clients(), request=context.aws_request_id)


def sweep(event: object, context: Any) -> dict[str, Any]:  # noqa: ANN401 - likewise
    """Lambda entry point: everything that no event told."""
    return sweep_runs(
        settings=Settings.from_variables(os.environ),
        clients=_clients(),
        request=context.aws_request_id,
        time_left=context.get_remaining_time_in_millis,
    )


def close_run(
    detail: Mapping[str, Any], *, settings: Settings, clients: Clients, request: str, now: datetime | None = None
) -> dict[str, Any]:
    """Close the run that the event's `detail` tells of. Its jobs are those of the claim in its folder."""
    closer, run = Closer(clients, settings, request=request), detail["name"]
    ending = told_ending(detail, closer.described(run), now=now or datetime.now(UTC))
    if ending is None:
        return {"run": run, "status": "running"}
    names, unknown = _names_of_jobs(run, settings=settings, clients=clients)
    return closer.close(ending, tuple(closer.jobs.named(names)), unknown=unknown)


def sweep_runs(
    *,
    settings: Settings,
    clients: Clients,
    request: str,
    time_left: Callable[[], int],
    now: datetime | None = None,
) -> dict[str, Any]:
    """Close every run that has ended and left a job running, or its entry open."""
    looked, closer = now or datetime.now(UTC), Closer(clients, settings, request=request)
    jobs: dict[str, list[Job]] = {}
    for job, run in closer.jobs.in_progress():
        jobs.setdefault(run, []).append(job)
    closed: list[dict[str, Any]] = []
    problems: list[str] = []
    finished = True
    for run in _runs_to_look_at(jobs, closer, clients=clients, settings=settings, since=looked - LOOK_BACK):
        if time_left() < _RESERVE_MILLISECONDS:
            finished = False  # the next sweep goes on: what was stopped by now is in progress no more
            break
        try:
            ending = closer.ending(run, now=looked)
            if ending is not None:
                closed.append(closer.close(ending, jobs.get(run, ())))
        except (ClientError, StillRunning) as problem:  # one run keeps no other one open
            problems.append(f"{run}: {problem}")
    if problems:
        raise SweepIncomplete("; ".join(problems))
    return {"closed": closed, "jobs_in_progress": sum(map(len, jobs.values())), "finished": finished}


def _runs_to_look_at(
    jobs: Mapping[str, list[Job]], closer: Closer, *, clients: Clients, settings: Settings, since: datetime
) -> Iterator[str]:
    """Runs with a job in progress, which costs; then those that ended of late, and are still open in the ledger."""
    yield from jobs
    for run in _ended_of_late(clients, settings, since=since):
        if closer.recorded(run).get("status", {"S": "running"})["S"] == "running":
            yield run


def _ended_of_late(clients: Clients, settings: Settings, *, since: datetime) -> Iterator[str]:
    """Runs that ended without success. The newest end comes first, so that only those since then are listed."""
    unended: tuple[_Unended, ...] = ("ABORTED", "TIMED_OUT", "FAILED")
    assert set(unended) == set(STATUSES)
    for status in unended:
        pages = clients.states.get_paginator("list_executions").paginate(
            stateMachineArn=settings.state_machine_arn, statusFilter=status, PaginationConfig={"PageSize": 100}
        )
        for page in pages:
            executions = page["executions"]
            yield from (one["name"] for one in executions if one.get("stopDate", since) >= since)
            if any(one.get("stopDate", since) < since for one in executions):
                break


def _names_of_jobs(run: str, *, settings: Settings, clients: Clients) -> tuple[tuple[str, ...], str]:
    """Base names of the run's jobs by its claim, or none and the reason. Without a claim, Admit refuses a run."""
    key = f"runs/{run}/claim.json"
    try:
        body = clients.s3.get_object(Bucket=settings.artifact_bucket, Key=key)["Body"].read()
        return tuple(base_names(json.loads(body))), ""
    except (ClientError, ValueError) as problem:
        return (), f"{key} could not be read: {problem}"
