"""Starting the execution that carries a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from novaline.findings import NovalineError
from novaline.requests.resources import Resources
from novaline.runs.problems import error_code, explained
from novaline.runs.upload import ClaimCheck

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def start(states: SFNClient, claim: ClaimCheck, resources: Resources) -> str:
    """Starts the run's execution, named by the run's id, and returns its ARN.

    Step Functions starts nothing twice under one name: a second call with the same claim returns the same execution.
    """
    try:
        with explained(f"starting the run {claim.run}"):
            answer = states.start_execution(
                stateMachineArn=resources.state_machine_arn,
                name=claim.run,
                input=json.dumps(claim.as_input(), separators=(",", ":"), sort_keys=True),
            )
    except NovalineError as problem:
        cause = problem.__cause__
        if isinstance(cause, Exception) and error_code(cause) == "ExecutionAlreadyExists":
            message = f"there is already a run {claim.run}, made of something else"
            hint = f"start again in a second, or look at it: novaline status {claim.run} --env {resources.environment}"
            raise NovalineError.of("run-exists", message, hint=hint) from None
        raise
    return answer["executionArn"]
