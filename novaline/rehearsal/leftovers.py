"""What an account still holds after a teardown, each thing with the reason why it is there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from novaline.runs.training import LOG_GROUP

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

Why = Literal["left behind", "retained by the environment", "CDK bootstrap", "belongs to AWS"]
Lister = Callable[[Any], Iterator[str]]
_TOOLKIT = "CDKToolkit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """One resource that is still there."""

    kind: str
    name: str
    why: Why

    def as_json(self) -> dict[str, str]:
        """The leftover as `--json` prints it."""
        return {"kind": self.kind, "name": self.name, "why": self.why}


def retained_by(cloudformation: CloudFormationClient, templates: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Physical ids of what templates (stack name → template) tell CloudFormation to retain. Ask before destroying."""
    kept: set[str] = set()
    for stack, template in templates.items():
        retained = {
            logical
            for logical, resource in template.get("Resources", {}).items()
            if str(resource.get("DeletionPolicy", "")).startswith("Retain")
        }
        kept.update(
            physical for logical, physical in _stack_resources(cloudformation, stack).items() if logical in retained
        )
    return frozenset(kept)


def leftovers(
    make: Callable[[str], Any], *, retained: Collection[str] = (), shared_logs: bool = False
) -> tuple[Leftover, ...]:
    """Everything in the account that a run or a stack could have made; `make` gives the boto3 client of a service.

    What the bootstrap stack owns, what `retained` names and what is AWS's own are told apart from what was left behind.
    `shared_logs`: the log group of all training jobs is nobody's of this environment.
    """
    cloudformation = make("cloudformation")
    toolkit = set(_stack_resources(cloudformation, _TOOLKIT).values())
    return tuple(
        Leftover(kind=kind, name=name, why=_why(kind, name, toolkit=toolkit, retained=retained, shared=shared_logs))
        for kind, service, lister in _LISTERS
        for name in lister(make(service))
    )


def left_behind(found: Collection[Leftover]) -> tuple[Leftover, ...]:
    """Those that nothing explains."""
    return tuple(item for item in found if item.why == "left behind")


def _why(kind: str, name: str, *, toolkit: Collection[str], retained: Collection[str], shared: bool) -> Why:
    if name == _TOOLKIT or _named_in(name, toolkit):
        return "CDK bootstrap"
    if _named_in(name, retained):
        return "retained by the environment"
    if kind == "bucket" and name.startswith("customer-escrow-"):
        return "belongs to AWS"  # Amazon's bucket for checkpoints: readable through the account, never its own
    if kind == "log group" and name == LOG_GROUP and shared:
        return "belongs to AWS"  # SageMaker's, one for all jobs of an account
    if kind == "role" and "/aws-service-role/" in name:
        return "belongs to AWS"
    return "left behind"


def _named_in(name: str, ids: Collection[str]) -> bool:
    """Whether a physical id is this name or its ARN: stacks know some things by name, the services by ARN."""
    return any(name == known or name.endswith((f":{known}", f"/{known}")) for known in ids if known)


def _stack_resources(cloudformation: CloudFormationClient, stack: str) -> dict[str, str]:
    """Logical id → physical id; empty when there is no such stack."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - the command line must start without botocore

    try:
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        return {
            item["LogicalResourceId"]: item.get("PhysicalResourceId", "")
            for page in pages
            for item in page["StackResourceSummaries"]
            if item["ResourceStatus"] != "DELETE_COMPLETE"
        }
    except ClientError:
        return {}


def _pages(client: Any, operation: str, member: str, name: str | None = None) -> Iterator[str]:  # noqa: ANN401 - any service's client
    for page in client.get_paginator(operation).paginate():
        for item in page.get(member, []):
            yield cast("str", item if name is None else item[name])


def _keys(kms: Any) -> Iterator[str]:  # noqa: ANN401 - boto3 makes its client classes at run time
    for arn in _pages(kms, "list_keys", "Keys", "KeyId"):
        described = kms.describe_key(KeyId=arn)["KeyMetadata"]
        if described["KeyState"] != "PendingDeletion" and described.get("KeyManager") != "AWS":
            yield described["KeyId"]


def _roles(iam: Any) -> Iterator[str]:  # noqa: ANN401 - boto3 makes its client classes at run time
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            yield role["Arn"] if "/aws-service-role/" in role["Arn"] else role["RoleName"]


def _stacks(cloudformation: Any) -> Iterator[str]:  # noqa: ANN401 - boto3 makes its client classes at run time
    for page in cloudformation.get_paginator("list_stacks").paginate():
        for stack in page["StackSummaries"]:
            if stack["StackStatus"] != "DELETE_COMPLETE":
                yield stack["StackName"]


_LISTERS: tuple[tuple[str, str, Lister], ...] = (
    ("stack", "cloudformation", _stacks),
    ("bucket", "s3", lambda s3: (bucket["Name"] for bucket in s3.list_buckets()["Buckets"])),
    ("table", "dynamodb", lambda dynamodb: _pages(dynamodb, "list_tables", "TableNames")),
    ("key", "kms", _keys),
    ("role", "iam", _roles),
    ("function", "lambda", lambda functions: _pages(functions, "list_functions", "Functions", "FunctionName")),
    ("log group", "logs", lambda logs: _pages(logs, "describe_log_groups", "logGroups", "logGroupName")),
    ("topic", "sns", lambda sns: _pages(sns, "list_topics", "Topics", "TopicArn")),
    (
        "state machine",
        "stepfunctions",
        lambda states: _pages(states, "list_state_machines", "stateMachines", "stateMachineArn"),
    ),
    (
        "event rule",
        "events",
        lambda events: _pages(events, "list_rules", "Rules", "Name"),
    ),
    ("schedule", "scheduler", lambda scheduler: _pages(scheduler, "list_schedules", "Schedules", "Name")),
    (
        "model deployment",
        "bedrock",
        lambda bedrock: _pages(
            bedrock, "list_custom_model_deployments", "modelDeploymentSummaries", "customModelDeploymentArn"
        ),
    ),
    ("custom model", "bedrock", lambda bedrock: _pages(bedrock, "list_custom_models", "modelSummaries", "modelArn")),
)
