"""What the roles are for, done once: a run, and the deletion of a stack. Each tells all that was said of a failure."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from novaline.findings import NovalineError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_stepfunctions import SFNClient

Exercise = Callable[[], str]
"""Does what a role is for; returns "" when it worked, and otherwise all that was said about the failure."""

_RUN_SECONDS = 180.0
_DELETE_SECONDS = 60.0


def run_exercise(states: SFNClient, *, launch: Callable[[], str]) -> Exercise:
    """A whole run; `launch` starts one and returns its execution's ARN."""

    def exercise() -> str:
        execution = launch()
        until = time.monotonic() + _RUN_SECONDS
        while time.monotonic() < until:
            found = states.describe_execution(executionArn=execution)
            if found["status"] == "SUCCEEDED":
                return ""
            if found["status"] != "RUNNING":
                return f"{found['status']}: {found.get('error', '')}: {found.get('cause', '')}"
            time.sleep(0.05)
        return f"the run did not end within {_RUN_SECONDS:.0f} seconds"

    return exercise


def delete_exercise(cloudformation: CloudFormationClient, *, stack: str) -> Exercise:
    """The deletion of a stack, which can be tried again after it failed."""

    def exercise() -> str:
        known = {event["EventId"] for event in cloudformation.describe_stack_events(StackName=stack)["StackEvents"]}
        cloudformation.delete_stack(StackName=stack)
        until = time.monotonic() + _DELETE_SECONDS
        while time.monotonic() < until:
            time.sleep(0.2)
            status = _status(cloudformation, stack)
            if status == "DELETE_COMPLETE":
                return ""
            if status == "DELETE_FAILED":
                events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
                return "\n".join(
                    event.get("ResourceStatusReason", "")
                    for event in events
                    if event["EventId"] not in known and event.get("ResourceStatus") == "DELETE_FAILED"
                )
        raise NovalineError.of("delete-timeout", f"stack {stack} was not deleted within {_DELETE_SECONDS:.0f} seconds")

    return exercise


def _status(cloudformation: CloudFormationClient, stack: str) -> str:
    try:
        return str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
    except cloudformation.exceptions.ClientError as problem:
        if "does not exist" in str(problem):
            return "DELETE_COMPLETE"
        raise
