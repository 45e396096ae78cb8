"""The paid jobs of a run: which it has, which of them exist by now, what each has cost so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from novaline.findings import NovalineError
from novaline.requests.resources import Resources
from novaline.runs.clients import Clients
from novaline.runs.problems import explained
from novaline.runs.status import read_json

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


@dataclass(frozen=True, slots=True, kw_only=True)
class RunJob:
    """A job that the run starts: `sft`, `holdout-base`. Its attempts are named `<base_name>-r<retry>-d<redrive>`.

    `trains` tells stages from evaluations. `usd_per_hour` is the price of one instance; None where nobody knows it.
    """

    name: str
    base_name: str
    trains: bool
    instance_count: int
    usd_per_hour: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One training job of SageMaker's. `seconds` are those that it bills."""

    job: RunJob
    name: str
    status: str
    seconds: float

    @property
    def usd(self) -> float | None:
        """Billed seconds on all instances at full price; None where no price is known."""
        price = self.job.usd_per_hour
        return None if price is None else self.seconds / 3600 * self.job.instance_count * price


def run_jobs(clients: Clients, resources: Resources, run: str) -> tuple[RunJob, ...]:
    """The jobs of a run, in the order of its claim. Raises NovalineError when its folder does not tell."""
    requests = read_json(clients, resources, run, "requests.json")
    if requests is None:
        message = f"the folder of the run {run} has no requests.json, so its jobs are not known"
        raise NovalineError.of("no-requests", message, hint="was it started by `novaline run`?")
    plan = read_json(clients, resources, run, "plan.json") or {}
    prices = {line["job"]: line.get("usd_per_hour") for line in plan.get("cost", {}).get("lines", ())}
    return tuple(_jobs(requests, prices))


def spent(sagemaker: SageMakerClient, jobs: tuple[RunJob, ...], *, now: datetime) -> tuple[Attempt, ...]:
    """Every attempt of these jobs, with the time that it has billed until `now`.

    SageMaker bills from TrainingStartTime to TrainingEndTime (API reference of DescribeTrainingJob).
    """
    found = []
    with explained("asking about the run's training jobs"):
        for job in jobs:
            pages = sagemaker.get_paginator("list_training_jobs").paginate(
                NameContains=job.base_name, SortBy="CreationTime", SortOrder="Ascending"
            )
            for page in pages:
                for summary in page["TrainingJobSummaries"]:
                    found.append(_attempt(sagemaker, job, summary["TrainingJobName"], now))
    return tuple(found)


def total(attempts: tuple[Attempt, ...]) -> float | None:
    """What all attempts have cost; None as soon as one price is unknown, for a part would look like the whole."""
    amounts = [attempt.usd for attempt in attempts if attempt.seconds]
    return None if None in amounts else sum(cast("list[float]", amounts))


def _attempt(sagemaker: SageMakerClient, job: RunJob, name: str, now: datetime) -> Attempt:
    described = cast("Mapping[str, Any]", sagemaker.describe_training_job(TrainingJobName=name))
    began, ended = described.get("TrainingStartTime"), described.get("TrainingEndTime") or now
    seconds = described.get("BillableTimeInSeconds")
    if seconds is None:
        seconds = 0.0 if began is None else max(0.0, (ended - began).total_seconds())
    return Attempt(job=job, name=name, status=described["TrainingJobStatus"], seconds=float(seconds))


def _jobs(requests: Mapping[str, Any], prices: Mapping[str, float | None]) -> Iterator[RunJob]:
    for stage in requests["stages"]:
        if "job" in stage:
            yield _job(stage["name"], stage["job"], prices, trains=True)
    for evaluation in requests["evaluations"]:
        for subject in ("base", "candidate"):
            if "request" in evaluation.get(subject, {}):
                yield _job(f"{evaluation['name']}-{subject}", evaluation[subject], prices, trains=False)


def _job(name: str, made: Mapping[str, Any], prices: Mapping[str, float | None], *, trains: bool) -> RunJob:
    count = made["request"].get("ResourceConfig", {}).get("InstanceCount", 1)
    return RunJob(
        name=name,
        base_name=made["base_name"],
        trains=trains,
        instance_count=count,
        usd_per_hour=prices.get(name),
    )


def in_words(attempts: tuple[Attempt, ...]) -> str:
    """`$12.30 so far`; empty before anything is billed."""
    hours = sum(attempt.seconds * attempt.job.instance_count for attempt in attempts) / 3600
    if not hours:
        return ""
    usd = total(attempts)
    return f"{hours:,.2f} instance hours so far" if usd is None else f"${usd:,.2f} so far"
