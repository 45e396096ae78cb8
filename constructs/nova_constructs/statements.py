"""How this package writes IAM: guarded service principals, named statements, and acknowledged findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam
from constructs import IConstruct

Conditions = Mapping[str, Mapping[str, object]]


class NamedStatement(iam.PolicyStatement):
    """A statement that remembers why some of its resources end in `*`."""

    def __init__(
        self,
        *,
        sid: str,
        actions: Sequence[str],
        resources: Sequence[str],
        conditions: Conditions | None,
        open_because: str | None,
    ) -> None:
        super().__init__(
            sid=sid,
            actions=list(actions),
            resources=list(resources),
            conditions=None if conditions is None else {key: dict(value) for key, value in conditions.items()},
        )
        self.open_because = open_because
        self.open_resources = tuple(resource for resource in resources if "*" in resource)


def guarded_service(service: str, *, account: str, source_arn: str | None = None) -> iam.ServicePrincipal:
    """The service principal that acts only for resources of `account` (and, where AWS documents it, of `source_arn`).

    The condition sits inside the principal. As a second statement it would be an OR beside an unguarded one.
    """
    conditions: dict[str, object] = {"StringEquals": {"aws:SourceAccount": account}}
    if source_arn is not None:
        conditions["ArnLike"] = {"aws:SourceArn": source_arn}
    return iam.ServicePrincipal(service, conditions=conditions)


def allow(
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str],
    *,
    conditions: Conditions | None = None,
    open_because: str | None = None,
) -> NamedStatement:
    """One statement for one purpose, named by `sid` so that a proof can remove exactly that.

    A resource with `*` in it needs `open_because`, a reason that a stranger accepts: `grant` acknowledges the finding
    with it. Without a reason the rule pack reports the resource.
    """
    return NamedStatement(
        sid=sid, actions=actions, resources=resources, conditions=conditions, open_because=open_because
    )


def grant(role: iam.IRole, *statements: iam.PolicyStatement) -> None:
    """Adds the statements to the role's own policy, and acknowledges there what they leave open, each by its id."""
    for statement in statements:
        role.add_to_principal_policy(statement)
    acknowledge_open(role.node.find_child("DefaultPolicy"), *statements)


def grant_unscoped(role: iam.Role, policy_id: str, statement: iam.PolicyStatement, *, reason: str) -> iam.Policy:
    """Adds a statement whose actions know no resource as a policy of its own, and acknowledges its finding there alone.

    A later `*` in the role's other statements is therefore still reported.
    """
    policy = iam.Policy(role, policy_id, roles=[role], statements=[statement])
    acknowledge(policy, "AwsSolutions-IAM5[Resource::*]", reason)
    return policy


def acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    """Acknowledges one finding of a rule pack, by its full id, on the smallest construct that carries it."""
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def acknowledge_open(policy: IConstruct, *statements: iam.PolicyStatement) -> None:
    """Acknowledges on `policy` every open resource of the statements that say why it is open."""
    reasons = {
        resource: statement.open_because
        for statement in statements
        if isinstance(statement, NamedStatement) and statement.open_because is not None
        for resource in statement.open_resources
    }
    if not reasons:
        return
    resolved = Stack.of(policy).resolve(list(reasons))  # one call across jsii for all of them
    Validations.of(policy).acknowledge(
        *(
            Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{_as_finding(resource)}]", reason=reason)
            for resource, reason in zip(resolved, reasons.values(), strict=True)
        )
    )


def _as_finding(resource: object) -> str:
    """A resolved CloudFormation value as cdk-nag spells it in the id of a finding."""
    match resource:
        case {"Fn::Join": [str() as delimiter, list() as parts]}:
            return delimiter.join(_as_finding(part) for part in parts)
        case {"Fn::GetAtt": [str() as logical_id, str() as attribute]}:
            return f"<{logical_id}.{attribute}>"
        case {"Fn::ImportValue": str() as export}:
            return export
        case {"Ref": str() as logical_id}:
            return f"<{logical_id}>"
        case _:
            return str(resource)
