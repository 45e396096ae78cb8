"""KMS permissions where AWS asks for them and MiniStack does not: of callers who use what is encrypted.

The emulator's root, under which Amazon's own services work here as well, is exempt: no policy restrains it.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

from novaline.rehearsal import ministack_host as host
from novaline.rehearsal import wire
from novaline.rehearsal.aws_call import AwsError
from novaline.rehearsal.cloud import HostCloud
from novaline.rehearsal.wire import HttpRequest, HttpResponse

GENERATE, DECRYPT = "kms:GenerateDataKey", "kms:Decrypt"
_ALGORITHM = "x-amz-server-side-encryption"
_CUSTOMER = "x-amz-server-side-encryption-customer-algorithm"
_KEY = "x-amz-server-side-encryption-aws-kms-key-id"


def install(cloud: HostCloud) -> None:
    """Guard S3, SNS, DynamoDB and Step Functions. To be called once."""
    host.guard_service("s3", S3Guard(cloud))
    host.guard_service("sns", TopicGuard(cloud))
    host.guard_service("dynamodb", TableGuard(cloud))
    host.guard_service("states", ExecutionGuard(cloud))


class S3Guard:
    """Objects under SSE-KMS: GenerateDataKey to write, Decrypt to read, both for a multipart upload.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html (Permissions)
    """

    def __init__(self, cloud: HostCloud) -> None:
        self._cloud = cloud

    def __call__(self, request: HttpRequest) -> HttpResponse | HttpRequest:
        """S3's refusal, if the caller may not use a key that the request needs; else the request."""
        bucket, _, key = request.path.lstrip("/").partition("/")
        if not bucket or not key:
            return request
        request = self._name_key(request)
        if request.method in {"PUT", "POST"} and _CUSTOMER in request.headers and host.blocks_customer_keys(bucket):
            return _xml_error(
                403, "AccessDenied", "The bucket blocks server-side encryption with customer keys (SSE-C)."
            )
        try:
            for action, headers, keyed_bucket, keyed_key in self._uses(request, bucket, key):
                self._require(request, action, headers, keyed_bucket, keyed_key)
        except AwsError as error:
            return _xml_error(403, "AccessDenied", error.message)
        return request

    def _name_key(self, request: HttpRequest) -> HttpRequest:
        """Under `aws:kms` without a key, S3 uses the one that AWS keeps for it; MiniStack wants it named."""
        if request.headers.get(_ALGORITHM) != "aws:kms" or _KEY in request.headers:
            return request
        key = f"arn:aws:kms:{self._cloud.region}:{self._cloud.account}:alias/aws/s3"
        return replace(request, headers={**request.headers, _KEY: key})

    def _uses(self, request: HttpRequest, bucket: str, key: str) -> list[tuple[str, Mapping[str, str], str, str]]:
        """(action, SSE headers, bucket, key) for each use of a key that the request means."""
        query = request.query
        upload = (query.get("uploadId") or [""])[0]
        if request.method == "POST" and "uploads" in query:
            return [(GENERATE, self._written(request, bucket), bucket, key)]
        if upload and request.method in {"PUT", "POST"}:
            return [(DECRYPT, host.upload_encryption(upload), bucket, key)]
        plain = not set(query) & {"acl", "tagging", "retention", "legal-hold", "attributes", "restore", "annotation"}
        if request.method == "PUT" and plain:
            uses = [(GENERATE, self._written(request, bucket), bucket, key)]
            source = request.headers.get("x-amz-copy-source", "")
            if source:
                from_bucket, from_key, version = _copy_source(source)
                stored = host.object_encryption(from_bucket, from_key, version)
                uses.insert(0, (DECRYPT, stored, from_bucket, from_key))
            return uses
        if request.method == "GET" and plain:
            version = (query.get("versionId") or [None])[0]  # type: ignore[list-item] # parse_qs never yields None
            return [(DECRYPT, host.object_encryption(bucket, key, version), bucket, key)]
        return []

    def _written(self, request: HttpRequest, bucket: str) -> Mapping[str, str]:
        """The encryption that an object gets: its own headers, else the bucket's default."""
        default, _ = host.default_encryption(bucket)
        algorithm = request.headers.get(_ALGORITHM)
        if not algorithm:
            return default
        return {_ALGORITHM: algorithm, _KEY: request.headers.get(_KEY, "")}

    def _require(self, request: HttpRequest, action: str, sse: Mapping[str, str], bucket: str, key: str) -> None:
        if not sse.get(_ALGORITHM, "").startswith("aws:kms") or not sse.get(_KEY) or _of_aws(sse[_KEY]):
            return
        _, bucket_key = host.default_encryption(bucket)
        encrypted = f"arn:aws:s3:::{bucket}" if bucket_key else f"arn:aws:s3:::{bucket}/{key}"
        self._cloud.require_key_use(
            host.access_key_of(request),
            action,
            sse[_KEY],
            service="s3",
            context={"kms:EncryptionContext:aws:s3:arn": encrypted},
        )


