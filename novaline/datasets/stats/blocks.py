"""A file of lines in blocks, and some of its lines again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from novaline.datasets.engine.blocks import line_blocks
from novaline.datasets.engine.files import DataFile


class LineFile:
    """Reads a file once. `bytes` and `number` are the bytes and the lines read so far."""

    def __init__(self, file: DataFile) -> None:
        self._file = file
        self.bytes = 0
        self.number = 0

    def blocks(self) -> Iterator[tuple[int, list[bytes] | None]]:
        """Lines without their newlines, with the first one's number, counted from 1; None for a line that is too long.

        Raises OSError when the file cannot be read, NovalineError when its compression is broken.
        """
        with self._file.open() as stream:
            for block in line_blocks(stream):
                self.bytes += block.size
                lines = None if block.too_long else bytes(block.view[:-1]).split(b"\n")
                first = self.number + 1
                self.number += 1 if lines is None else len(lines)
                yield first, lines

    def lines_from(self, places: Sequence[int], most: int) -> Iterator[tuple[int, bytes]]:
        """Up to `most` lines from each of these numbers on, in order, read once more. Raises as `blocks` does."""
        wanted = sorted({number for place in places for number in range(place, place + most)}, reverse=True)
        number = 1
        with self._file.open() as stream:
            for block in line_blocks(stream):
                count = 1 if block.too_long else block.buffer.count(b"\n", 0, block.length)
                if wanted and wanted[-1] < number + count and not block.too_long:
                    lines = bytes(block.view[:-1]).split(b"\n")
                    while wanted and wanted[-1] < number + count:
                        yield wanted[-1], lines[wanted.pop() - number]
                number += count
                while wanted and wanted[-1] < number:
                    wanted.pop()
                if not wanted:
                    return
