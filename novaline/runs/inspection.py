"""Inspects datasets where they lie: starts the environment's state machine, waits, and fetches its report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from novaline.datasets.remote.places import report_key
from novaline.runs.deployed import InspectionPlace
from novaline.runs.map_execution import LOOK_SECONDS, Progress, wait
from novaline.runs.problems import explained
from novaline.s3_uri import join_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


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
        wait(self.states, execution, what="inspection", progress=progress, look_seconds=look_seconds)
        key = report_key(execution.rpartition(":")[2])
        bucket = self.place.artifact_bucket
        with explained(f"reading the report {join_s3_uri(bucket, key)}"):
            answer = self.s3.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=self.place.account)
            report: dict[str, Any] = json.loads(answer["Body"].read())
        return report
