"""Objects of S3 as files: read in order or by place, at one version, resumed where a connection breaks.

KMS-encrypted objects need nothing more than kms:Decrypt on their key: S3 decrypts, and says so when it may not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import translate
from re import compile as compile_pattern
from typing import TYPE_CHECKING, Self

from novaline.datasets.remote.s3_file import S3File
from novaline.findings import UsageProblem
from novaline.runs.clients import account_client
from novaline.runs.problems import error_code, explained
from novaline.s3_uri import join_s3_uri, split_s3_uri

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from mypy_boto3_s3 import S3Client

_WILD = "*?["


def s3_client() -> S3Client:
    """A client with the credentials of the shell. Raises UsageProblem or NovalineError when they do not work."""
    client: S3Client = account_client("s3", None)
    return client


def find_objects(s3: S3Client, uri: str) -> Iterator[str]:
    """The URIs that one stands for: an object itself, those under a prefix, or those that match a pattern.

    Raises NovalineError when S3 refuses, UsageProblem for a URI that names no bucket.
    """
    try:
        bucket, key = split_s3_uri(uri)
    except ValueError as problem:
        raise UsageProblem.of("no-such-source", str(problem)) from None
    wild = min((place for sign in _WILD if (place := key.find(sign)) >= 0), default=-1)
    if wild < 0 and key and not key.endswith("/") and _exists(s3, bucket, key):
        yield uri
        return
    prefix = key[:wild] if wild >= 0 else key if not key or key.endswith("/") else f"{key}/"
    pattern = compile_pattern(translate(key)) if wild >= 0 else None
    for key in _keys(s3, bucket, prefix):
        if pattern is None or pattern.match(key):
            yield join_s3_uri(bucket, key)


def _keys(s3: S3Client, bucket: str, prefix: str) -> Iterator[str]:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - as boto3

    with explained(f"listing s3://{bucket}/{prefix}"):
        try:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                yield from (item["Key"] for item in page.get("Contents", ()))
        except ClientError as problem:
            if error_code(problem) == "NoSuchBucket":
                raise UsageProblem.of("no-such-source", f"there is no bucket {bucket}") from None
            raise


def _exists(s3: S3Client, bucket: str, key: str) -> bool:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - as boto3

    with explained(f"looking for s3://{bucket}/{key}"):
        try:
            s3.head_object(Bucket=bucket, Key=key)
        except ClientError as problem:
            if error_code(problem) in {"404", "NoSuchKey", "NotFound"}:
                return False
            raise
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectVersion:
    """What S3 says of an object's newest version; `version_id` is None where the bucket keeps no versions."""

    version_id: str | None
    etag: str
    size: int

    @classmethod
    def newest(cls, s3: S3Client, uri: str) -> Self:
        """The object as it is now. Raises NovalineError when S3 refuses."""
        bucket, key = split_s3_uri(uri)
        with explained(f"looking at {uri}"):
            head = s3.head_object(Bucket=bucket, Key=key)
        version = head.get("VersionId")
        return cls(
            version_id=version if version and version != "null" else None,
            etag=head["ETag"].strip('"'),
            size=head["ContentLength"],
        )


class ObjectFile(S3File):
    """An object for who reads at a command line: its newest version unless one is given, and refusals in words.

    What is read is what was looked at, also while somebody writes the object anew.
    """

    def __init__(self, s3: S3Client, uri: str, *, version: ObjectVersion | None = None) -> None:
        bucket, key = split_s3_uri(uri)
        found = ObjectVersion.newest(s3, uri) if version is None else version
        etag = f'"{found.etag}"'
        super().__init__(s3, bucket=bucket, key=key, version=found.version_id, size=found.size, etag=etag)
        self.version_id, self.etag, self.uri = found.version_id, found.etag, uri

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Reads on. Raises NovalineError when S3 refuses, or when the connection keeps breaking."""
        with explained(f"reading {self.uri}"):
            return super().readinto(buffer)
