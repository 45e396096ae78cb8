"""Which objects a preparation reads, at which version; and whether its output may be written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from re import compile as compile_pattern
from typing import TYPE_CHECKING, NoReturn

from novaline.datasets.prepare.request import check_reading
from novaline.datasets.readers.sources import Source, find_sources, source_of
from novaline.datasets.remote.parts import StoredFile
from novaline.datasets.remote.prepare_request import Options, Output, require_in_bucket
from novaline.datasets.splitting import SPLITS
from novaline.findings import Finding, NovalineError, UsageProblem
from novaline.s3_uri import join_s3_uri, split_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_WILD = "*?["


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSource:
    """An object of rows, at one version; its size is in bytes."""

    uri: str
    key: str
    version: str
    etag: str
    size: int

    def file(self, options: Options) -> StoredFile:
        """The object as it is cut: plain JSON Lines only, because nothing else has lines that stand for themselves."""
        source = named_source(self.uri, options)
        whole = source.kind != "jsonl" or source.compression is not None
        return StoredFile(key=self.key, version=self.version, size=self.size, whole=whole)


def named_source(uri: str, options: Options) -> Source:
    """The source that an object is; it was chosen because it is one."""
    source = source_of(uri, kind=options.kind)
    assert source is not None
    return source


class Bucket:
    """The objects of the data bucket, each at its newest version."""

    def __init__(self, s3: S3Client, name: str) -> None:
        self._s3 = s3
        self.name = name
        self.seen: dict[str, StoredSource] = {}

    def find(self, uri: str) -> list[str]:
        """The URIs that one stands for: an object itself, those below a folder, or those that match a pattern.

        Raises UsageProblem for another bucket's.
        """
        require_in_bucket(uri, bucket=self.name)
        _, key = split_s3_uri(uri)
        wild = min((place for sign in _WILD if (place := key.find(sign)) >= 0), default=-1)
        if wild < 0 and key and not key.endswith("/") and self.has(key):
            return [uri]
        prefix = key[:wild] if wild >= 0 else key if not key or key.endswith("/") else f"{key}/"
        pattern = compile_pattern(translate(key)) if wild >= 0 else None
        return [found.uri for found in self._below(prefix) if pattern is None or pattern.match(found.key)]

    def has(self, key: str) -> bool:
        """Whether there is an object of exactly this name."""
        return any(found.key == key for found in self._below(key))

    def _below(self, prefix: str) -> Iterator[StoredSource]:
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=prefix):
            for item in page.get("Versions", ()):
                if item["IsLatest"]:
                    found = StoredSource(
                        uri=join_s3_uri(self.name, item["Key"]),
                        key=item["Key"],
                        version=item["VersionId"],
                        etag=item["ETag"].strip('"'),
                        size=item["Size"],
                    )
                    self.seen[found.uri] = found
                    yield found


def find_stored(bucket: Bucket, named: Sequence[str], options: Options) -> tuple[StoredSource, ...]:
    """The objects that were named, in the order in which the local command reads them.

    Raises UsageProblem for a name that stands for nothing, and for an option that none of them heeds.
    """
    for name in named:
        require_in_bucket(name, bucket=bucket.name)
    sources = find_sources(named, s3=_nobody, kind=options.kind, objects=bucket.find)
    check_reading(options.reading, {source.kind for source in sources})
    return tuple(bucket.seen[source.uri] for source in sources)


def require_free(bucket: Bucket, output: Output, options: Options, sources: Iterable[StoredSource]) -> None:
    """Raises NovalineError when the output would replace what is read, or, without being told to, what is there."""
    keys = [*output.keys(options.request).values(), output.manifest_key]
    for source in sources:
        if source.key in keys:
            message = f"{source.uri} is read, and would be replaced"
            raise NovalineError.of("output-is-source", message, hint="name another --output")
    there = [key for key in dict.fromkeys(keys) if bucket.has(key)]
    if there and not options.overwrite:
        names = ", ".join(map(output.uri, there))
        hint = "add --overwrite to replace it, or name another --output"
        raise NovalineError.of("output-exists", f"already there: {names}", hint=hint)


def left_behind(bucket: Bucket, output: Output, options: Options) -> list[Finding]:
    """What to say of an earlier output's files that stay, as nothing is deleted: they would be taken for this one's."""
    if output.path.suffix:
        return []
    written = set(output.keys(options.request).values())
    others = [str(output.path / f"{name}.jsonl") for name in (*SPLITS, "eval")]
    return [
        Finding(
            code="left-from-before",
            severity="warning",
            message="this file is of an earlier output, and stays: it is no part of this one",
            file=output.uri(key),
            hint=f"delete it with `aws s3 rm {output.uri(key)}`",
        )
        for key in others
        if key not in written and bucket.has(key)
    ]


def _nobody() -> NoReturn:
    raise UsageProblem.of("not-in-s3", "only what lies in S3 can be prepared there")
