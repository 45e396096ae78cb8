"""JSON Lines: one value a line, whole blocks decoded at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.broken_lines import (
    BYTE_ORDER_MARK,
    UNREADABLE,
    file_flaw,
    line_flaw,
    may_repeat_keys,
    repeated_key,
)
from novaline.datasets.readers.batches import RecordBatch, Unreadable
from novaline.findings import NovalineError

BLOCK_BYTES = 1 << 20
"""Lines that end in one such block of a file are a batch."""
LONGEST_LINE = 64 << 20
"""Bytes of a line beyond which it is no row of anything that Nova can learn from."""

_NO_ROW = Flaw("unreadable-row", "the line holds neither an object nor a list")
_ENCODER = msgspec.json.Encoder()


def read_json_lines(stream: BinaryIO, *, source: str) -> Iterator[RecordBatch]:
    """The rows; blank lines are passed over, and lines that hold no object or list are told as unreadable.

    So are lines that repeat a key, of which only one value would be left. Raises NovalineError when the first line
    shows that the file is something else: UTF-16, compressed, a list of rows.
    """
    decoder = msgspec.json.Decoder()
    line, carry, first_block = 1, b"", True
    while block := stream.read(BLOCK_BYTES):
        if first_block:
            block, first_block = block.removeprefix(BYTE_ORDER_MARK), False
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
    except UNREADABLE:
        pass
    else:
        plain = len(rows) == lines and all(type(row) is dict or type(row) is list for row in rows)
        if plain and not _may_have_lost_keys(block, rows):
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
        except UNREADABLE as problem:
            if number == 1 and not isinstance(problem, RecursionError):
                _refuse_file(text, source=source)
            flaw, column = line_flaw(problem, text)
            unreadable.append(_unreadable(number, flaw, text, detail="" if column is None else f"byte {column:,}"))
            continue
        if not isinstance(row, dict | list):
            unreadable.append(_unreadable(number, _NO_ROW, text))
            continue
        twice = repeated_key(text) if may_repeat_keys(text) else None
        if twice is not None:
            unreadable.append(_unreadable(number, twice, text, detail=twice.detail))
            continue
        rows.append(row)
        numbers.append(number)
    return RecordBatch(source=source, unit="line", numbers=numbers, rows=rows, unreadable=tuple(unreadable))


def _may_have_lost_keys(block: bytes, rows: list[object]) -> bool:
    """Whether lines may have more keys than what is written of their rows.

    Colons are counted, which stand behind keys and in texts; one that is escaped in a text counts as a yes.
    """
    if block.find(b"\\") >= 0 and b"\\u003" in block:
        return True
    return block.count(b":") != _ENCODER.encode_lines(rows).count(b":")


def _refuse_file(first: bytes, *, source: str) -> None:
    """Raises NovalineError when the unreadable first line shows that none of the file's can be read."""
    flaw = file_flaw(first)
    if flaw is None:
        return
    if first.lstrip()[:1] == b"[":
        if first.rstrip()[-1:] not in (b"[", b","):
            return  # rows may be lists, and this is one that is broken
        flaw = Flaw(flaw.code, "the file begins with `[`: it is a list, not lines", hint="say `--kind json`")
    raise NovalineError.of(flaw.code, flaw.message, file=source, line=1, hint=flaw.hint)


def _unreadable(number: int, flaw: Flaw, text: bytes, *, detail: str = "") -> Unreadable:
    return Unreadable(
        number=number,
        code=flaw.code,
        message=flaw.message,
        excerpt=excerpt_of(text),
        detail=detail,
        hint=None if flaw.code == "unreadable-json" else flaw.hint,  # the validator's, about what it reads
    )


def excerpt_of(text: bytes) -> str:
    """The start of a line, to be shown."""
    return text[:400].decode("utf-8", errors="replace")[:200]


def _too_long(number: int, start: bytes, *, source: str) -> RecordBatch:
    flaw = Flaw("line-too-long", f"the line is longer than {LONGEST_LINE >> 20} MiB")
    return RecordBatch(source=source, unit="line", numbers=(), unreadable=(_unreadable(number, flaw, start),))


def _skip_line(stream: BinaryIO) -> bytes:
    """Reads to the end of the line and returns what was read of the next."""
    while block := stream.read(BLOCK_BYTES):
        end = block.find(b"\n") + 1
        if end:
            return block[end:]
    return b""
