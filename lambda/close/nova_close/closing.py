"""Closes one run: stops its jobs first, then records how it ended, then tells people, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from nova_close.records import (
    Ending,
    Halted,
    Job,
    closed_message,
    closing,
    ending_of,
    entry,
    execution_arn,
    jobs_message,
    noting,
    told,
)
from nova_close.training_jobs import TrainingJobs

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_stepfunctions import SFNClient


class StillRunning(Exception):
    """Jobs of a run that has ended go on and are paid for; the message names them, and why they could not be stopped.

    Raised when everything else is done and told: so that the invocation is repeated, and its failure shows.
    """


class SweepIncomplete(Exception):
    """Some of the runs could not be closed; the message says which, and why. All others have been looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment's names; from the function's environment variables."""

    environment: str
    artifact_bucket: str
    ledger_table: str
    topic_arn: str
    state_machine_arn: str

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> Settings:
        """Read the variables that the stack sets; a missing one is a KeyError with its name."""
        return cls(
            environment=variables["ENVIRONMENT"],
            artifact_bucket=variables["ARTIFACT_BUCKET"],
            ledger_table=variables["LEDGER_TABLE"],
            topic_arn=variables["TOPIC_ARN"],
            state_machine_arn=variables["STATE_MACHINE_ARN"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """The services that closing a run asks."""

    states: SFNClient
    sagemaker: SageMakerClient
    dynamodb: DynamoDBClient
    sns: SNSClient
    s3: S3Client


class Closer:
    """Closes runs on behalf of one invocation, whose `request` its repetitions share."""

    def __init__(self, clients: Clients, settings: Settings, *, request: str) -> None:
        self._clients = clients
        self._settings = settings
        self._request = request
        self.jobs = TrainingJobs(clients.sagemaker, environment=settings.environment)

    def described(self, run: str) -> Mapping[str, Any] | None:
        """The run's execution; None when Step Functions knows none."""
        arn = execution_arn(self._settings.state_machine_arn, run)
        try:
            return dict(self._clients.states.describe_execution(executionArn=arn))
        except ClientError as problem:
            if problem.response["Error"]["Code"] == "ExecutionDoesNotExist":
                return None
            raise

    def ending(self, run: str, *, now: datetime) -> Ending | None:
        """How the run's execution ended; None while it goes on."""
        return ending_of(run, self.described(run), now=now)

    def recorded(self, run: str) -> Mapping[str, Any]:
        """The run's entry in the ledger; empty where there is none."""
        asked = self._clients.dynamodb.get_item(
            TableName=self._settings.ledger_table, Key=entry(run), ConsistentRead=True
        )
        return asked.get("Item", {})

    def close(self, ending: Ending, jobs: Sequence[Job], *, unknown: str = "") -> dict[str, Any]:
        """Stop, record, tell; what was done. Raises StillRunning when a job could not be stopped.

        `unknown` says why the run's jobs could not be looked for. Whoever closes the same run beside this finds
        the entry closed, and its jobs noted, and is silent.
        """
        halted = replace(self.jobs.halt(jobs, ending), unknown=unknown)
        message = self._recorded_end(ending, halted) if ending.closes else None
        if message is None:
            message = self._outlived(ending, halted)
            if message is not None:
                self._tell(message)
        else:
            self._tell(message)
            self._write(told(ending.run, request=self._request))
        if halted.running:
            raise StillRunning("; ".join(f"{name}: {reason}" for name, reason in halted.running.items()))
        done = {"run": ending.run, "status": ending.status, "stopped": [*halted.by_us], "told": message is not None}
        return done | ({"problem": unknown} if unknown else {})

    def _recorded_end(self, ending: Ending, halted: Halted) -> dict[str, str] | None:
        """The message about a run that this closes; None where its end was recorded and told of before."""
        update = closing(ending, halted, request=self._request)
        if self._write(update):
            failure = update["ExpressionAttributeValues"][":failure"]["S"]
            return closed_message(ending, failure)
        found = self.recorded(ending.run)
        if found.get("telling", {}).get("S") == self._request:  # the same invocation before, which failed to tell
            return closed_message(ending, found["failure"]["S"])
        return None

    def _outlived(self, ending: Ending, halted: Halted) -> dict[str, str] | None:
        """The message about jobs that went on after the run's recorded end; None for none, or none that is new."""
        by_us = tuple(job for job in halted.by_us if self._write(noting(ending.run, "stopped_jobs", job)))
        running = {
            job: reason
            for job, reason in halted.running.items()
            if self._write(noting(ending.run, "running_jobs", job))
        }
        if not by_us and not running:
            return None
        return jobs_message(ending, Halted(by_us=by_us, running=running))

    def _write(self, update: Mapping[str, Any]) -> bool:
        """Whether the entry was as the update expects, and was changed."""
        try:
            self._clients.dynamodb.update_item(TableName=self._settings.ledger_table, **update)
        except ClientError as problem:
            if problem.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def _tell(self, message: Mapping[str, str]) -> None:
        self._clients.sns.publish(
            TopicArn=self._settings.topic_arn, Subject=message["Subject"], Message=message["Message"]
        )
