"""The custom resource `Custom::EmptyBucket`: event in, answer to CloudFormation's URL out."""

from __future__ import annotations

import json
import os
import ssl
import urllib.request
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from nova_empty.emptying import bucket_to_empty, empty, is_going, physical_id

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client


class Context(Protocol):
    """The part of the Lambda context that is used."""

    log_stream_name: str

    def get_remaining_time_in_millis(self) -> int: ...


def handler(event: Mapping[str, Any], context: Context) -> None:
    """Empties the bucket whose deletion `event` announces, if its stack is being deleted. Always answers.

    CloudFormation waits an hour for an answer that does not come. So every failure becomes an answer; it is not raised
    again, because Lambda would then repeat the event after CloudFormation has moved on.
    """
    import boto3  # noqa: PLC0415 - the runtime's own; imported when first needed

    body = answer(event, context, cloudformation=boto3.client("cloudformation"), s3=boto3.client("s3"))
    print(json.dumps({key: body[key] for key in ("Status", "Reason", "PhysicalResourceId")}))  # noqa: T201  # Lambda logs what is printed
    _put(event["ResponseURL"], json.dumps(body).encode())


def answer(
    event: Mapping[str, Any], context: Context, *, cloudformation: CloudFormationClient, s3: S3Client
) -> dict[str, str]:
    """What CloudFormation is told, after what the event asks for was done or was found impossible."""
    try:
        status, reason = "SUCCESS", _act(event, context.get_remaining_time_in_millis, cloudformation, s3)
    except Exception as problem:
        status, reason = "FAILED", f"{type(problem).__name__}: {problem}"
    return {
        "Status": status,
        "Reason": f"{reason} (log stream {context.log_stream_name})",
        "PhysicalResourceId": physical_id(event),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }


def _act(
    event: Mapping[str, Any], millis_left: Callable[[], int], cloudformation: CloudFormationClient, s3: S3Client
) -> str:
    bucket = bucket_to_empty(event)
    if bucket is None:
        return "nothing to empty yet"
    if not is_going(cloudformation, event["StackId"]):
        return f"{bucket} keeps its objects, because its stack is not being deleted"
    deleted = empty(s3, bucket, seconds_left=lambda: millis_left() / 1000)
    return f"{deleted} versions deleted from {bucket}"


def _put(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310  # the URL is CloudFormation's own
    # The variable that the AWS SDKs read for a private certificate authority.
    trust = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
    with urllib.request.urlopen(request, timeout=30, context=trust):  # noqa: S310  # likewise
        return
