"""The AWS clients that a run is driven with, made once and passed on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from novaline.findings import NovalineError, UsageProblem

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient

_LONGEST_CALL_SECONDS = 910


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """What the commands call that start runs and look at them. The region is the environment's."""

    sts: STSClient
    cloudformation: CloudFormationClient
    s3: S3Client
    states: SFNClient
    logs: CloudWatchLogsClient
    runtime: BedrockRuntimeClient
    dynamodb: DynamoDBClient
    sagemaker: SageMakerClient

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
            dynamodb=make("dynamodb"),
            sagemaker=make("sagemaker"),
        )


def account_clients(region: str) -> Clients:
    """Clients with the credentials of the shell (variables, profile, single sign-on), for one region.

    Raises UsageProblem when the shell names a profile that does not exist, NovalineError when its settings are broken.
    """
    with _explained_settings():
        return Clients.made_by(_maker(region))


def account_client(service: str, region: str | None) -> Any:  # noqa: ANN401  # boto3's clients have no common class
    """One such client; without a region in the shell's own. Raises what `account_clients` raises."""
    with _explained_settings():
        return _maker(region)(service)


def _maker(region: str | None) -> Callable[[str], Any]:
    import boto3  # noqa: PLC0415 - half a second that `check` and `plan` must not pay
    from botocore.config import Config  # noqa: PLC0415 - likewise

    config = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=10, user_agent_extra="novaline")
    # Whose credentials these are is asked first: a person without a network shall not wait for five attempts.
    first = config.merge(Config(retries={"mode": "standard", "max_attempts": 2}, connect_timeout=5))
    # A function may take 15 minutes; whoever hangs up before pays for a second call.
    patient = config.merge(Config(read_timeout=_LONGEST_CALL_SECONDS))
    special = {"sts": first, "lambda": patient}
    session = boto3.Session(region_name=region)
    return lambda service: session.client(service, config=special.get(service, config))  # type: ignore[call-overload]  # the name is a variable


@contextmanager
def _explained_settings() -> Iterator[None]:
    """Turns what is wrong with the shell's AWS settings into words."""
    from botocore.exceptions import BotoCoreError, ProfileNotFound  # noqa: PLC0415 - as boto3

    try:
        yield
    except ProfileNotFound as problem:
        hint = "unset AWS_PROFILE, or name a profile that `aws configure list-profiles` shows"
        raise UsageProblem.of("aws-profile", str(problem), hint=hint) from None
    except (BotoCoreError, ValueError) as problem:
        message = f"the AWS settings of this shell do not work: {problem}"
        hint = "check ~/.aws/config, and the variables whose names begin with AWS_"
        raise NovalineError.of("aws-settings", message, hint=hint) from None
