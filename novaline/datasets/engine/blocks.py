"""Cuts a file, or a range of its bytes, into blocks of whole lines.

A line belongs to the range that holds its first byte, so ranges that cover a file cover every line once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import BinaryIO, Protocol, cast

from novaline.datasets.formats.broken_lines import BYTE_ORDER_MARK

BLOCK_BYTES = 1 << 20
LONGEST_LINE = 16 << 20
"""Bytes of a line that is still read. Longer ones are skipped without being held."""
_BEYOND = 16 << 10
_SHOWN = 1000
"""Bytes of such a line's beginning that are kept."""


class _Readable(Protocol):
    def readinto(self, buffer: memoryview, /) -> int | None: ...


@dataclass(slots=True)
class Block:
    """Whole lines, each ended by a newline: the first `length` bytes of `buffer`, which the next block overwrites.

    `offset` is where they start in the file. `size` are the bytes of them that the file has: one less than `length`
    where its last line had no newline, more where a line was too long to hold (`too_long`: only its beginning is here).
    """

    buffer: bytearray
    length: int
    offset: int
    size: int
    too_long: bool = False

    @property
    def view(self) -> memoryview:
        """The lines, without a copy."""
        return memoryview(self.buffer)[: self.length]


class BlockLines:
    """The lines of a block, cut apart when somebody asks for one."""

    def __init__(self, block: Block) -> None:
        self.block = block

    @cached_property
    def all(self) -> list[bytes]:
        """Each line, without its newline."""
        return bytes(self.block.view[:-1]).split(b"\n")

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((len(line) + 1 for line in self.all), initial=0))

    def row(self, index: int) -> bytes:
        """A line, without the byte order mark that may stand before the file's first one."""
        line = self.all[index]
        return line.removeprefix(BYTE_ORDER_MARK) if self.is_first(index) else line

    def offset(self, index: int) -> int:
        """Where a line starts in its file, in bytes."""
        return self.block.offset + self._starts[index]

    def is_first(self, index: int) -> bool:
        """Whether a line is the first one of its file."""
        return index == 0 and self.block.offset == 0


def line_blocks(
    file: BinaryIO,
    start: int = 0,
    end: int | None = None,
    *,
    size: int = BLOCK_BYTES,
    part: int | None = None,
    read: Callable[[memoryview], None] | None = None,
    buffer: bytearray | None = None,
) -> Iterator[Block]:
    """Blocks of the lines that start in the bytes from `start` up to `end`; None is the end of the file.

    `file` must be able to seek when `start` is not 0, and stands at its beginning when it is. All lines of a block
    start in the same `part`: bytes from a multiple of it up to the next. `read` is told all bytes that are read, in
    their order. `buffer` is one to use; a fresh one costs as much as reading a megabyte.
    """
    return _Cutter(file, end, size=size, part=part, read=read, buffer=buffer).blocks(start)


def new_buffer() -> bytearray:
    """A buffer for several calls of `line_blocks`, one after the other."""
    return bytearray(2 * BLOCK_BYTES)


class _Cutter:
    """One pass over one range. `position` is where the first byte of the buffer stands in the file."""

    def __init__(
        self,
        file: BinaryIO,
        end: int | None,
        *,
        size: int,
        part: int | None,
        read: Callable[[memoryview], None] | None,
        buffer: bytearray | None,
    ) -> None:
        self._file = cast("_Readable", file)
        self._seek = file.seek
        self._end = end
        self._part = part
        self._read = read
        self._size = size
        self._buffer = bytearray(2 * size) if buffer is None or len(buffer) < 2 * size else buffer
        self._filled = 0
        self._position = 0

    def blocks(self, start: int) -> Iterator[Block]:
        if start:
            self._seek(start - 1)
            self._position = start - 1
            self._skip_line()
        while self._end is None or self._position < self._end:
            more = self._fill()
            cut = self._cut()
            if cut:
                while cut and (self._end is None or self._position < self._end):
                    yield Block(self._buffer, cut, self._position, cut)
                    self._drop(cut)
                    cut = self._cut()
            elif not more:
                if self._filled:
                    yield self._last()
                return
            elif self._filled > LONGEST_LINE:
                yield self._too_long()

    def _fill(self) -> bool:
        """Reads one block's worth; False at the end of the file."""
        wanted = self._size
        if self._end is not None:  # no more than the last line needs is read beyond the end
            wanted = min(wanted, max(self._end - self._position - self._filled, 0) + _BEYOND)
        if len(self._buffer) < self._filled + wanted:
            larger = bytearray(2 * len(self._buffer))
            larger[: self._filled] = memoryview(self._buffer)[: self._filled]
            self._buffer = larger
        with memoryview(self._buffer) as view:
            read = self._file.readinto(view[self._filled : self._filled + wanted])
            if read and self._read is not None:
                self._read(view[self._filled : self._filled + read])
        self._filled += read or 0
        return bool(read)

    def _cut(self) -> int:
        """Bytes of the complete lines in the buffer that belong to the range."""
        end = self._end
        if self._part is not None:
            end_of_part = (self._position // self._part + 1) * self._part
            end = end_of_part if end is None else min(end, end_of_part)
        if end is None or self._position + self._filled <= end:
            return self._buffer.rfind(b"\n", 0, self._filled) + 1
        last = end - 1 - self._position
        return self._buffer.find(b"\n", last, self._filled) + 1 or self._buffer.rfind(b"\n", 0, last) + 1

    def _drop(self, count: int) -> None:
        rest = self._filled - count
        if len(self._buffer) > 4 * self._size and rest <= self._size:
            self._buffer = self._buffer[count : self._filled] + bytearray(2 * self._size)
        else:
            with memoryview(self._buffer) as view:
                view[:rest] = bytes(view[count : self._filled])
        self._filled = rest
        self._position += count

    def _last(self) -> Block:
        """The last line, which has no newline: it gets one."""
        block = Block(self._buffer, self._filled + 1, self._position, self._filled)
        self._buffer[self._filled : self._filled + 1] = b"\n"
        self._position += self._filled
        self._filled = 0
        return block

    def _too_long(self) -> Block:
        start, beginning = self._position, self._buffer[: min(self._filled, _SHOWN)] + b"\n"
        self._skip_line()
        return Block(beginning, len(beginning), start, self._position - start, too_long=True)

    def _skip_line(self) -> None:
        """Drops everything up to the next newline, and that."""
        while True:
            found = self._buffer.find(b"\n", 0, self._filled) + 1
            self._drop(found or self._filled)
            if found or not self._fill():
                return
