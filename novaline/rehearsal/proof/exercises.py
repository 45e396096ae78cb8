"""What the roles are for, done once: a run, an inspection, the deletion of a stack. Each tells all that was said."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Self

import msgspec

from novaline.datasets.prepare.work import Request
from novaline.datasets.remote.prepare_request import Options as PreparationOptions
from novaline.datasets.splitting import Shares
from novaline.datasets.validate import ModelFacts, Options
from novaline.findings import NovalineError
from novaline.recipes.catalogue import catalogue
from novaline.runs.inspection import Inspector
from novaline.runs.preparation import Preparer

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

Exercise = Callable[[], str]
"""Does what a role is for; returns "" when it worked, and otherwise all that was said about the failure."""

_RUN_SECONDS = 180.0
_STACK_SECONDS = 60.0


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


def inspection_exercise(inspector: Inspector, *, rows: bytes) -> Exercise:
    """An inspection of a dataset with these rows, in two parts: one row is repeated, and all of them are held out."""
    bucket, key = inspector.place.data_bucket, "proof/rows.jsonl"
    inspector.s3.put_object(Bucket=bucket, Key=key, Body=rows + rows.partition(b"\n")[0])
    uri, numbers = f"s3://{bucket}/{key}", count(1)

    def exercise() -> str:
        try:
            execution = inspector.start(
                f"proof-{next(numbers)}",
                sources=[uri],
                held_out=[uri],
                options={"format": "sft"},
                part_bytes=len(rows) // 2 + 1,
            )
            inspector.finish(execution, look_seconds=0.05)
        except NovalineError as problem:
            return str(problem)
        return ""

    return exercise


def validated_in_s3(inspector: Inspector, *, rows: bytes, model: str) -> str:
    """The URI of an object with these rows, which the environment has validated as SFT rows for the model."""
    bucket, key = inspector.place.data_bucket, "proof/validation.jsonl"
    inspector.s3.put_object(Bucket=bucket, Key=key, Body=rows)
    uri = f"s3://{bucket}/{key}"
    options = msgspec.to_builtins(Options(format="sft", model=ModelFacts.of(catalogue().model(model))))
    inspector.finish(inspector.start("proof-validation", sources=[uri], options=options), look_seconds=0.05)
    return uri


def preparation_exercise(preparer: Preparer, *, rows: bytes) -> Exercise:
    """A preparation of a dataset with these rows, in two parts and two passes: each split has its exact share."""
    bucket, key = preparer.place.data_bucket, "proof/chats.jsonl"
    preparer.s3.put_object(Bucket=bucket, Key=key, Body=rows)
    numbers = count(1)
    request = Request(
        sources=(), format="sft", output=None, shares=Shares(parts=(8, 2)), stratify="messages", overwrite=True
    )

    def exercise() -> str:
        try:
            execution = preparer.start(
                f"proof-{next(numbers)}",
                sources=[f"s3://{bucket}/{key}"],
                output=f"s3://{bucket}/prepared/proof",
                options=PreparationOptions.of(request).as_json(),
                part_bytes=len(rows) // 2 + 1,
            )
            preparer.finish(execution, look_seconds=0.05)
        except NovalineError as problem:
            return str(problem)
        return ""

    return exercise


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedStack:
    """A stack whose deletion is the exercise. `make` and `unmake` bring it back to a state that can be deleted."""

    cloudformation: CloudFormationClient
    s3: S3Client
    name: str
    template: str

    @classmethod
    def of(cls, cloudformation: CloudFormationClient, s3: S3Client, name: str) -> Self:
        """The stack as it stands now."""
        body = cloudformation.get_template(StackName=name)["TemplateBody"]
        template = body if isinstance(body, str) else json.dumps(body)
        return cls(cloudformation=cloudformation, s3=s3, name=name, template=template)

    def make(self) -> None:
        """Create the stack, unless it exists, and put an object into each of its buckets."""
        if self._status() == "DELETE_COMPLETE":
            self.cloudformation.create_stack(
                StackName=self.name, TemplateBody=self.template, Capabilities=["CAPABILITY_NAMED_IAM"]
            )
            self._wait("CREATE_COMPLETE")
        for bucket in self._buckets():
            self.s3.put_object(Bucket=bucket, Key="proof/object", Body=b"to be emptied")

    def delete(self) -> str:
        """The exercise: "" when the stack is gone, otherwise why it is not."""
        self.cloudformation.delete_stack(StackName=self.name)
        if self._wait("DELETE_COMPLETE", "DELETE_FAILED") == "DELETE_COMPLETE":
            return ""
        events = self.cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        failed = (event for event in events if event.get("ResourceStatus") == "DELETE_FAILED")
        return "\n".join(event.get("ResourceStatusReason", "") for event in failed)

    def unmake(self) -> None:
        """Finish a deletion that failed, as the account's owner would: empty the buckets, delete again."""
        if self._status() != "DELETE_COMPLETE":
            for bucket in self._buckets():
                for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
                    for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                        self.s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
            # What empties the buckets has failed for good, and they are empty now: let it go.
            left = [r["LogicalResourceId"] for r in self._resources() if r["ResourceType"].startswith("Custom::")]
            self.cloudformation.delete_stack(StackName=self.name, RetainResources=left)
            self._wait("DELETE_COMPLETE")

    def _resources(self) -> list[StackResourceSummaryTypeDef]:
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.name)
        found = (resource for page in pages for resource in page["StackResourceSummaries"])
        return [resource for resource in found if resource["ResourceStatus"] != "DELETE_COMPLETE"]

    def _buckets(self) -> list[str]:
        named = {r.get("PhysicalResourceId") for r in self._resources() if r["ResourceType"] == "AWS::S3::Bucket"}
        return [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"] if bucket["Name"] in named]

    def _wait(self, *wanted: str) -> str:
        until = time.monotonic() + _STACK_SECONDS
        while (status := self._status()) not in wanted:
            if time.monotonic() > until:
                message = f"stack {self.name} is {status} after {_STACK_SECONDS:.0f} seconds, expected {wanted[0]}"
                raise NovalineError.of("stack-timeout", message)
            time.sleep(0.1)
        return status

    def _status(self) -> str:
        try:
            return str(self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])
        except self.cloudformation.exceptions.ClientError as problem:
            if "does not exist" in str(problem):
                return "DELETE_COMPLETE"
            raise
