"""What is deployed: the stack outputs of one environment, as the Resources that a run's requests name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from novaline.environments import Environment
from novaline.environments.names import DATASETS, FOUNDATION, INSPECTION, PREPARATION
from novaline.findings import NovalineError
from novaline.requests.resources import Resources
from novaline.runs.problems import error_code, explained

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_sts import STSClient

_FOUNDATION = {
    "DataBucketName": "data_bucket",
    "ArtifactBucketName": "artifact_bucket",
    "KeyArn": "key_arn",
    "LedgerTableName": "ledger_table",
    "TopicArn": "topic_arn",
}
_INSPECTED = {key: _FOUNDATION[key] for key in ("DataBucketName", "ArtifactBucketName")}
_CUSTOMIZATION = {
    "StateMachineArn": "state_machine_arn",
    "TrainingRoleArn": "training_role_arn",
    "EvaluationRoleArn": "evaluation_role_arn",
    "ImportRoleArn": "import_role_arn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionPlace:
    """What an inspection of datasets names: where they lie, where the report goes, and who does it."""

    environment: str
    account: str
    data_bucket: str
    artifact_bucket: str
    inspection_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationPlace:
    """What a preparation of datasets names: where they lie, where it keeps what it needs, and who does it."""

    environment: str
    account: str
    data_bucket: str
    artifact_bucket: str
    preparation_arn: str


def require_account(sts: STSClient, environment: Environment) -> str:
    """The account of the shell's credentials, which must be the environment's. Returns the caller's ARN.

    Raises NovalineError that names the account found and the one expected.
    """
    with explained("asking AWS whose credentials these are"):
        caller = sts.get_caller_identity()
    if caller["Account"] != environment.account:
        message = (
            f"these credentials belong to account {caller['Account']} ({caller['Arn']}), "
            f"the environment {environment.name} is account {environment.account}"
        )
        hint = f"choose a profile of account {environment.account}, or another --env"
        raise NovalineError.of("wrong-account", message, hint=hint)
    return caller["Arn"]


def resources_of(cloudformation: CloudFormationClient, environment: Environment) -> Resources:
    """The resources that the environment's two stacks export.

    Raises NovalineError when a stack is missing, is being changed, lacks an output, or lies somewhere else.
    """
    values = {
        **_outputs(cloudformation, environment, "Foundation", _FOUNDATION),
        **_outputs(cloudformation, environment, "Customization", _CUSTOMIZATION),
    }
    return Resources(
        environment=environment.name, account=environment.account, region=environment.region, deployed=True, **values
    )


def inspection_place(cloudformation: CloudFormationClient, environment: Environment) -> InspectionPlace:
    """Where the environment inspects datasets. Raises NovalineError as `resources_of` does."""
    return InspectionPlace(
        environment=environment.name,
        account=environment.account,
        **_outputs(cloudformation, environment, FOUNDATION, _INSPECTED),
        **_outputs(cloudformation, environment, DATASETS, {INSPECTION: "inspection_arn"}),
    )


def preparation_place(cloudformation: CloudFormationClient, environment: Environment) -> PreparationPlace:
    """Where the environment prepares datasets. Raises NovalineError as `resources_of` does."""
    return PreparationPlace(
        environment=environment.name,
        account=environment.account,
        **_outputs(cloudformation, environment, FOUNDATION, _INSPECTED),
        **_outputs(cloudformation, environment, DATASETS, {PREPARATION: "preparation_arn"}),
    )


def stack_name(environment: Environment, stack: str) -> str:
    """The CloudFormation name of one of the environment's stacks."""
    return f"{environment.name}-{stack}"


def _outputs(
    cloudformation: CloudFormationClient, environment: Environment, stack: str, wanted: dict[str, str]
) -> dict[str, str]:
    name = stack_name(environment, stack)
    deploy = f"deploy it: make cdk ARGS=\"deploy '{environment.name}/*'\""
    try:
        with explained(f"reading the outputs of stack {name}"):
            described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except NovalineError as problem:
        if error_code(problem.__cause__ or problem) == "ValidationError":  # type: ignore[arg-type]  # __cause__ is botocore's
            message = (
                f"there is no stack {name} in account {environment.account}, region {environment.region}: "
                f"the environment {environment.name} is not deployed"
            )
            raise NovalineError.of("not-deployed", message, hint=deploy) from None
        raise
    _require_place(described["StackId"], environment, name)
    status = described["StackStatus"]
    if not status.endswith("_COMPLETE") or status in {"ROLLBACK_COMPLETE", "DELETE_COMPLETE"}:
        message = f"the stack {name} is in state {status}, which a run cannot use"
        raise NovalineError.of("stack-not-ready", message, hint="wait until it is deployed, or " + deploy)
    found = {output.get("OutputKey", ""): output.get("OutputValue", "") for output in described.get("Outputs", [])}
    missing = [key for key in wanted if not found.get(key)]
    if missing:
        message = f"the stack {name} has no output {', '.join(missing)}: it was deployed by another version of Novaline"
        raise NovalineError.of("outdated-stack", message, hint=deploy)
    return {member: found[key] for key, member in wanted.items()}


def _require_place(stack_id: str, environment: Environment, name: str) -> None:
    _, _, _, region, account, *_ = stack_id.split(":")
    for what, found, expected in (("account", account, environment.account), ("region", region, environment.region)):
        if found != expected:
            message = f"the stack {name} lies in {what} {found}, the environment {environment.name} says {expected}"
            raise NovalineError.of(f"wrong-{what}", message, hint="choose other credentials, or another --env")
