"""Bytes of a source on their way: hashed as they are stored, and decompressed."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Literal

from novaline.datasets.readers.arrow_files import pyarrow
from novaline.findings import NovalineError

Compression = Literal["gzip", "zstd"]

_BLOCK_BYTES = 1 << 20


class HashingStream(io.RawIOBase):
    """A stream that is read from start to end and hashed on the way."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # what io asks for in practice
        """Reads on. Returns the bytes that were read, 0 at the end."""
        block = self._source.read(len(buffer))
        buffer[: len(block)] = block
        self._digest.update(block)
        self.size += len(block)
        return len(block)

    def finish(self) -> str:
        """The SHA-256 of the whole source, of which nothing may be left unread."""
        while self.read(_BLOCK_BYTES):
            pass
        return self._digest.hexdigest()

    def close(self) -> None:
        """Closes the source too."""
        self._source.close()
        super().close()


def hash_file(open_file: Callable[[], BinaryIO]) -> tuple[str, int]:
    """SHA-256 and size in bytes of a file that is read elsewhere and not in order."""
    with HashingStream(open_file()) as stream:
        return stream.finish(), stream.size


@contextmanager
def decompressed(stream: HashingStream, compression: Compression | None, *, source: str) -> Iterator[BinaryIO]:
    """The stream's content. Raises NovalineError when it is broken off, or not what it is called."""
    buffered = io.BufferedReader(stream, _BLOCK_BYTES)
    if compression is None:
        yield buffered
        return
    try:
        if compression == "gzip":
            with gzip.GzipFile(fileobj=buffered) as content:
                yield content  # type: ignore[misc]  # a BinaryIO in all but name
        else:
            with _Zstd(buffered) as frames:
                yield io.BufferedReader(frames, _BLOCK_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile, BrokenCompression) as problem:
        cut = isinstance(problem, EOFError) or "truncated" in str(problem).lower()
        what = "breaks off: it is not whole" if cut else f"is not {compression}, or is damaged: {problem}"
        hint = "fetch or compress it again"
        raise NovalineError.of("broken-compression", f"the compressed file {what}", file=source, hint=hint) from None


class BrokenCompression(Exception):
    """What zstd cannot decompress."""


class _Zstd(io.RawIOBase):
    """Zstandard by pyarrow, whose refusals are OSErrors that would look like the disk's."""

    def __init__(self, source: io.BufferedReader[HashingStream]) -> None:
        arrow = pyarrow(needed_for="Zstandard")
        self._content = arrow.CompressedInputStream(arrow.PythonFile(source, mode="r"), "zstd")

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # what io asks for in practice
        """Reads on. Raises BrokenCompression."""
        try:
            block: bytes = self._content.read(len(buffer))
        except OSError as problem:
            raise BrokenCompression(str(problem)) from None
        buffer[: len(block)] = block
        return len(block)
