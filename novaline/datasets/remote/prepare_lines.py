"""The lines of a range of an object, in the very batches in which the whole object would be read.

A batch of JSON Lines is made of the lines that end in one block of the file. So a range, which begins and ends with
blocks, has the lines that end in it: with the beginning of its first line, which lies before it, and without that of
the line after it. What is said of a batch then is the same however the object was cut.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, Final

from novaline.datasets.readers.batches import RecordBatch
from novaline.datasets.readers.json_lines import BLOCK_BYTES, LONGEST_LINE, read_json_lines
from novaline.datasets.remote.parts import Range

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_FIRST_LOOK: Final = 1 << 16


class LineRange:
    """The lines of a range that has a neighbour. `lines` counts them once `batches` has come to its end."""

    def __init__(self, file: BinaryIO, piece: Range, *, source: str) -> None:
        self._file = file
        self._piece = piece
        self._source = source
        self.lines = 0

    def batches(self) -> Iterator[RecordBatch]:
        """The rows, numbered from the first line of the range on. Raises whatever reading raises."""
        before = _line_before(self._file, self._piece.start)
        after = b"" if self._piece.last else _line_before(self._file, self._piece.end)
        end = self._piece.end - len(after or b"")
        self._file.seek(self._piece.start)
        content = _Counted(self._file, end - self._piece.start)
        buffered = io.BufferedReader(content, BLOCK_BYTES)
        filler, passed = b"", 0
        if self._piece.start:
            if before is None:  # inside a line that is too long, of which another range has told
                before = _after_line(buffered)
            else:
                passed = 1
            # Filled up to whole blocks with a blank line, so that all further blocks lie as they do in the object.
            filler = b" " * (BLOCK_BYTES - 1 - len(before) % BLOCK_BYTES) + b"\n"
        stream = io.BufferedReader(_Joined(filler + (before or b""), buffered), BLOCK_BYTES)
        whole = end - self._piece.start + len(before or b"") > 0
        for batch in read_json_lines(stream, source=self._source) if whole else ():
            yield shifted(batch, -passed)
        self.lines = content.newlines


def shifted(batch: RecordBatch, lines: int) -> RecordBatch:
    """The batch with so many lines more before it."""
    if not lines:
        return batch
    numbers: Sequence[int] = batch.numbers
    moved = (
        range(numbers.start + lines, numbers.stop + lines)
        if isinstance(numbers, range)
        else [number + lines for number in numbers]
    )
    unreadable = tuple(replace(bad, number=bad.number + lines) for bad in batch.unreadable)
    return replace(batch, numbers=moved, unreadable=unreadable)


def _line_before(file: BinaryIO, place: int) -> bytes | None:
    """The beginning of the line that a place is in; None where that is too long for a row."""
    found, at, step = b"", place, _FIRST_LOOK
    while at and len(found) <= LONGEST_LINE:
        start = max(0, at - step)
        file.seek(start)
        block = io.BufferedReader(_Counted(file, at - start), step).read()
        end = block.rfind(b"\n") + 1
        if end:
            found = block[end:] + found
            return found if len(found) <= LONGEST_LINE else None
        found, at, step = block + found, start, min(step * 4, LONGEST_LINE)
    return found if len(found) <= LONGEST_LINE else None


def _after_line(stream: io.BufferedReader[_Counted]) -> bytes:
    """Passes over the line that began earlier; returns what was read of the next one."""
    while block := stream.read(BLOCK_BYTES):
        end = block.find(b"\n") + 1
        if end:
            return block[end:]
    return b""


class _Counted(io.RawIOBase):
    """The next so many bytes of a file; their newlines are counted."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size
        self.newlines = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        block = self._file.read(min(len(memoryview(buffer)), self._left)) if self._left else b""
        memoryview(buffer)[: len(block)] = block
        self._left -= len(block)
        self.newlines += block.count(b"\n")
        return len(block)


class _Joined(io.RawIOBase):
    """Some bytes, and then a stream."""

    def __init__(self, first: bytes, then: io.BufferedReader[_Counted]) -> None:
        self._first = memoryview(first)
        self._then = then

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        block = self._first[: len(view)] if self._first else memoryview(self._then.read(len(view)))
        self._first = self._first[len(block) :] if self._first else self._first
        view[: len(block)] = block
        return len(block)
