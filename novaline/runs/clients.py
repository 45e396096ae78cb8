"""The AWS clients that a run is driven with, made once and passed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from novaline.findings import NovalineError, UsageProblem

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """What `novaline run` and `novaline status` call. The region is the environment's."""

    sts: STSClient
    cloudformation: CloudFormationClient
    s3: S3Client
    states: SFNClient
    logs: CloudWatchLogsClient
    runtime: BedrockRuntimeClient

    @classmethod
    def made_by(cls, make: Callable[[str], Any]) -> Self:
        """The clients that `make`, called with boto3's service names, returns."""
        return cls(
            sts=make("sts"),
            cloudformation=make("cloudformation"),
            s3=make("s3"),
            states=make("stepfunctions"),
            logs=make("logs"),
            runtime=make("bedrock-runtime"),
        )


def account_clients(region: str) -> Clients:
    """Clients with the credentials of the shell (variables, profile, single sign-on), for one region.

    Raises UsageProblem when the shell names a profile that does not exist, NovalineError when its settings are broken.
    """
    import boto3  # noqa: PLC0415 - half a second that `check` and `plan` must not pay
    from botocore.config import Config  # noqa: PLC0415 - likewise
    from botocore.exceptions import BotoCoreError, ProfileNotFound  # noqa: PLC0415 - likewise

    config = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=10, user_agent_extra="novaline")
    # Whose credentials these are is asked first: a person without a network shall not wait for five attempts.
    first = config.merge(Config(retries={"mode": "standard", "max_attempts": 2}, connect_timeout=5))
    try:
        session = boto3.Session(region_name=region)
        return Clients.made_by(
            lambda service: session.client(service, config=first if service == "sts" else config)  # type: ignore[call-overload]  # the name is a variable
        )
    except ProfileNotFound as problem:
        hint = "unset AWS_PROFILE, or name a profile that `aws configure list-profiles` shows"
        raise UsageProblem.of("aws-profile", str(problem), hint=hint) from None
    except (BotoCoreError, ValueError) as problem:
        message = f"the AWS settings of this shell do not work: {problem}"
        hint = "check ~/.aws/config, and the variables whose names begin with AWS_"
        raise NovalineError.of("aws-settings", message, hint=hint) from None
