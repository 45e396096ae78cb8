"""Fakes of the services that a run is driven with, and the values that tests of runs share."""

# ruff: noqa: N803 - the parameters are named as AWS names them

import base64
import hashlib
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from botocore.exceptions import ClientError
from s3transfer.manager import TransferManager

from novaline.requests.resources import Resources

ACCOUNT = "111111111111"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0"
T0 = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)

RESOURCES = Resources(
    environment="dev",
    account=ACCOUNT,
    region="us-east-1",
    data_bucket="data",
    artifact_bucket="artifacts",
    key_arn=KEY,
    ledger_table="ledger",
    topic_arn=f"arn:aws:sns:us-east-1:{ACCOUNT}:topic",
    state_machine_arn=f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:Customization",
    training_role_arn=f"arn:aws:iam::{ACCOUNT}:role/training",
    evaluation_role_arn=f"arn:aws:iam::{ACCOUNT}:role/evaluation",
    import_role_arn=f"arn:aws:iam::{ACCOUNT}:role/import",
)


def refusal(code: str, message: str = "no", operation: str = "Operation") -> ClientError:
    """The exception that boto3 raises when AWS answers with this code."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@dataclass
class Pages:
    """A paginator that returns what it was made with."""

    pages: list[dict]

    def paginate(self, **_):
        return iter(self.pages)


@dataclass
class FakeS3:
    """Versioned, encrypted buckets in memory, with the checks that S3 makes on what it is sent."""

    objects: dict[tuple[str, str], dict] = field(default_factory=dict)
    puts: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    refuse: str | None = None

    def put_object(self, *, Bucket, Key, Body, ChecksumSHA256, ExpectedBucketOwner, **more):
        if self.refuse and self.refuse in Key:
            raise refusal("AccessDenied", f"not authorized to perform: s3:PutObject on {Key}")
        assert ExpectedBucketOwner == ACCOUNT
        assert more["ServerSideEncryption"] == "aws:kms"
        if ChecksumSHA256 != base64.b64encode(hashlib.sha256(Body).digest()).decode():
            raise refusal("BadDigest")
        return {"VersionId": self._keep(Bucket, Key, Body, checksum=ChecksumSHA256, **more)}

    def upload_fileobj(self, source, bucket, key, *, ExtraArgs):
        assert ExtraArgs["ChecksumAlgorithm"] == "SHA256"
        assert set(ExtraArgs) <= set(TransferManager.ALLOWED_UPLOAD_ARGS)
        parts = []
        while part := source.read(1000):
            parts.append(part)
        self._keep(
            bucket,
            key,
            b"".join(parts),
            checksum="composite-2",
            **{k: ExtraArgs[k] for k in ("Metadata", "SSEKMSKeyId")},
        )

    def _keep(self, bucket, key, body, *, checksum, **more):
        self.puts.append(key)
        version = f"v{len(self.puts)}"
        self.objects[bucket, key] = {
            "Body": body,
            "VersionId": version,
            "ContentLength": len(body),
            "ChecksumSHA256": checksum,
            "Metadata": more["Metadata"],
            "SSEKMSKeyId": more["SSEKMSKeyId"],
        }
        return version

    def head_object(self, *, Bucket, Key, **_):
        if (Bucket, Key) not in self.objects:
            raise refusal("404", "Not Found", "HeadObject")
        return self.objects[Bucket, Key]

    def get_object(self, *, Bucket, Key, **_):
        if (Bucket, Key) not in self.objects:
            raise refusal("NoSuchKey", "no such key", "GetObject")
        return {"Body": io.BytesIO(self.objects[Bucket, Key]["Body"])}

    def delete_object(self, *, Bucket, Key, VersionId, ExpectedBucketOwner):
        assert self.objects[Bucket, Key]["VersionId"] == VersionId
        del self.objects[Bucket, Key]
        self.deleted.append(Key)

    def download_file(self, bucket, key, target, *, ExtraArgs):
        if self.refuse and self.refuse in key:
            raise refusal("AccessDenied")
        Path(target).write_bytes(self.objects[bucket, key]["Body"])

    def get_paginator(self, operation):
        assert operation == "list_objects_v2"
        return Pages([{"Contents": [{"Key": key} for bucket, key in self.objects if bucket == "artifacts"]}])


@dataclass
class FakeStates:
    """One execution, told as (seconds, "enter" or "leave", state)."""

    story: list[tuple[float, str, str]] = field(default_factory=list)
    described: dict = field(default_factory=dict)
    known: list[str] = field(default_factory=list)
    started: list[dict] = field(default_factory=list)

    def start_execution(self, *, stateMachineArn, name, input):  # noqa: A002 - Step Functions' parameter name
        if any(one["name"] == name and one["input"] != input for one in self.started):
            raise refusal("ExecutionAlreadyExists")
        self.started.append({"name": name, "input": input})
        return {"executionArn": f"{stateMachineArn.replace('stateMachine', 'execution')}:{name}"}

    def describe_execution(self, *, executionArn):
        if executionArn.rpartition(":")[2] not in self.known:
            raise refusal("ExecutionDoesNotExist")
        return {"startDate": T0, **self.described}

    def list_executions(self, **_):
        return {"executions": [{"name": name} for name in self.known]}

    def get_paginator(self, operation):
        assert operation == "get_execution_history"
        return Pages([{"events": events(self.story)}])


def events(story) -> list[dict]:
    """The history events of a story."""
    words = {
        "enter": ("TaskStateEntered", "stateEnteredEventDetails"),
        "leave": ("TaskStateExited", "stateExitedEventDetails"),
    }
    return [
        {"type": words[what][0], "timestamp": T0 + timedelta(seconds=at), words[what][1]: {"name": state}}
        for at, what, state in story
    ]
