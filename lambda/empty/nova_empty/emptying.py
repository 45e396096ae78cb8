"""What to do with a CloudFormation event, and how a bucket is emptied. Clients are arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectVersionsOutputTypeDef, ObjectIdentifierTypeDef


class NotEmptied(Exception):
    """The bucket still holds objects; the message says why. CloudFormation shows it and stops the deletion."""


def bucket_to_empty(event: Mapping[str, Any]) -> str | None:
    """The bucket whose deletion the event announces, or None when the event announces none.

    The bucket's name is the physical id, so that a bucket is never taken for its replacement.
    """
    if event["RequestType"] != "Delete":
        return None
    return str(event["PhysicalResourceId"])


def physical_id(event: Mapping[str, Any]) -> str:
    """The id to answer with: the bucket of the properties, or, on deletion, the id that the resource has."""
    if event["RequestType"] == "Delete":
        return str(event["PhysicalResourceId"])
    return str(event["ResourceProperties"]["BucketName"])


def is_going(cloudformation: CloudFormationClient, stack_id: str) -> bool:
    """Whether the whole stack is being deleted, or its failed creation undone.

    In an update, the resource was taken out of the template: the environment starts to retain its data.
    """
    stack = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
    return stack["StackStatus"] in {"DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"}


def empty(s3: S3Client, bucket: str, *, seconds_left: Callable[[], float]) -> int:
    """Deletes every version and delete marker; returns how many. Raises NotEmptied when time or S3 stops it.

    A bucket that somebody has deleted already is empty.
    """
    deleted = 0
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            deleted += _delete(s3, bucket, page)
            if seconds_left() < 30:
                raise NotEmptied(f"{bucket}: {deleted} versions deleted, and more may be left; delete the stack again")
    except s3.exceptions.NoSuchBucket:
        return deleted
    return deleted


def _delete(s3: S3Client, bucket: str, page: ListObjectVersionsOutputTypeDef) -> int:
    doomed: list[ObjectIdentifierTypeDef] = [
        {"Key": version["Key"], "VersionId": version["VersionId"]}
        for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
    ]
    if not doomed:
        return 0
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": doomed, "Quiet": True})
    if errors := answer.get("Errors"):
        first = errors[0]
        raise NotEmptied(f"{bucket}: S3 kept {first.get('Key')}: {first.get('Code')} {first.get('Message')}")
    return len(doomed)
