# ruff: noqa: N803 - the fakes take boto3's own names
"""An AWS in memory for the services that the rehearsal adds: S3, logs, metrics, roles that may be denied an action."""

import hashlib
import io
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from novaline.rehearsal.aws_call import AwsError, Call
from novaline.rehearsal.faults import Fault, FaultStore

ACCOUNT = "111111111111"
REGION = "us-east-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"


def role(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def denial(who: str, action: str, resource: str) -> str:
    return f"User: {who} is not authorized to perform: {action} on resource: {resource}"


@dataclass(eq=False)
class FakeCloud:
    """`aws_call.Cloud` without an emulator. `denied` holds (role ARN or principal ARN, action)."""

    account: str = ACCOUNT
    region: str = REGION
    scale: float = 0.0005
    denied: set[tuple[str, str]] = field(default_factory=set)
    distrusted: set[tuple[str, str]] = field(default_factory=set)
    buckets: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {"data": {}, "artifacts": {}})
    log_groups: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    metrics: list[tuple[str, str, float]] = field(default_factory=list)
    used: set[tuple[str, str, str]] = field(default_factory=set)  # (who, action, resource)
    functions: dict[str, Callable[[Any], Any]] = field(default_factory=dict)  # by ARN
    invocations: list[tuple[str, Any]] = field(default_factory=list)  # (ARN, event)
    faults: FaultStore = field(default_factory=FaultStore)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def client(self, service, *, role_arn=None, service_principal=None, source_arn=None):
        if role_arn is not None and (role_arn, service_principal) in self.distrusted:
            raise AwsError("AccessDenied", denial(service_principal, "sts:AssumeRole", role_arn))
        return _CLIENTS[service](self, role_arn)

    def require(self, call: Call, action: str, resource: str, context: Mapping[str, str] | None = None) -> None:
        self.require_of_role(call.principal_arn, action, resource, context)

    def require_of_role(
        self, role_arn: str, action: str, resource: str, context: Mapping[str, str] | None = None
    ) -> None:
        with self.lock:
            self.used.add((role_arn, action, resource))
        if (role_arn, action) in self.denied:
            raise AwsError("AccessDeniedException", denial(role_arn, action, resource))

    def take_fault(self, service: str, operation: str, name: str) -> Fault | None:
        return self.faults.take(service, operation, name)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds * self.scale)

    def put(self, bucket: str, key: str, body: bytes) -> str:
        FakeS3(self, None).put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key}"

    def get(self, bucket: str, key: str) -> bytes:
        return self.buckets[bucket][key]["Body"]

    def log_lines(self) -> list[str]:
        return [line for streams in self.log_groups.values() for lines in streams.values() for line in lines]


class _Client:
    def __init__(self, cloud: FakeCloud, role_arn: str | None) -> None:
        self._cloud = cloud
        self._role = role_arn

    def _allow(self, action: str, resource: str, operation: str) -> None:
        if self._role is None:
            return
        try:
            self._cloud.require_of_role(self._role, action, resource)
        except AwsError as refusal:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": refusal.message}}, operation) from refusal


class FakeS3(_Client):
    def list_buckets(self):
        return {"Buckets": [{"Name": name} for name in self._cloud.buckets]}

    def create_bucket(self, *, Bucket):
        self._cloud.buckets[Bucket] = {}

    def put_object(self, *, Bucket, Key, Body, **encryption):
        self._allow("s3:PutObject", f"arn:aws:s3:::{Bucket}/{Key}", "PutObject")
        if "SSEKMSKeyId" in encryption:
            self._allow("kms:GenerateDataKey", encryption["SSEKMSKeyId"], "PutObject")
        tag = f'"{hashlib.md5(Body).hexdigest()}"'
        self._cloud.buckets[Bucket][Key] = {"Body": Body, "ETag": tag, **encryption}

    def get_object(self, *, Bucket, Key):
        self._allow("s3:GetObject", f"arn:aws:s3:::{Bucket}/{Key}", "GetObject")
        stored = self._cloud.buckets[Bucket][Key]
        return {"Body": io.BytesIO(stored["Body"]), "ETag": stored["ETag"]}

    def list_objects_v2(self, *, Bucket, Prefix=""):
        self._allow("s3:ListBucket", f"arn:aws:s3:::{Bucket}", "ListObjectsV2")
        if Bucket not in self._cloud.buckets:
            raise ClientError({"Error": {"Code": "NoSuchBucket", "Message": f"no bucket {Bucket}"}}, "ListObjectsV2")
        return {"Contents": [{"Key": key} for key in sorted(self._cloud.buckets[Bucket]) if key.startswith(Prefix)]}

    def get_paginator(self, operation):
        assert operation == "list_objects_v2"
        return self

    def paginate(self, **request):
        yield self.list_objects_v2(**request)


class FakeLogs(_Client):
    def describe_log_streams(self, *, logGroupName, logStreamNamePrefix):
        self._allow("logs:DescribeLogStreams", logGroupName, "DescribeLogStreams")
        if logGroupName not in self._cloud.log_groups:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": ""}}, "DescribeLogStreams")
        return {"logStreams": [s for s in self._cloud.log_groups[logGroupName] if s.startswith(logStreamNamePrefix)]}

    def create_log_group(self, *, logGroupName):
        self._allow("logs:CreateLogGroup", logGroupName, "CreateLogGroup")
        self._cloud.log_groups[logGroupName] = {}

    def create_log_stream(self, *, logGroupName, logStreamName):
        self._allow("logs:CreateLogStream", logGroupName, "CreateLogStream")
        self._cloud.log_groups[logGroupName][logStreamName] = []

    def put_log_events(self, *, logGroupName, logStreamName, logEvents):
        self._allow("logs:PutLogEvents", logGroupName, "PutLogEvents")
        self._cloud.log_groups[logGroupName][logStreamName] += [event["message"] for event in logEvents]


class FakeCloudWatch(_Client):
    def put_metric_data(self, *, Namespace, MetricData):
        self._allow("cloudwatch:PutMetricData", "*", "PutMetricData")
        self._cloud.metrics += [(Namespace, datum["MetricName"], datum["Value"]) for datum in MetricData]


class FakeLambda(_Client):
    def invoke(self, *, FunctionName, Payload):
        self._allow("lambda:InvokeFunction", FunctionName, "Invoke")
        event = json.loads(Payload)
        with self._cloud.lock:
            self._cloud.invocations.append((FunctionName, event))
        try:
            answer = self._cloud.functions[FunctionName](event)
        except Exception as problem:
            said = {"errorType": type(problem).__name__, "errorMessage": str(problem)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(said).encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


_CLIENTS = {"s3": FakeS3, "logs": FakeLogs, "cloudwatch": FakeCloudWatch, "lambda": FakeLambda}
