"""Inspects datasets where they lie: starts the environment's state machine, waits, and fetches its report."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from novaline.datasets.remote.places import report_key
from novaline.findings import NovalineError
from novaline.runs.deployed import InspectionPlace
from novaline.runs.problems import explained
from novaline.s3_uri import join_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

LOOK_SECONDS = 2.0

Progress = Callable[[int, int], None]
"""Is told how many of how many parts are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspector:
    """The environment's inspection, and the clients for it."""

    states: SFNClient
    s3: S3Client
    place: InspectionPlace

    def start(
        self,
        name: str,
        *,
        sources: Sequence[str],
        held_out: Sequence[str] = (),
        options: Mapping[str, Any],
        part_bytes: int | None = None,
    ) -> str:
        """Start the inspection `name`, and return its execution's ARN. `part_bytes` makes other parts than usual."""
        given: dict[str, Any] = {
            "inspection": name,
            "sources": list(sources),
            "held_out": list(held_out),
            "options": dict(options),
        }
        if part_bytes is not None:
            given["part_bytes"] = part_bytes
        with explained(f"starting the inspection {name}"):
            answer = self.states.start_execution(
                stateMachineArn=self.place.inspection_arn, name=name, input=json.dumps(given)
            )
        return answer["executionArn"]

    def finish(
        self, execution: str, *, progress: Progress = lambda done, parts: None, look_seconds: float = LOOK_SECONDS
    ) -> dict[str, Any]:
        """Wait for the end of the inspection, and return its report.

        Raises NovalineError with the cause when it failed: of the first part that did, where a part was the cause.
        """
        while True:
            with explained("waiting for the inspection"):
                found = self.states.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                break
            self._tell(execution, progress)
            time.sleep(look_seconds)
        if found["status"] != "SUCCEEDED":
            raise self._failure(execution, found)
        key = report_key(execution.rpartition(":")[2])
        bucket = self.place.artifact_bucket
        with explained(f"reading the report {join_s3_uri(bucket, key)}"):
            answer = self.s3.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=self.place.account)
            report: dict[str, Any] = json.loads(answer["Body"].read())
        return report

    def _tell(self, execution: str, progress: Progress) -> None:
        with explained("asking how far the inspection is"):
            for run in self.states.list_map_runs(executionArn=execution)["mapRuns"]:
                counts = self.states.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
                progress(counts["succeeded"], counts["total"])

    def _failure(self, execution: str, found: Any) -> NovalineError:  # noqa: ANN401 - DescribeExecution's answer
        error, cause = str(found.get("error", found["status"])), str(found.get("cause", ""))
        if error == "States.ExceedToleratedFailureThreshold":
            error, cause = self._first_failed_part(execution) or (error, cause)
        hint = f"aws stepfunctions get-execution-history --execution-arn {execution}"
        message = f"the inspection ended with {error}: {_message_in(cause)}"
        return NovalineError.of("inspection-failed", message, hint=hint)

    def _first_failed_part(self, execution: str) -> tuple[str, str] | None:
        """Error and cause of a part that failed: the Map Run itself says only that one did."""
        with explained("asking which part of the inspection failed"):
            for run in self.states.list_map_runs(executionArn=execution)["mapRuns"]:
                failed = self.states.list_executions(mapRunArn=run["mapRunArn"], statusFilter="FAILED", maxResults=1)
                for part in failed["executions"]:
                    told = self.states.describe_execution(executionArn=part["executionArn"])
                    return told.get("error", ""), told.get("cause", "")
        return None


def _message_in(cause: str) -> str:
    """What a function said, out of the JSON that Lambda wraps it in; other causes as they are."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return cause or "Step Functions gives no cause"
