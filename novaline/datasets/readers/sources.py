"""Which files a person means: paths, folders, patterns, `s3://` and `hf://`; and what kind each is, by its name."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal, get_args

from novaline.datasets.manifest import is_manifest
from novaline.datasets.readers.streams import Compression
from novaline.findings import UsageProblem

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Kind = Literal["jsonl", "json", "csv", "tsv", "parquet", "arrow", "hugging-face"]

_KINDS: dict[str, Kind] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
_COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd"}
_TABLES = ("parquet", "arrow")
_READ = "read are .jsonl, .json, .csv, .tsv (these also .gz and .zst), .parquet, .arrow and .feather"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file, object or dataset of rows. `uri` is how the person would name it."""

    uri: str
    kind: Kind
    compression: Compression | None = None

    @property
    def in_s3(self) -> bool:
        """Whether it is an object of S3."""
        return self.uri.startswith("s3://")


def source_of(uri: str, *, kind: Kind | None = None) -> Source | None:
    """The source that a name stands for, by its ending unless the kind is given; None when nobody can tell."""
    if uri.startswith("hf://"):
        return Source(uri=uri, kind="hugging-face")
    suffixes = [suffix.lower() for suffix in PurePosixPath(uri.replace("\\", "/")).suffixes[-2:]]
    compression = _COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    if compression is not None:
        suffixes.pop()
    found = kind or (_KINDS.get(suffixes[-1]) if suffixes else None)
    if found is None or (compression and found in _TABLES):  # tables are compressed inside
        return None
    return Source(uri=uri, kind=found, compression=compression)


def find_sources(
    named: Sequence[str],
    *,
    s3: Callable[[], S3Client],
    kind: Kind | None = None,
    objects: Callable[[str], Iterable[str]] | None = None,
) -> tuple[Source, ...]:
    """The sources that were named, each once, in the order of their names; of a folder those whose kind is known.

    `objects` finds what an `s3://` stands for, where it is not asked of S3 by `s3`. Raises UsageProblem for a name that
    stands for nothing, and NovalineError when S3 refuses.
    """
    found: dict[str, Source] = {}
    for name in named:
        if not name:
            raise UsageProblem.of("no-such-source", "the name of a source is empty", hint="is a variable not set?")
        if name.startswith("hf://"):
            uris, certain = [name], True
        elif name.startswith("s3://"):
            uris = sorted(_objects(s3, name) if objects is None else objects(name))
            certain = uris == [name]
        else:
            uris, certain = _local(name)
        sources = [
            source
            for uri in uris
            if (certain or not is_manifest(uri)) and (source := source_of(uri, kind=kind)) is not None
        ]
        if not sources:
            raise _nothing(name, uris, certain=certain)
        for source in sources:
            found.setdefault(_identity(source.uri), source)
    return tuple(found.values())


def _identity(uri: str) -> str:
    """What two names of one source have in common: links and `./` do not make another file of it."""
    return uri if "://" in uri else os.path.realpath(uri)


def _objects(s3: Callable[[], S3Client], name: str) -> Iterator[str]:
    from novaline.datasets.readers.s3_objects import find_objects  # noqa: PLC0415 - lazy as boto3

    return find_objects(s3(), name)


def _local(name: str) -> tuple[list[str], bool]:
    """The files that a local name stands for, and whether it names one file and nothing else."""
    path = Path(name)
    if path.is_dir():
        return sorted(_files_in(path)), False
    if path.exists():
        if not path.is_file():
            hint = "what is read may be read twice: write it to a file first"
            raise UsageProblem.of("not-a-file", f"{name} is no ordinary file", hint=hint)
        return [name], True
    return sorted(match for match in glob.glob(name, recursive=True) if Path(match).is_file()), False  # noqa: PTH207 - `Path.glob` takes no absolute patterns


def _files_in(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield str(path)


def _nothing(name: str, uris: Sequence[str], *, certain: bool) -> UsageProblem:
    if not uris:
        return UsageProblem.of("no-such-source", f"there is no file, folder or match for {name}")
    what = f"nobody can tell what kind of file {name} is" if certain else f"none of the files of {name} can be read"
    hint = f"{_READ}; or say `--kind`, one of {', '.join(get_args(Kind)[:-1])}"
    return UsageProblem.of("unknown-kind", what, hint=hint)
