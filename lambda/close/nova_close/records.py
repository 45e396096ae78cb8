"""How a run ended that did not end by itself: what the ledger and people are told of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

ALIVE: Final = frozenset({"RUNNING", "PENDING_REDRIVE"})
STATUSES: Final = {"ABORTED": "aborted", "TIMED_OUT": "timed-out", "FAILED": "failed"}
"""Statuses of an execution that ended without success, as the ledger writes them."""

_LONGEST: Final = 4000
"""Characters of a reason that somebody else wrote; Step Functions takes 32,768, a message of the topic 262,144."""
_TITLES: Final = {"aborted": "run aborted", "timed-out": "run timed out", "failed": "run failed", "gone": "run is gone"}
_PASSED: Final = {
    "aborted": "was aborted",
    "timed-out": "timed out",
    "failed": "failed, and could not record it",
    "gone": "has ended, and its execution is gone",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an execution ended. `status` is the ledger's word; `gone` for an execution that Step Functions forgot.

    `redrives` is how often it had been redriven by then: an end that was recorded before a redrive is not the last.
    """

    run: str
    status: str
    finished: datetime
    why: str
    redrives: int = 0

    @property
    def closes(self) -> bool:
        """Whether the run's entry may still have to be closed: one that succeeded has closed its own."""
        return self.status in _TITLES


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A training job as ListTrainingJobs shows it."""

    name: str
    arn: str
    status: str
    ended: datetime | None = None

    @classmethod
    def of(cls, summary: Mapping[str, Any]) -> Job:
        """The job of a TrainingJobSummary."""
        return cls(
            name=summary["TrainingJobName"],
            arn=summary["TrainingJobArn"],
            status=summary["TrainingJobStatus"],
            ended=summary.get("TrainingEndTime"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Halted:
    """What became of a run's jobs: `by_us` we stopped, `besides` Step Functions or somebody else did, `running` go on.

    `running` maps a job's name to why it could not be stopped; `unknown` says why jobs could not be looked for.
    """

    by_us: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()
    running: Mapping[str, str]
    unknown: str = ""


def execution_arn(state_machine_arn: str, run: str) -> str:
    """The execution that carries a run: executions are named by the run's id."""
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{run}"


def ending_of(run: str, described: Mapping[str, Any] | None, *, now: datetime) -> Ending | None:
    """How the execution ended, by DescribeExecution; None while it goes on."""
    if described is None:
        return Ending(run=run, status="gone", finished=now, why="Step Functions has no such execution (any more)")
    status = described["status"]
    if status in ALIVE:
        return None
    return Ending(
        run=run,
        status=STATUSES.get(status, status.lower()),
        finished=described.get("stopDate") or now,
        why=_why(status, described),
        redrives=described.get("redriveCount") or 0,
    )


def told_ending(detail: Mapping[str, Any], described: Mapping[str, Any] | None, *, now: datetime) -> Ending | None:
    """How the execution ended, of which an event tells; None when it goes on again, because it was redriven since.

    DescribeExecution knows the cause, which events about encrypted executions leave out, but it may lag behind: an
    execution that seems to go on, with no more redrives than the event knows of, has ended as the event says.
    """
    run, redrives = detail["name"], detail.get("redriveCount") or 0
    seen = ending_of(run, described, now=now)
    if seen is not None and seen.status != "gone":
        return seen
    if described is not None and (described.get("redriveCount") or 0) > redrives:
        return None
    stopped = detail.get("stopDate")
    return Ending(
        run=run,
        status=STATUSES.get(detail["status"], detail["status"].lower()),
        finished=datetime.fromtimestamp(stopped / 1000, UTC) if stopped else now,
        why=_why(detail["status"], detail),
        redrives=redrives,
    )


def _why(status: str, said: Mapping[str, Any]) -> str:
    """Who or what ended the execution, from `error` and `cause`."""
    error, cause = said.get("error") or "", said.get("cause") or ""
    match status:
        case "ABORTED":
            text = cause or "somebody stopped the execution and gave no reason; CloudTrail's StopExecution tells who"
        case "TIMED_OUT":
            text = cause or "the execution reached its time limit"
        case _:
            text = ": ".join(part for part in (error, cause) if part) or "Step Functions gives no reason"
    return text[:_LONGEST]


def base_names(claim: object) -> Iterator[str]:
    """The base name of every job that a claim has, wherever in it."""
    if isinstance(claim, Mapping):
        name = claim.get("base_name")
        if isinstance(name, str) and name:
            yield name
        for value in claim.values():
            yield from base_names(value)
    elif isinstance(claim, Sequence) and not isinstance(claim, str):
        for value in claim:
            yield from base_names(value)


