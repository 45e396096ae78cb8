"""Objects of S3 as files: read in order or by place, at one version, resumed where a connection breaks.

KMS-encrypted objects need nothing more than kms:Decrypt on their key: S3 decrypts, and says so when it may not.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from fnmatch import translate
from re import compile as compile_pattern
from typing import TYPE_CHECKING, Any

from novaline.findings import UsageProblem
from novaline.runs.problems import error_code, explained
from novaline.s3_uri import join_s3_uri, split_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MOST_RESUMED = 5
_WILD = "*?["


def s3_client() -> S3Client:
    """A client from the person's own session."""
    import boto3  # noqa: PLC0415 - imported when a source is in S3, and only then

    return boto3.client("s3")


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


class ObjectFile(io.RawIOBase):
    """One version of an object. Reading in order is one request; a jump opens another at that place."""

    def __init__(self, s3: S3Client, uri: str) -> None:
        self._s3 = s3
        self._uri = uri
        bucket, key = split_s3_uri(uri)
        with explained(f"looking at {uri}"):
            head = s3.head_object(Bucket=bucket, Key=key)
        version = head.get("VersionId")
        self.version_id = version if version and version != "null" else None
        self.etag = head["ETag"].strip('"')
        self.size = head["ContentLength"]
        # What is read is what was looked at, also while somebody writes the object anew.
        pinned = {"VersionId": self.version_id} if self.version_id else {"IfMatch": head["ETag"]}
        self._request: dict[str, Any] = {"Bucket": bucket, "Key": key, **pinned}
        self._body: Any = None
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves to a place; nothing is read."""
        place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if place != self._at:
            self._drop()
        self._at = max(0, place)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # what io asks for in practice
        """Reads on. Raises NovalineError when S3 refuses, or when the connection keeps breaking."""
        if self._at >= self.size or not len(buffer):
            return 0
        with explained(f"reading {self._uri}"):
            block = self._read(len(buffer))
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)

    def close(self) -> None:
        """Ends the request that is open."""
        self._drop()
        super().close()

    def _read(self, size: int) -> bytes:
        from botocore.exceptions import HTTPClientError, IncompleteReadError  # noqa: PLC0415 - as boto3

        for attempt in range(_MOST_RESUMED + 1):
            try:
                if self._body is None:
                    place: dict[str, Any] = {"Range": f"bytes={self._at}-"} if self._at else {}
                    self._body = self._s3.get_object(**self._request, **place)["Body"]
                block: bytes = self._body.read(min(size, self.size - self._at))
            except (HTTPClientError, IncompleteReadError):
                self._drop()
                if attempt == _MOST_RESUMED:
                    raise
                continue
            if block:
                return block
            self._drop()  # it ended early: ask for the rest
        raise IncompleteReadError(actual_bytes=self._at, expected_bytes=self.size)

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
