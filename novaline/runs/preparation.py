"""Prepares datasets where they lie: starts the environment's state machine, waits, and fetches what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from novaline.datasets.remote.prepare_places import report_key
from novaline.findings import Finding, NovalineError, UsageProblem
from novaline.runs.deployed import PreparationPlace
from novaline.runs.map_execution import LOOK_SECONDS, Progress, wait
from novaline.runs.problems import explained
from novaline.s3_uri import join_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

MOST_TOLD: Final = 240 * 1024
"""Bytes of an execution's input: Step Functions takes 256 KiB, and wraps it once more on its way to the function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparer:
    """The environment's preparation, and the clients for it."""

    states: SFNClient
    s3: S3Client
    place: PreparationPlace

    def start(
        self,
        name: str,
        *,
        sources: Sequence[str],
        output: str,
        options: Mapping[str, Any],
        part_bytes: int | None = None,
    ) -> str:
        """Start the preparation `name`, and return its execution's ARN. `part_bytes` makes other parts than usual.

        Raises UsageProblem when what it is told is too long for an execution.
        """
        given: dict[str, Any] = {
            "preparation": name,
            "sources": list(sources),
            "output": output,
            "options": dict(options),
        }
        if part_bytes is not None:
            given["part_bytes"] = part_bytes
        told = json.dumps(given)
        if len(told) > MOST_TOLD:
            message = f"what the preparation is told has {len(told):,} bytes, and an execution takes {MOST_TOLD:,}"
            hint = "shorten the system prompt, name folders in place of objects, or leave --remote out"
            raise UsageProblem.of("too-much-told", message, hint=hint)
        with explained(f"starting the preparation {name}"):
            answer = self.states.start_execution(stateMachineArn=self.place.preparation_arn, name=name, input=told)
        return answer["executionArn"]

    def finish(
        self, execution: str, *, progress: Progress = lambda done, parts: None, look_seconds: float = LOOK_SECONDS
    ) -> dict[str, Any]:
        """Wait for the end of the preparation, and return its report.

        Raises NovalineError when it failed, or where nothing was written: with what is wrong with data or options.
        """
        wait(self.states, execution, what="preparation", progress=progress, look_seconds=look_seconds)
        key = report_key(execution.rpartition(":")[2])
        bucket = self.place.artifact_bucket
        with explained(f"reading the report {join_s3_uri(bucket, key)}"):
            answer = self.s3.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=self.place.account)
            report: dict[str, Any] = json.loads(answer["Body"].read())
        if report["exit_code"]:
            problem = UsageProblem if report["exit_code"] == UsageProblem.exit_code else NovalineError
            raise problem(Finding(**each) for each in report["findings"])
        return report
