"""What an environment knows of data in S3: whether an object's newest version was validated, and what was found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from novaline.customization.stored_data import DataRefused, FoundData, what_run_asks_for
from novaline.datasets.dataset import Dataset, StoredVersion
from novaline.datasets.remote.inspected import InspectedObject
from novaline.datasets.remote.places import object_key
from novaline.datasets.validated import RULE_SET
from novaline.findings import NovalineError
from novaline.runs.problems import error_code, explained
from novaline.s3_uri import join_s3_uri, split_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from novaline.requests.resources import Resources

_FIRST_BYTES: Final = 1 << 20
_LONGEST_ROW: Final = 16 << 20
"""Bytes of a line that the engine reads at most."""


class EnvironmentData:
    """Looks data up in the environment's own buckets, once for each object."""

    def __init__(self, s3: S3Client, resources: Resources) -> None:
        self._s3 = s3
        self._resources = resources

    def find(self, uri: str, *, rows_of: str, model: str) -> FoundData:
        """The newest version of the object, as the environment's inspection found it.

        Raises DataRefused when it lies elsewhere or was not validated like that, NovalineError when S3 refuses.
        """
        version, size = self._newest(uri)
        asked_for = what_run_asks_for(uri, rows_of=rows_of, model=model, environment=self._resources.environment)
        hint = f"validate it: `{asked_for}`"
        found = self._inspected(object_key(uri, version, rows_of=rows_of, model=model))
        if found is None:
            message = f"there is no report on version {version} of {uri}, its newest, as {rows_of} rows for {model}"
            raise DataRefused("not-validated", message, hint=hint)
        objections = list(found.validated.objections(rows_of=rows_of, model=model))
        if (found.uri, found.version_id, found.bytes) != (uri, version, size):
            objections.append(f"the report is on {found.bytes:,} bytes, and it has {size:,}")
        if objections:
            inspection = found.validated.inspection
            message = f"{uri} cannot be used: {'; '.join(objections)} (inspection {inspection})"
            if found.validated.rule_set < RULE_SET:
                hint = f"deploy the environment again, then {hint}"
            raise DataRefused("invalid-dataset" if found.validated.errors else "not-validated", message, hint=hint)
        dataset = Dataset(
            source=StoredVersion(uri=uri, version_id=version),
            sha256=found.sha256,
            bytes=found.bytes,
            rows=found.validated.rows,
            tokens=found.tokens,
            longest_row=found.longest_row,
            validated=found.validated,
            first_rows=self._first_rows(uri, version, size) if rows_of == "rft" else None,
        )
        return FoundData(dataset=dataset, media=frozenset(found.media))

    def _newest(self, uri: str) -> tuple[str, int]:
        """Version and size of the newest version."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - the command line must start without botocore

        place = self._resources
        bucket, key = split_s3_uri(uri)
        if bucket != place.data_bucket:
            message = f"{uri} is not in the data bucket of {place.environment}, which alone its jobs read"
            there = join_s3_uri(place.data_bucket, key)
            raise DataRefused("not-in-data-bucket", message, hint=f"`aws s3 cp {uri} {there}`, and name {there}")
        with explained(f"looking at {uri}"):
            try:
                head = self._s3.head_object(Bucket=bucket, Key=key, ExpectedBucketOwner=place.account)
            except ClientError as problem:
                if error_code(problem) in {"404", "NoSuchKey", "NotFound"}:
                    message = f"there is no object {uri}"
                    raise DataRefused("missing-dataset", message, hint=f"look: `aws s3 ls {uri}`") from None
                raise
        version = head.get("VersionId")
        if not version or version == "null":
            message = f"the bucket {bucket} keeps no versions, so a run cannot name what it was made of"
            raise NovalineError.of("unversioned-bucket", message, hint="deploy the environment again")
        return version, head["ContentLength"]

    def _inspected(self, key: str) -> InspectedObject | None:
        """What the last inspection says; None when there was none."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - the command line must start without botocore

        place = self._resources
        uri = join_s3_uri(place.artifact_bucket, key)
        with explained(f"reading {uri}"):
            try:
                answer = self._s3.get_object(Bucket=place.artifact_bucket, Key=key, ExpectedBucketOwner=place.account)
            except ClientError as problem:
                if error_code(problem) == "NoSuchKey":
                    return None
                raise
            content = answer["Body"].read()
        try:
            return InspectedObject.from_json(json.loads(content))
        except (ValueError, KeyError, TypeError) as problem:
            message = f"{uri} is no report of this version: {problem}"
            raise NovalineError.of("unreadable-report", message, hint="validate the object again") from None

    def _first_rows(self, uri: str, version: str, size: int) -> bytes:
        """The whole lines of the first megabyte; at least one."""
        bucket, key = split_s3_uri(uri)
        for most in (_FIRST_BYTES, _LONGEST_ROW):
            with explained(f"reading the first rows of {uri}"):
                answer = self._s3.get_object(
                    Bucket=bucket, Key=key, VersionId=version, Range=f"bytes=0-{min(most, size) - 1}"
                )
                content = answer["Body"].read()
            whole = content if len(content) == size else content[: content.rfind(b"\n") + 1]
            if whole:
                return whole
        raise NovalineError.of("line-too-long", f"the first row of {uri} is longer than {_LONGEST_ROW >> 20} MiB")
