"""Inspect datasets in S3: list them and cut them into parts, inspect one part, merge what was found.

Each handler is a function of its own, with its own role. What is large goes through the artifact bucket.
Errors: ``SourceRefused`` (what was named cannot be inspected), ``ValidationError`` (of the options), those of S3.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from novaline.datasets.remote import engine
from novaline.datasets.remote.inspected import MOST_INDEXED, InspectedObject
from novaline.datasets.remote.listing import stored_files
from novaline.datasets.remote.parts import (
    Part,
    Range,
    StoredFile,
    cut,
    list_of,
    part_bytes_for,
    parts_of,
)
from novaline.datasets.remote.places import partial_key, parts_key, plan_key, report_key
from novaline.datasets.remote.s3_file import S3File
from novaline.datasets.report import Report
from novaline.datasets.validated import Validated
from novaline.s3_uri import join_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The buckets of the environment and the client for them."""

    s3: S3Client
    data_bucket: str
    artifact_bucket: str

    def read(self, key: str, *, version: str | None = None) -> bytes:
        """An object of the artifact bucket; its newest version unless one is named."""
        named = {"Bucket": self.artifact_bucket, "Key": key}
        if version is not None:
            named["VersionId"] = version
        return self.s3.get_object(**named)["Body"].read()  # type: ignore[arg-type]  # boto3's stubs know no such dict

    def find(self, source: str) -> tuple[StoredFile, ...]:
        """The objects of the data bucket that a source means."""
        return stored_files(self.s3, source, bucket=self.data_bucket)

    def open(self, stored: StoredFile | Range) -> BinaryIO:
        """An object of the data bucket, at the version that was listed."""
        file = S3File(self.s3, bucket=self.data_bucket, key=stored.key, version=stored.version, size=stored.size)
        return cast("BinaryIO", file)

    def write(self, key: str, content: bytes) -> str:
        """Write an object of the artifact bucket, under the bucket's own key; returns its version."""
        return self.s3.put_object(Bucket=self.artifact_bucket, Key=key, Body=content)["VersionId"]


@cache
def _stores() -> Stores:
    import boto3  # noqa: PLC0415 - the runtime's own; imported when first needed

    return Stores(
        s3=boto3.client("s3"),
        data_bucket=os.environ["DATA_BUCKET"],
        artifact_bucket=os.environ["ARTIFACT_BUCKET"],
    )


def list_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: the execution's input → where the list of parts is."""
    return list_parts(event, _stores())


def inspect_handler(event: Mapping[str, Any], context: object) -> int:
    """Lambda entry point: ``{"inspection", "part"}`` → the part's number."""
    return inspect_part(event, _stores())


def merge_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: the execution's input and ``listed`` → ``{"report", "rows", "errors", "warnings"}``."""
    return merge_parts(event, _stores())


def list_parts(event: Mapping[str, Any], stores: Stores) -> dict[str, Any]:
    """Find the newest version of each object that the sources mean, cut them, and write the list of parts and the plan.

    What is held out is read here, once, and not as parts of its own: the plan knows what it asks.
    """
    inspection = event["inspection"]
    files = [file for source in event["sources"] for file in stores.find(source)]
    held_out = [file for source in event.get("held_out", ()) for file in stores.find(source)]
    stores.write(plan_key(inspection), engine.plan(event["options"], [_held_out(file, stores) for file in held_out]))
    total = sum(file.size for file in files)
    parts = list(cut(files, part_bytes=event.get("part_bytes") or part_bytes_for(total)))
    key = parts_key(inspection)
    version = stores.write(key, list_of(parts))
    return {"key": key, "version": version, "parts": len(parts), "files": len(files), "bytes": total}


def inspect_part(event: Mapping[str, Any], stores: Stores) -> int:
    """Validate the ranges of a part, and write what was found."""
    part, plan = Part.from_json(event["part"]), stores.read(plan_key(event["inspection"]))
    found = []
    for piece in part.ranges:
        with stores.open(piece) as file:
            found.append(engine.inspect(file, piece, plan))
    stores.write(partial_key(event["inspection"], part.number), engine.packed(found))
    return part.number


def merge_parts(event: Mapping[str, Any], stores: Stores) -> dict[str, Any]:
    """Merge what was found in all parts, in the order of files and bytes, and write the report.

    Of few objects, each gets a document as well by which a run finds the report of exactly its version.
    """
    listed, inspection = event["listed"], event["inspection"]
    parts = parts_of(stores.read(listed["key"], version=listed["version"]))
    report = engine.merge(
        _found(parts, inspection, stores),
        stores.read(plan_key(inspection)),
        name_of=partial(join_s3_uri, stores.data_bucket),
        opened=stores.open,
    )
    said = report.as_json()
    versions = {join_s3_uri(stores.data_bucket, piece.key): piece.version for part in parts for piece in part.ranges}
    document = {**said, "inspection": inspection, "versions": versions}
    key = report_key(inspection)
    stores.write(key, json.dumps(document).encode())
    if len(versions) <= MOST_INDEXED:
        for found in _inspected(report, versions, event):
            stores.write(found.key, json.dumps(found.as_json()).encode())
    told = {name: said[name] for name in ("rows", "errors", "warnings")}
    return {"report": join_s3_uri(stores.artifact_bucket, key), **told}


def _inspected(report: Report, versions: Mapping[str, str], event: Mapping[str, Any]) -> Iterator[InspectedObject]:
    """What is to be said of each object by itself."""
    model, errors = event["options"].get("model"), len(report.errors)
    for file in report.files:
        yield InspectedObject(
            uri=file.path,
            version_id=versions[file.path],
            bytes=file.bytes,
            sha256=file.sha256,
            tokens=report.tokens,
            longest_row=report.longest_row,
            media=tuple(report.media),
            validated=Validated(
                format=report.format,
                model=None if model is None else model["name"],
                rows=file.rows,
                errors=errors,
                warnings=len(report.findings) - errors,
                inspection=event["inspection"],
            ),
        )


def _held_out(file: StoredFile, stores: Stores) -> engine.HeldOutFile:
    name = join_s3_uri(stores.data_bucket, file.key)
    return engine.HeldOutFile(name=name, size=file.size, opened=partial(stores.open, file))


def _found(parts: tuple[Part, ...], inspection: str, stores: Stores) -> Iterator[engine.Found]:
    for part in parts:
        pieces = engine.unpacked(stores.read(partial_key(inspection, part.number)))
        for piece, found in zip(part.ranges, pieces, strict=True):
            yield engine.Found(range=piece, found=found)
