"""Aborts a run, and sees that nothing of it is paid for any longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from novaline.findings import NovalineError, UsageProblem
from novaline.requests.resources import Resources
from novaline.runs.clients import Clients
from novaline.runs.identity import execution_arn
from novaline.runs.jobs import Attempt, RunJob, run_jobs, spent, total
from novaline.runs.problems import explained
from novaline.runs.status import run_status

ERROR: Final = "NovalineAbort"
"""The error that the execution ends with, by which its history tells who stopped it from somebody in the console."""
PATIENCE_SECONDS: Final = 600.0
"""SageMaker gives a container two minutes to stop, and uploads what it left; the run is closed in seconds."""
LONGEST_REASON: Final = 1000
"""Characters; the reason stands in the ledger, in a message, and on a line of the terminal."""
NO_REASON: Final = "no reason was given"

_BILLED: Final = frozenset({"InProgress", "Stopping"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Aborted:
    """A run that was aborted, with what it has cost. `recorded` and `failure` are the ledger's: how it ended, and why.

    `recorded` is None while the run is open there. `stopped` says whether every job has ended: SageMaker bills one
    that is still stopping.
    """

    run: str
    environment: str
    by: str
    reason: str
    attempts: tuple[Attempt, ...]
    recorded: str | None
    failure: str
    stopped: bool

    @property
    def spent_usd(self) -> float | None:
        """What all jobs of the run have cost; None where a price is not known."""
        return total(self.attempts)

    def as_json(self) -> dict[str, object]:
        """The document that `novaline abort --json` prints."""
        return {
            "run": self.run,
            "environment": self.environment,
            "status": "aborted",
            "by": self.by,
            "reason": self.reason,
            "jobs": [
                {
                    "name": attempt.name,
                    "job": attempt.job.name,
                    "status": attempt.status,
                    "seconds": round(attempt.seconds, 3),
                    "usd": None if attempt.usd is None else round(attempt.usd, 2),
                }
                for attempt in self.attempts
            ],
            "stopped": self.stopped,
            "spent_usd": None if self.spent_usd is None else round(self.spent_usd, 2),
            "recorded": self.failure,
        }


def abort(clients: Clients, resources: Resources, run: str, *, by: str, reason: str | None) -> None:
    """Stop the run's execution, with who wanted it and why.

    Raises UsageProblem for a run that the environment does not know, and for a reason that is no sentence any more;
    NovalineError for a run that has ended.
    """
    if reason is not None and len(reason) > LONGEST_REASON:
        message = f"the reason has {len(reason):,} characters; at most {LONGEST_REASON:,} are kept"
        raise UsageProblem.of("long-reason", message, hint="say it shorter")
    found = run_status(clients, resources, run)
    if found.status != "running":
        end = f" at {found.ended.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if found.ended else ""
        message = f"the run {run} has ended already: {found.status.replace('-', ' ')}{end}"
        hint = f"novaline status {run} --env {resources.environment}"
        raise NovalineError.of("run-ended", message, hint=hint)
    with explained(f"stopping the run {run}"):
        clients.states.stop_execution(
            executionArn=execution_arn(resources.state_machine_arn, run),
            error=ERROR,
            cause=f"stopped by {by}: {reason or NO_REASON}",
        )


def proven_stopped(
    clients: Clients,
    resources: Resources,
    run: str,
    *,
    by: str,
    reason: str | None,
    report: Callable[[str], None] = lambda _: None,
    seconds: float = PATIENCE_SECONDS,
    interval: float = 2.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Aborted:
    """Look until every job of the run has ended and the ledger says so, for so many seconds at most.

    Raises NovalineError when a job is still in progress by then, when the run is still open in the ledger, and when it
    ended otherwise just before; a job that is only still stopping is none of that, and `stopped` is False.
    """
    try:
        jobs = run_jobs(clients, resources, run)
    except NovalineError as problem:
        raise NovalineError(
            replace(finding, message=f"the execution was stopped, but {finding.message}")
            for finding in problem.findings
        ) from problem
    until = clock() + seconds
    while True:
        found = _look(clients, resources, run, jobs, by=by, reason=reason)
        if (found.stopped and found.recorded is not None) or clock() >= until:
            break
        report(_waiting_for(found))
        sleep(interval)
    _require_closed(found, seconds)
    return found


def _look(
    clients: Clients, resources: Resources, run: str, jobs: tuple[RunJob, ...], *, by: str, reason: str | None
) -> Aborted:
    attempts = spent(clients.sagemaker, jobs, now=datetime.now(UTC))
    entry = _entry(clients, resources, run)
    recorded = entry.get("status", {}).get("S")
    return Aborted(
        run=run,
        environment=resources.environment,
        by=by,
        reason=reason or NO_REASON,
        attempts=attempts,
        recorded=None if recorded == "running" else recorded,
        failure=entry.get("failure", {}).get("S", ""),
        stopped=not any(attempt.status in _BILLED for attempt in attempts),
    )


def _entry(clients: Clients, resources: Resources, run: str) -> Mapping[str, Any]:
    with explained("reading the ledger"):
        found = clients.dynamodb.get_item(
            TableName=resources.ledger_table, Key={"run": {"S": run}, "entry": {"S": "run"}}, ConsistentRead=True
        )
    return found.get("Item", {})


def _waiting_for(found: Aborted) -> str:
    jobs = [attempt.name for attempt in found.attempts if attempt.status in _BILLED]
    return f"waiting for {', '.join(jobs)} to stop" if jobs else "waiting for the ledger"


def _require_closed(found: Aborted, seconds: float) -> None:
    after = f"{seconds:.0f} seconds after the execution was stopped"
    running = [attempt.name for attempt in found.attempts if attempt.status == "InProgress"]
    if running:
        message = f"{after}, {', '.join(running)} of the run {found.run} is still in progress, and paid for"
        commands = "; ".join(f"aws sagemaker stop-training-job --training-job-name {name}" for name in running)
        raise NovalineError.of("meter-running", message, hint=f"stop it yourself: {commands}")
    if found.recorded is None:
        message = f"{after}, the ledger does not say that the run {found.run} has ended, though no job is in progress"
        hint = "a sweep closes it within fifteen minutes; if not, look at the logs of the function Close"
        raise NovalineError.of("run-open", message, hint=hint)
    if found.recorded != "aborted":
        message = f"the run {found.run} ended by itself before it could be stopped: {found.recorded}"
        raise NovalineError.of("run-ended", message, hint=f"novaline status {found.run} --env {found.environment}")
