"""A file of lines in blocks, and any of its lines again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import BinaryIO

from novaline.datasets.engine.blocks import LONGEST_LINE, line_blocks


class LineFile:
    """Reads a file once, and remembers where its blocks began, so that single lines are soon found again.

    `bytes` and `number` are the bytes and the lines read so far.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lines: list[int] = []  # the number of each block's first line
        self._offsets: list[int] = []
        self.bytes = 0
        self.number = 0

    def blocks(self) -> Iterator[tuple[int, list[bytes] | None]]:
        """Lines without their newlines, with the first one's number, counted from 1; None for a line that is too long.

        Raises OSError when the file cannot be read.
        """
        for block in line_blocks(self._file):
            self._lines.append(self.number + 1)
            self._offsets.append(block.offset)
            self.bytes += block.size
            lines = None if block.too_long else bytes(block.view[:-1]).split(b"\n")
            first = self.number + 1
            self.number += 1 if lines is None else len(lines)
            yield first, lines

    def line(self, number: int) -> bytes:
        """The line with this number, counted from 1, again."""
        block = bisect_right(self._lines, number) - 1
        self._file.seek(self._offsets[block])
        for _ in range(number - self._lines[block]):
            self._file.readline(LONGEST_LINE)
        return self._file.readline(LONGEST_LINE).rstrip(b"\r\n")
