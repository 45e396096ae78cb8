"""JSON Lines: one value a line, whole blocks decoded at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from novaline.datasets.readers.batches import RecordBatch, Unreadable

_BLOCK_BYTES = 1 << 20
LONGEST_LINE = 64 << 20
"""Bytes of a line beyond which it is no row of anything that Nova can learn from."""

_BOM = b"\xef\xbb\xbf"


def read_json_lines(stream: BinaryIO, *, source: str) -> Iterator[RecordBatch]:
    """The rows; blank lines are passed over, and lines that hold no object or list are told as unreadable."""
    decoder = msgspec.json.Decoder()
    line, carry, first_block = 1, b"", True
    while block := stream.read(_BLOCK_BYTES):
        if first_block:
            block, first_block = block.removeprefix(_BOM), False
        end = block.rfind(b"\n") + 1
        if not end:
            carry += block
            if len(carry) > LONGEST_LINE:
                yield _too_long(line, carry, source=source)
                carry = _skip_line(stream)
                line += 1
            continue
        whole, carry = carry + block[:end], block[end:]
        batch, lines = _batch(whole, line=line, source=source, decoder=decoder)
        line += lines
        yield batch
    if carry:
        yield _batch(carry, line=line, source=source, decoder=decoder)[0]


def _batch(block: bytes, *, line: int, source: str, decoder: msgspec.json.Decoder[object]) -> tuple[RecordBatch, int]:
    """The rows of whole lines of which the first has the number `line`, and how many lines they are."""
    lines = block.count(b"\n")
    try:
        rows = decoder.decode_lines(block)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    else:
        if len(rows) == lines and all(type(row) is dict or type(row) is list for row in rows):
            return RecordBatch(source=source, unit="line", numbers=range(line, line + lines), rows=rows), lines
    return _line_by_line(block, line=line, source=source, decoder=decoder), lines


def _line_by_line(block: bytes, *, line: int, source: str, decoder: msgspec.json.Decoder[object]) -> RecordBatch:
    rows: list[object] = []
    numbers: list[int] = []
    unreadable: list[Unreadable] = []
    for number, text in enumerate(block.split(b"\n"), start=line):
        if not text or text.isspace():
            continue
        try:
            row = decoder.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            what = "is nested too deeply" if isinstance(problem, RecursionError) else f"is not JSON: {problem}"
            unreadable.append(_unreadable(number, f"the line {what}", text))
            continue
        if not isinstance(row, dict | list):
            unreadable.append(_unreadable(number, "the line holds neither an object nor a list", text))
            continue
        rows.append(row)
        numbers.append(number)
    return RecordBatch(source=source, unit="line", numbers=numbers, rows=rows, unreadable=tuple(unreadable))


def _unreadable(number: int, message: str, text: bytes) -> Unreadable:
    return Unreadable(number=number, code="unreadable-row", message=message, excerpt=excerpt_of(text))


def excerpt_of(text: bytes) -> str:
    """The start of a line, to be shown."""
    return text[:400].decode("utf-8", errors="replace")[:200]


def _too_long(number: int, start: bytes, *, source: str) -> RecordBatch:
    message = f"the line is longer than {LONGEST_LINE >> 20} MiB"
    return RecordBatch(source=source, unit="line", numbers=(), unreadable=(_unreadable(number, message, start),))


def _skip_line(stream: BinaryIO) -> bytes:
    """Reads to the end of the line and returns what was read of the next."""
    while block := stream.read(_BLOCK_BYTES):
        end = block.find(b"\n") + 1
        if end:
            return block[end:]
    return b""
