"""The statements of the roles that our stacks define, and how one is taken away and put back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_iam import IAMClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of one inline policy. `role` is its logical id without the hash, `role_name` what IAM calls it."""

    stack: str
    role: str
    role_name: str
    policy: str
    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    document: Mapping[str, Any]

    def refusal_in(self, text: str) -> str | None:
        """The part of the text that says that this role was not allowed one of these actions on such a resource."""
        for role, action, resource in _REFUSAL.findall(text):
            if role != self.role_name or action.lower() not in map(str.lower, self.actions):
                continue
            if not resource or any(fnmatchcase(resource, pattern) for pattern in self.resources):
                return f"{role} is not authorized to perform: {action}" + (f" on {resource}" if resource else "")
        return None


_REFUSAL = re.compile(
    r"assumed-role/([^/\s]+)/\S+ is not authorized to perform: ([\w-]+:\w+)(?: on resource: \"?([^\s\"\\\\]+))?"
)
"""How IAM words a refusal: the session's role, the action, and the resource where the service names one."""


def statements(cloudformation: CloudFormationClient, iam: IAMClient, *, stacks: Sequence[str]) -> Iterator[Statement]:
    """Every statement of every role in the stacks, in the order of the stacks' resources."""
    for stack in stacks:
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack):
            for resource in page["StackResourceSummaries"]:
                if resource["ResourceType"] == "AWS::IAM::Role":
                    role = re.sub(r"[0-9A-F]{8}$", "", resource["LogicalResourceId"])
                    yield from _of_role(iam, stack=stack, role=role, role_name=resource["PhysicalResourceId"])


def _of_role(iam: IAMClient, *, stack: str, role: str, role_name: str) -> Iterator[Statement]:
    for policy in sorted(iam.list_role_policies(RoleName=role_name)["PolicyNames"]):
        found = iam.get_role_policy(RoleName=role_name, PolicyName=policy)["PolicyDocument"]
        document: dict[str, Any] = json.loads(found) if isinstance(found, str) else dict(found)
        for statement in document["Statement"]:
            yield Statement(
                stack=stack,
                role=role,
                role_name=role_name,
                policy=policy,
                sid=statement["Sid"],
                actions=_listed(statement["Action"]),
                resources=_listed(statement["Resource"]),
                document=document,
            )


def _listed(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@contextmanager
def taken_away(iam: IAMClient, missing: Sequence[Statement]) -> Iterator[None]:
    """The roles without these statements, until the block ends; the policies are then what they were."""
    policies: dict[tuple[str, str], list[Statement]] = {}
    for statement in missing:
        policies.setdefault((statement.role_name, statement.policy), []).append(statement)
    try:
        for (role_name, policy), gone in policies.items():
            names = {statement.sid for statement in gone}
            left = [found for found in gone[0].document["Statement"] if found["Sid"] not in names]
            if left:
                document = json.dumps({**gone[0].document, "Statement": left})
                iam.put_role_policy(RoleName=role_name, PolicyName=policy, PolicyDocument=document)
            else:
                iam.delete_role_policy(RoleName=role_name, PolicyName=policy)
        yield
    finally:
        for (role_name, policy), gone in policies.items():
            document = json.dumps(gone[0].document)
            # A role may have gone with the stack whose deletion the block was about.
            with suppress(iam.exceptions.NoSuchEntityException):
                iam.put_role_policy(RoleName=role_name, PolicyName=policy, PolicyDocument=document)
