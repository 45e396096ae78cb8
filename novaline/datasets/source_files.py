"""The files that a person names, as `novaline.datasets.validate` reads them: local, compressed, in S3."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from novaline.datasets.engine.files import DataFile, LocalFile, state_of
from novaline.datasets.readers.sources import Source, find_sources
from novaline.datasets.readers.streams import HashingStream, decompressed
from novaline.findings import UsageProblem

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from novaline.datasets.readers.s3_objects import ObjectVersion


def data_files(named: Sequence[str], *, s3: Callable[[], S3Client]) -> list[DataFile]:
    """The files that names stand for: paths, folders, patterns, `s3://`.

    Raises UsageProblem for a name that stands for nothing, or for a file that is none of lines of JSON.
    """
    try:
        sources = find_sources(named, s3=s3)
    except UsageProblem as problem:
        if problem.findings[0].code != "unknown-kind":
            raise
        hint = "lines of JSON have a name that ends in .jsonl, .jsonl.gz or .jsonl.zst: give the file such a name"
        raise UsageProblem([replace(finding, hint=hint) for finding in problem.findings]) from None
    return [_file(source, s3) for source in sources]


@dataclass(slots=True)
class StreamedFile:
    """A file that can only be read from its start to its end: a compressed one, or an object of S3.

    Of an object it is always the version that was the newest when it was opened first.
    """

    source: Source
    s3: Callable[[], S3Client]
    _version: ObjectVersion | None = None

    @property
    def name(self) -> str:
        """How the person would name it."""
        return self.source.uri

    def state(self) -> object:
        """What is another one when the file has changed; None of an object's version, which does not."""
        return None if self.source.in_s3 else state_of(Path(self.source.uri))

    @property
    def size(self) -> None:
        """Nobody knows before the end."""
        return

    def open(self) -> BinaryIO:
        """Its content. Raises OSError or NovalineError; reading from it raises NovalineError for broken compression."""
        stack = ExitStack()
        if self.source.in_s3:
            from novaline.datasets.readers.s3_objects import ObjectFile, ObjectVersion  # noqa: PLC0415 - boto3, for S3 only

            self._version = self._version or ObjectVersion.newest(self.s3(), self.source.uri)
            raw = cast("BinaryIO", ObjectFile(self.s3(), self.source.uri, version=self._version))
        else:
            raw = Path(self.source.uri).open("rb")  # noqa: SIM115 - closed by the stream
        stream = stack.enter_context(HashingStream(raw))
        content = stack.enter_context(decompressed(stream, self.source.compression, source=self.source.uri))
        return cast("BinaryIO", _Content(content, stack))


class _Content(io.RawIOBase):
    """A content with all that must be closed behind it, which explains its own failures."""

    def __init__(self, content: BinaryIO, stack: ExitStack) -> None:
        self._content = cast("io.BufferedIOBase", content)
        self._stack = stack

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what io asks for in practice
        try:
            return self._content.readinto(buffer)
        except Exception:
            self._stack.__exit__(*sys.exc_info())  # raises what explains it
            raise

    def close(self) -> None:
        self._stack.close()
        super().close()


def _file(source: Source, s3: Callable[[], S3Client]) -> DataFile:
    if source.kind != "jsonl":
        message = f"{source.uri} is {source.kind}: Nova takes lines of JSON (.jsonl)"
        hint = f"make them of it: `novaline data prepare {source.uri} --to … --output …`"
        raise UsageProblem.of("not-lines", message, hint=hint)
    if source.in_s3 or source.compression is not None:
        return StreamedFile(source, s3)
    return LocalFile(Path(source.uri))
