"""Undoing a rehearsal, as an operator would: the run's deployments and models first, then the stacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from novaline.findings import NovalineError
from novaline.runs.problems import error_code, explained

if TYPE_CHECKING:
    from mypy_boto3_bedrock import BedrockClient
    from mypy_boto3_cloudformation import CloudFormationClient

_SECONDS = 60.0


def delete_models(bedrock: BedrockClient, *, sleep: Callable[[float], None] = time.sleep) -> tuple[str, ...]:
    """Deletes every custom model deployment of the account, waits until they are gone, then every custom model.

    Returns the ARNs of what was deleted. For an account that is the rehearsal's alone.
    """
    with explained("deleting the model's deployments"):
        deployments = [
            item["customModelDeploymentArn"]
            for page in bedrock.get_paginator("list_custom_model_deployments").paginate()
            for item in page.get("modelDeploymentSummaries", [])
        ]
        for arn in deployments:
            bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)
        for arn in deployments:
            _wait_gone(bedrock, arn, sleep)
    with explained("deleting the custom models"):
        models = [
            item["modelArn"]
            for page in bedrock.get_paginator("list_custom_models").paginate()
            for item in page.get("modelSummaries", [])
        ]
        for arn in models:
            bedrock.delete_custom_model(modelIdentifier=arn)
    return (*deployments, *models)


def lift_protection(cloudformation: CloudFormationClient, stacks: Iterable[str]) -> None:
    """Takes the termination protection off stacks that are to be destroyed; missing ones are passed over."""
    for stack in stacks:
        try:
            with explained(f"taking the termination protection off {stack}"):
                cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
        except NovalineError as problem:
            cause = problem.__cause__
            if not isinstance(cause, Exception) or error_code(cause) != "ValidationError":
                raise


def _wait_gone(bedrock: BedrockClient, arn: str, sleep: Callable[[float], None]) -> None:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - the command line must start without botocore

    waited = 0.0
    while waited < _SECONDS:
        try:
            bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=arn)
        except ClientError as problem:
            if error_code(problem) == "ResourceNotFoundException":
                return
            raise
        sleep(0.2)
        waited += 0.2
    raise NovalineError.of("deployment-stays", f"the deployment {arn} was not gone after {_SECONDS:.0f} seconds")
