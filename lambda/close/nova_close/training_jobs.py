"""The training jobs of runs, found by name or by tag, and stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from nova_close.records import Ending, Halted, Job, stopped_besides

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

RUN_TAG: Final = "novaline:run"
ENVIRONMENT_TAG: Final = "novaline:environment"


class TrainingJobs:
    """What may be done to an environment's jobs. A job whose tags name another one is never touched."""

    def __init__(self, sagemaker: SageMakerClient, *, environment: str) -> None:
        self._sagemaker = sagemaker
        self._environment = environment

    def named(self, base_names: Iterable[str]) -> Iterator[Job]:
        """Every attempt at jobs of these base names: `<base name>-r<retry>-d<redrive>`."""
        for name in sorted(set(base_names)):
            yield from (job for job in self._listed(NameContains=name) if job.name.startswith(f"{name}-"))

    def in_progress(self) -> Iterator[tuple[Job, str]]:
        """The environment's jobs in progress, each with its run; of a whole account, other people's are looked at."""
        for job in self._listed(StatusEquals="InProgress"):
            run = self._run_of(job)
            if run:
                yield job, run

    def halt(self, jobs: Sequence[Job], ending: Ending) -> Halted:
        """Stop those of the run that are in progress; one that cannot be stopped keeps no other from it."""
        by_us, running, seen = [], {}, []
        for job in jobs:
            if job.status != "InProgress":
                seen.append(job)
                continue
            try:
                if self._run_of(job) != ending.run:
                    continue
                if self._stop(job):
                    by_us.append(job.name)
                else:
                    seen += [now for now in self._listed(NameContains=job.name) if now.name == job.name]
            except ClientError as problem:
                running[job.name] = str(problem)
        return Halted(by_us=tuple(by_us), besides=stopped_besides(seen, ending), running=running)

    def _stop(self, job: Job) -> bool:
        """Whether the job was in progress and is told to stop; somebody else may have told it, or it may have ended."""
        try:
            self._sagemaker.stop_training_job(TrainingJobName=job.name)
        except ClientError as problem:
            if problem.response["Error"]["Code"] != "ValidationException":
                raise
            return False
        return True

    def _run_of(self, job: Job) -> str:
        """The run in the job's tags; empty for a job that is not this environment's, or is gone."""
        tags: dict[str, str] = {}
        try:
            for page in self._sagemaker.get_paginator("list_tags").paginate(ResourceArn=job.arn):
                tags |= {tag["Key"]: tag["Value"] for tag in page["Tags"]}
        except ClientError as problem:
            if problem.response["Error"]["Code"] not in {"ValidationException", "ResourceNotFound"}:
                raise
        return tags.get(RUN_TAG, "") if tags.get(ENVIRONMENT_TAG) == self._environment else ""

    def _listed(self, **asked: Any) -> Iterator[Job]:  # noqa: ANN401 - parameters of ListTrainingJobs
        pages = self._sagemaker.get_paginator("list_training_jobs").paginate(
            SortBy="CreationTime", SortOrder="Ascending", PaginationConfig={"PageSize": 100}, **asked
        )
        for page in pages:
            summaries: Sequence[Mapping[str, Any]] = page["TrainingJobSummaries"]
            yield from map(Job.of, summaries)
