"""A second look at the few lines that may repeat another one: what they say, hashed as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from novaline.datasets.engine.blocks import Block, line_blocks
from novaline.datasets.engine.files import DataFile
from novaline.datasets.engine.lines import LineReader
from novaline.datasets.engine.taking import records_of
from novaline.datasets.formats.broken_lines import BYTE_ORDER_MARK, UNREADABLE


def second_look(files: Sequence[DataFile], chosen: NDArray[np.uint8], reader: LineReader) -> Iterator[bytes]:
    """The records of the lines whose bit is set, their lines counted from 1 through all files.

    Raises OSError or NovalineError when a file cannot be read again.
    """
    line = 0
    for file in files:
        with file.open() as stream:
            for block in line_blocks(stream):
                lines = 1 if block.too_long else int(np.count_nonzero(_bytes(block) == 10))
                first = line // 8
                bits = np.unpackbits(chosen[first : (line + lines + 7) // 8], bitorder="little")
                places = np.flatnonzero(bits[line - 8 * first :][:lines])
                if len(places):
                    yield from _records(block, places, line + 1, reader)
                line += lines


def _records(block: Block, places: NDArray[np.intp], first: int, reader: LineReader) -> Iterator[bytes]:
    """The records of lines of one block: together where all have one fast shape."""
    ends = np.flatnonzero(_bytes(block) == 10)
    starts = np.concatenate((np.zeros(1, dtype=np.intp), ends[:-1] + 1))[places].tolist()
    pieces = [
        bytes(block.view[start:end]).removeprefix(BYTE_ORDER_MARK)
        for start, end in zip(starts, ends[places].tolist(), strict=True)
    ]
    lines = (places + first).tolist()
    for shape, decoder in reader.fast:
        try:
            rows = decoder.decode_lines(b"\n".join(pieces))
        except UNREADABLE:
            continue
        if len(rows) == len(pieces):
            yield records_of(shape.columns(rows), pieces, lines)
            return
    for line, piece in zip(lines, pieces, strict=True):
        said = reader.says(piece)
        if said is not None:
            yield records_of(said, [piece], [line])


def _bytes(block: Block) -> NDArray[np.uint8]:
    return np.frombuffer(block.buffer, dtype=np.uint8, count=block.length)
