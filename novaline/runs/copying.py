"""Copies of validated objects, made inside S3 at the version that was validated, where nobody writes them anew.

A job reads what lies at a key when it starts, whatever version was looked at before: so it reads a copy, under a key
that stands for the version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from novaline.datasets.dataset import StoredVersion
from novaline.findings import NovalineError
from novaline.requests.resources import Resources
from novaline.runs.problems import error_code, explained
from novaline.runs.stored import Stored
from novaline.s3_uri import split_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

IN_PARTS_BYTES: Final = 256 << 20
"""From this size on a copy is made in parts, of which S3 computes no digest of the whole."""
ORIGIN: Final = "validated-version"
"""The metadata of a copy that holds the digest of the version that it is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A version of an object, and the key of the data bucket that its copy belongs under. `bytes` is its size.

    `sha256` is None where nobody has read it from start to end.
    """

    source: StoredVersion
    key: str
    sha256: str | None
    bytes: int


def copy_version(s3: S3Client, item: Copy, resources: Resources, *, report: Callable[[str], None]) -> Stored:
    """The copy; one that is there already is not made again.

    Raises NovalineError when S3 refuses, or when the version is not what was validated.
    """
    name = item.source.uri.rpartition("/")[2]
    found = _found(s3, item, resources)
    if found is not None:
        report(f"the copy of {name} is already there")
        return _stored(found, item, resources, sent=False)
    bucket, key = split_s3_uri(item.source.uri)
    source: CopySourceTypeDef = {"Bucket": bucket, "Key": key, "VersionId": item.source.version_id or ""}
    extra: dict[str, Any] = {
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": resources.key_arn,
        "ChecksumAlgorithm": "SHA256",
        "Metadata": {ORIGIN: item.source.digest},
        "MetadataDirective": "REPLACE",
        "TaggingDirective": "REPLACE",  # or else the copy needs the right to read tags
        "ExpectedBucketOwner": resources.account,
    }
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - the command line must start without boto3

    done = 0

    def copied(count: int) -> None:
        nonlocal done
        done += count
        report(f"copying {name} inside S3: {done * 100 // max(item.bytes, 1)} %")

    with explained(f"copying version {item.source.version_id} of {item.source.uri}"):
        whole = TransferConfig(multipart_threshold=IN_PARTS_BYTES)
        s3.copy(source, resources.data_bucket, item.key, ExtraArgs=extra, Callback=copied, Config=whole)
    made = _found(s3, item, resources)
    if made is None:
        message = f"the copy of {item.source.uri} in {resources.data_bucket} is not what was validated"
        raise NovalineError.of("wrong-copy", message, hint="validate the object again, and start again")
    return _stored(made, item, resources, sent=True)


def _found(s3: S3Client, item: Copy, resources: Resources) -> Any:  # noqa: ANN401 - HeadObject's answer
    """What HeadObject says of the copy; None when there is none, or one of something else or under another key."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - the command line must start without botocore

    with explained(f"looking for {item.key} in bucket {resources.data_bucket}"):
        try:
            head = s3.head_object(Bucket=resources.data_bucket, Key=item.key, ExpectedBucketOwner=resources.account)
        except ClientError as problem:
            if error_code(problem) in {"404", "NoSuchKey", "NotFound"}:
                return None
            raise
    same = head.get("Metadata", {}).get(ORIGIN) == item.source.digest and head["ContentLength"] == item.bytes
    return head if same and head.get("SSEKMSKeyId") == resources.key_arn else None


def _stored(head: Any, item: Copy, resources: Resources, *, sent: bool) -> Stored:  # noqa: ANN401 - likewise
    uri = f"s3://{resources.data_bucket}/{item.key}"
    return Stored(
        uri=uri, version_id=head.get("VersionId", ""), sha256=item.sha256, size=head["ContentLength"], sent=sent
    )
