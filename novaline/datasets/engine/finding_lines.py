"""Finds lines of a dataset again by their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from novaline.datasets.engine.blocks import line_blocks
from novaline.datasets.engine.files import DataFile


def find_lines(files: Sequence[DataFile], wanted: set[int]) -> dict[int, tuple[int, bytes]]:
    """The wanted lines, counted from 1 through all files: where each starts in its file, and its bytes.

    Raises OSError or NovalineError when a file cannot be read again.
    """
    found: dict[int, tuple[int, bytes]] = {}
    left, before = sorted(wanted, reverse=True), 0
    for file in files:
        if not left:
            break
        with file.open() as stream:
            for block in line_blocks(stream):
                lines = 1 if block.too_long else block.buffer.count(b"\n", 0, block.length)
                if left and left[-1] <= before + lines:
                    pieces, offset = bytes(block.view[:-1]).split(b"\n"), block.offset
                    for number, piece in enumerate(pieces, before + 1):
                        if left and left[-1] == number:
                            found[left.pop()] = (offset, piece)
                        offset += len(piece) + 1
                before += lines
                if not left:
                    break
    return found