def stopped_besides(jobs: Sequence[Job], ending: Ending) -> tuple[str, ...]:
    """Names of those that somebody else stopped because of this end: on their way to it, or stopped after it."""
    since = ending.finished - timedelta(seconds=1)  # the clocks of two services
    return tuple(
        job.name
        for job in jobs
        if job.status == "Stopping" or (job.status == "Stopped" and job.ended is not None and job.ended >= since)
    )


def failure_text(ending: Ending, halted: Halted) -> str:
    """Why the run ended, and what became of its jobs: the ledger's `failure`."""
    return " ".join([_sentence(ending.why), *_of_jobs(halted)])


def _of_jobs(halted: Halted) -> Iterator[str]:
    stopped = (*halted.by_us, *halted.besides)
    if stopped:
        yield f"Stopped: {', '.join(stopped)}."
    for name, reason in halted.running.items():
        yield f"STILL RUNNING, AND PAID FOR: {name}, which could not be stopped: {_sentence(reason)}"
    if halted.unknown:
        yield f"{_sentence(halted.unknown)} The sweep looks for its jobs by their tags."
    elif not stopped and not halted.running:
        yield "No training job of it was in progress."


def closing(ending: Ending, halted: Halted, *, request: str) -> dict[str, Any]:
    """UpdateItem that closes the run's entry, unless its end is recorded already.

    It may be missing: a run can end before its start is recorded. `telling` is the request that is about to tell
    people, so that its own repetition knows that nobody was told.
    """
    open_entry = "#status = :running"
    if ending.status != "gone":
        open_entry = (
            f"attribute_not_exists(#status) OR {open_entry} OR "
            "((#status = :aborted OR #status = :timed_out) AND redrives < :redrives)"
        )
    status = "aborted" if ending.status == "gone" else ending.status
    values: dict[str, Any] = {
        ":running": {"S": "running"},
        ":status": {"S": status},
        ":finished": {"S": stamp(ending.finished)},
        ":failure": {"S": failure_text(ending, halted)},
        ":telling": {"S": request},
        ":redrives": {"N": str(ending.redrives)},
    }
    if ending.status != "gone":
        values |= {":aborted": {"S": "aborted"}, ":timed_out": {"S": "timed-out"}}
    update = "SET #status = :status, finished = :finished, failure = :failure, telling = :telling, redrives = :redrives"
    added = {"stopped_jobs": halted.by_us, "running_jobs": tuple(halted.running)}
    additions = [f"{name} :{name}" for name, jobs in added.items() if jobs]
    values |= {f":{name}": {"SS": list(jobs)} for name, jobs in added.items() if jobs}
    if additions:
        update += f" ADD {', '.join(additions)}"
    return {
        "Key": entry(ending.run),
        "UpdateExpression": update,
        "ConditionExpression": open_entry,
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": values,
    }


def noting(run: str, attribute: str, job: str) -> dict[str, Any]:
    """UpdateItem that notes a job of a run whose end is recorded, unless it is noted there."""
    return {
        "Key": entry(run),
        "UpdateExpression": "ADD #jobs :jobs",
        "ConditionExpression": "NOT contains(#jobs, :job)",
        "ExpressionAttributeNames": {"#jobs": attribute},
        "ExpressionAttributeValues": {":jobs": {"SS": [job]}, ":job": {"S": job}},
    }


def told(run: str, *, request: str) -> dict[str, Any]:
    """UpdateItem that notes that people have been told."""
    return {
        "Key": entry(run),
        "UpdateExpression": "REMOVE telling",
        "ConditionExpression": "telling = :telling",
        "ExpressionAttributeValues": {":telling": {"S": request}},
    }


def entry(run: str) -> dict[str, Any]:
    """The key of the run's own entry in the ledger."""
    return {"run": {"S": run}, "entry": {"S": "run"}}


def closed_message(ending: Ending, failure: str) -> dict[str, str]:
    """What people read of a run that was closed."""
    return {
        "Subject": f"Novaline: {_TITLES[ending.status]}",
        "Message": f"Run {ending.run} {_PASSED[ending.status]}. {failure}",
    }


def jobs_message(ending: Ending, halted: Halted) -> dict[str, str]:
    """What people read of jobs that outlived a run whose end they have been told."""
    title = "jobs still running" if halted.running else "jobs stopped"
    outlived = " ".join(_of_jobs(halted))
    return {
        "Subject": f"Novaline: {title}",
        "Message": f"Run {ending.run} has ended, and training jobs of it went on. {outlived}",
    }


def stamp(moment: datetime) -> str:
    """`2026-11-20T10:15:00.000Z`, as Step Functions writes times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
