"""Admit a run, or refuse it with every reason: claim check, datasets, their validation and versions, budget, requests.

Input: ``{"run", "claim": {"uri", "version_id", "sha256"}}``, the execution's own input.
Output: what the workflow carries on with (see ``checks.admission``), a few kilobytes.
Errors: ``ClaimRefused``.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from nova_admit.checks import ClaimRefused, Settings, StoredObject, admission, parse_claim, refusals
from nova_admit.data_checks import inspected_key, is_data
from novaline.s3_uri import split_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@cache
def _s3() -> S3Client:
    import boto3  # noqa: PLC0415 - the runtime's own; imported when first needed

    return boto3.client("s3")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point."""
    return admit(event, settings=Settings.from_variables(os.environ), s3=_s3())


def admit(event: dict[str, Any], *, settings: Settings, s3: S3Client) -> dict[str, Any]:
    """Read the claim, ask S3 about every object that it names, and refuse or admit."""
    bucket, key = split_s3_uri(event["claim"]["uri"])
    if bucket != settings.artifact_bucket:
        msg = f"the claim lies in {bucket}; this environment reads claims from {settings.artifact_bucket} only"
        raise ClaimRefused(msg)
    body = s3.get_object(Bucket=bucket, Key=key, VersionId=event["claim"]["version_id"])["Body"].read()
    try:
        claim = parse_claim(body, run=event["run"], sha256=event["claim"]["sha256"])
        stored = {item["uri"]: _looked_up(item, settings=settings, s3=s3) for item in claim["objects"]}
        reasons = refusals(claim, stored=stored, settings=settings)
        if reasons:
            raise ClaimRefused("; ".join(reasons))
        return admission(claim)
    except (KeyError, TypeError, AttributeError, ValueError) as problem:
        msg = f"claim.json is not what `novaline run` writes: {type(problem).__name__}: {problem}"
        raise ClaimRefused(msg) from problem


def _looked_up(item: Mapping[str, Any], *, settings: Settings, s3: S3Client) -> StoredObject:
    """What S3 says of an object of the claim; of data also what lies beside it, and what its inspection found."""
    found = _stored(item["uri"], s3=s3)
    bucket, key = split_s3_uri(item["uri"])
    if not is_data(item["uri"], bucket=settings.data_bucket):
        return found
    # A channel reads every object whose name begins with the URI's: SageMaker calls that S3Prefix.
    named = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=3).get("Contents", ())]
    beside = sum(name != key for name in named)
    where = inspected_key(item)
    if where is None:
        return replace(found, beside=beside)
    try:
        answer = s3.get_object(Bucket=settings.artifact_bucket, Key=where)
    except s3.exceptions.NoSuchKey:
        return replace(found, beside=beside)
    return replace(found, beside=beside, inspected=json.loads(answer["Body"].read()))


def _stored(uri: str, *, s3: S3Client) -> StoredObject:
    """The newest version of the object, with the checksum that S3 computed when it was uploaded.

    Asked for with GetObject, whose body is not read, and not with HeadObject: an answer to HEAD has no body, so that a
    refusal could not say which role lacks which permission.
    """
    bucket, key = split_s3_uri(uri)
    try:
        found = s3.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    except s3.exceptions.NoSuchKey:
        return StoredObject(version_id=None, sha256=None, size=None)
    found["Body"].close()
    computed = _computed(found)
    return StoredObject(
        version_id=found["VersionId"],
        sha256=computed or found.get("Metadata", {}).get("sha256"),  # the latter is recorded beside a multipart upload
        size=found["ContentLength"],
        computed=computed is not None,
    )


def _computed(found: Any) -> str | None:  # noqa: ANN401 - GetObject's answer
    """S3's own digest of the whole object, in hex; None where it has only one of the parts."""
    checksum = found.get("ChecksumSHA256")
    if not checksum or "-" in checksum or found.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    return base64.b64decode(checksum).hex()
