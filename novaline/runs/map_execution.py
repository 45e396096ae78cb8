"""Executions that work in a Distributed Map: waited for, followed part by part, explained when they fail."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from novaline.findings import NovalineError
from novaline.runs.problems import explained

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

LOOK_SECONDS = 2.0

Progress = Callable[[int, int], None]
"""Is told how many of how many parts are done."""


def wait(
    states: SFNClient,
    execution: str,
    *,
    what: str,
    progress: Progress = lambda done, parts: None,
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Wait for the end of an execution; `what` is the word for it (`inspection`).

    Raises NovalineError with the cause when it failed: of the first part that did, where a part was the cause.
    """
    while True:
        with explained(f"waiting for the {what}"):
            found = states.describe_execution(executionArn=execution)
        if found["status"] != "RUNNING":
            break
        _tell(states, execution, what, progress)
        time.sleep(look_seconds)
    if found["status"] != "SUCCEEDED":
        raise _failure(states, execution, what, found)


def _tell(states: SFNClient, execution: str, what: str, progress: Progress) -> None:
    with explained(f"asking how far the {what} is"):
        for run in states.list_map_runs(executionArn=execution)["mapRuns"]:
            counts = states.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
            progress(counts["succeeded"], counts["total"])


def _failure(states: SFNClient, execution: str, what: str, found: Any) -> NovalineError:  # noqa: ANN401 - DescribeExecution's answer
    error, cause = str(found.get("error", found["status"])), str(found.get("cause", ""))
    if error == "States.ExceedToleratedFailureThreshold":
        error, cause = _first_failed_part(states, execution, what) or (error, cause)
    hint = f"aws stepfunctions get-execution-history --execution-arn {execution}"
    message = f"the {what} ended with {error}: {_message_in(cause)}"
    return NovalineError.of(f"{what}-failed", message, hint=hint)


def _first_failed_part(states: SFNClient, execution: str, what: str) -> tuple[str, str] | None:
    """Error and cause of a part that failed: the Map Run itself says only that one did."""
    with explained(f"asking which part of the {what} failed"):
        for run in states.list_map_runs(executionArn=execution)["mapRuns"]:
            failed = states.list_executions(mapRunArn=run["mapRunArn"], statusFilter="FAILED", maxResults=1)
            for part in failed["executions"]:
                told = states.describe_execution(executionArn=part["executionArn"])
                return told.get("error", ""), told.get("cause", "")
    return None


def _message_in(cause: str) -> str:
    """What a function said, out of the JSON that Lambda wraps it in; other causes as they are."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return cause or "Step Functions gives no cause"
