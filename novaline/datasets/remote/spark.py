"""Validates a dataset in a Spark job (AWS Glue, EMR Serverless): `--source s3://… --format sft --report s3://…`.

The same parts, the same engine and the same report as an inspection in Lambda, without its limits: the parts are rows
of an RDD, and the driver merges what was found in them as it comes in. See docs/data-at-scale.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from novaline.datasets.remote import engine
from novaline.datasets.remote.listing import stored_files
from novaline.datasets.remote.parts import PART_BYTES, Part, Range, StoredFile, cut
from novaline.datasets.remote.s3_file import S3File
from novaline.s3_uri import join_s3_uri, split_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MakeS3 = Callable[[], "S3Client"]


class Rows(Protocol):
    """What is used of an RDD."""

    def map(self, f: Callable[[Any], Any], /) -> Rows: ...
    def toLocalIterator(self, *, prefetchPartitions: bool = ...) -> Iterator[Any]: ...  # noqa: N802, N803 - Spark's


class Context(Protocol):
    """What is used of a SparkContext."""

    def parallelize(self, c: Iterable[Any], numSlices: int | None = ..., /) -> Rows: ...  # noqa: N803 - Spark's name


def validate(
    context: Context,
    source: str,
    *,
    held_out: Sequence[str] = (),
    options: Mapping[str, Any],
    make_s3: MakeS3,
    part_bytes: int = PART_BYTES,
) -> dict[str, Any]:
    """The report of what lies at `source`; what is held out lies in the same bucket.

    Raises SourceRefused when there is nothing, msgspec.ValidationError for options that the engine does not have.
    """
    bucket, _ = split_s3_uri(source)
    s3 = make_s3()
    name_of = partial(join_s3_uri, bucket)
    parts = list(cut(stored_files(s3, source, bucket=bucket), part_bytes=part_bytes))
    asked = [file for uri in held_out for file in stored_files(s3, uri, bucket=bucket)]
    plan = engine.plan(
        options,
        [
            engine.HeldOutFile(name=name_of(file.key), size=file.size, opened=partial(_open, s3, bucket, file))
            for file in asked
        ],
    )
    inspect = partial(_inspect, bucket=bucket, plan=plan, make_s3=make_s3)
    found = context.parallelize(parts, len(parts)).map(inspect).toLocalIterator(prefetchPartitions=True)
    pieces = (
        engine.Found(range=piece, found=each)
        for part, inspected in zip(parts, found, strict=True)
        for piece, each in zip(part.ranges, inspected, strict=True)
    )
    return engine.merge(pieces, plan, name_of=name_of, opened=partial(_open, s3, bucket)).as_json()


def _inspect(part: Part, *, bucket: str, plan: bytes, make_s3: MakeS3) -> list[bytes]:
    """What was found in the ranges of a part; runs in an executor."""
    s3, found = make_s3(), []
    for piece in part.ranges:
        with _open(s3, bucket, piece) as file:
            found.append(engine.inspect(file, piece, plan))
    return found


def _open(s3: S3Client, bucket: str, stored: StoredFile | Range) -> BinaryIO:
    file = S3File(s3, bucket=bucket, key=stored.key, version=stored.version, size=stored.size)
    return cast("BinaryIO", file)


def _s3() -> S3Client:
    import boto3  # noqa: PLC0415 - what Glue and EMR bring along

    return boto3.client("s3")


def main(arguments: Sequence[str]) -> int:
    """The job: 0 when nothing is wrong that a training job would break on, otherwise 1."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - what Glue and EMR bring along

    parser = argparse.ArgumentParser(prog="novaline.datasets.remote.spark", description=__doc__)
    parser.add_argument("--source", required=True)
    parser.add_argument("--held-out", action="append", default=[])
    parser.add_argument("--format", required=True)
    parser.add_argument("--max-length", type=int)
    parser.add_argument("--no-sensitive", action="store_true")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--report", required=True, help="where the report goes: s3://bucket/key")
    given, _ = parser.parse_known_args(arguments)  # Glue adds arguments of its own
    options = {
        "format": given.format,
        "max_length": given.max_length,
        "sensitive": not given.no_sensitive,
        "strict": given.strict,
    }
    context = cast("Context", SparkSession.builder.getOrCreate().sparkContext)
    report = validate(context, given.source, held_out=given.held_out, options=options, make_s3=_s3)
    bucket, key = split_s3_uri(given.report)
    _s3().put_object(Bucket=bucket, Key=key, Body=json.dumps(report).encode())
    return 1 if report["errors"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