def _of_aws(key: str) -> bool:
    """Whether the key is one that AWS keeps for a service: every caller of the service in the account may use it."""
    return key.rpartition(":")[2].startswith("alias/aws/")


def _copy_source(header: str) -> tuple[str, str, str | None]:
    """Bucket, key and version that an x-amz-copy-source header names."""
    path, _, query = unquote(header).lstrip("/").partition("?versionId=")
    bucket, _, key = path.partition("/")
    return bucket, key, query or None


class TopicGuard:
    """Publishing to a topic with a customer's key: GenerateDataKey and Decrypt.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """

    def __init__(self, cloud: HostCloud) -> None:
        self._cloud = cloud

    def __call__(self, request: HttpRequest) -> HttpResponse | HttpRequest:
        """SNS's refusal, if the caller may not use the topic's key; else the request."""
        form = parse_qs(request.body.decode("utf-8", errors="replace"))
        action, topic = (form.get("Action") or [""])[0], (form.get("TopicArn") or [""])[0]
        key = host.topic_key(topic) if action in {"Publish", "PublishBatch"} else ""
        if not key or _of_aws(key):
            return request
        context = {"kms:EncryptionContext:aws:sns:topicArn": topic}
        try:
            for needed in (GENERATE, DECRYPT):
                self._cloud.require_key_use(host.access_key_of(request), needed, key, service="sns", context=context)
        except AwsError as error:
            return _query_error(400, "KMSAccessDenied", error.message)
        return request


class TableGuard:
    """Items of a table under a customer's key: Decrypt.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    """

    def __init__(self, cloud: HostCloud) -> None:
        self._cloud = cloud

    def __call__(self, request: HttpRequest) -> HttpResponse | HttpRequest:
        """DynamoDB's refusal, if the caller may not use the table's key; else the request."""
        if not request.headers.get("x-amz-target", "").endswith(_ITEM_OPERATIONS):
            return request
        table = str(json.loads(request.body or b"{}").get("TableName", ""))
        key = host.table_key(table)
        if not key or _of_aws(key):
            return request
        context = {"kms:EncryptionContext:aws:dynamodb:tableName": table.rsplit("/", 1)[-1]}
        try:
            self._cloud.require_key_use(host.access_key_of(request), DECRYPT, key, service="dynamodb", context=context)
        except AwsError as error:
            return wire.encode_error("dynamodb", "AccessDeniedException", error.message, 400, "")
        return request


_ITEM_OPERATIONS = (".GetItem", ".PutItem", ".UpdateItem", ".DeleteItem", ".Query", ".Scan")


class ExecutionGuard:
    """An execution under a customer's key, described with its data: Decrypt, with the machine as encryption context.

    Source: API reference of DescribeExecution (includedData); Step Functions Developer Guide, data at rest encryption.
    """

    def __init__(self, cloud: HostCloud) -> None:
        self._cloud = cloud

    def __call__(self, request: HttpRequest) -> HttpResponse | HttpRequest:
        """Step Functions' refusal, if the caller may not use the execution's key; else the request."""
        if not request.headers.get("x-amz-target", "").endswith(".DescribeExecution"):
            return request
        asked = json.loads(request.body or b"{}")
        key, machine = host.execution_key(str(asked.get("executionArn", "")))
        if not key or asked.get("includedData") == "METADATA_ONLY":
            return request
        context = {"kms:EncryptionContext:aws:states:stateMachineArn": machine}
        try:
            self._cloud.require_key_use(host.access_key_of(request), DECRYPT, key, service="states", context=context)
        except AwsError as error:
            return wire.encode_error("stepfunctions", "KmsAccessDeniedException", error.message, 400, "")
        return request


def _xml_error(status: int, code: str, message: str) -> HttpResponse:
    inner = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'
    return HttpResponse(status=status, headers={"Content-Type": "application/xml"}, body=body.encode())


def _query_error(status: int, code: str, message: str) -> HttpResponse:
    inner = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    body = f'<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">{inner}</ErrorResponse>'
    return HttpResponse(status=status, headers={"Content-Type": "text/xml"}, body=body.encode())
