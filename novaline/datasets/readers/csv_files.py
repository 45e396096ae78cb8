"""CSV and TSV: strict about quotes, because a quote that is never closed swallows rows without a word.

The standard library's reader, in C, tells exactly that, needs no extra, and knows every row's line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO, Literal

from novaline.datasets.readers.batches import BATCH_ROWS, ColumnBatch, Unreadable
from novaline.findings import NovalineError

_LONGEST_FIELD = 64 << 20
_BLOCK_BYTES = 1 << 18
_LINE_END = re.compile(r"\r\n|\r|\n")


def read_csv(
    stream: BinaryIO, *, source: str, delimiter: str = ",", header: bool = True, quotes: bool = True
) -> Iterator[ColumnBatch]:
    """The rows. Without a header the columns' names are their places, from 0.

    Rows of another length than the header's are unreadable. Raises NovalineError for quotes that do not match, for
    text that is not UTF-8 and for a header that names a column twice.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    text = io.TextIOWrapper(_InBlocks(stream), encoding="utf-8-sig", newline="")  # type: ignore[type-var]  # nobody asks for its name
    quote = '"' if quotes else None
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    reader = csv.reader(text, delimiter=delimiter, strict=True, quotechar=quote, quoting=quoting)
    line = 1
    names: list[str] | None = None
    while True:
        try:
            rows = list(islice(reader, BATCH_ROWS if names else 1))
        except csv.Error as problem:
            raise _unmatched(problem, source=source, line=reader.line_num, quotes=quotes) from None
        except UnicodeDecodeError as problem:
            raise _not_utf8(problem, source=source, line=reader.line_num) from None
        if not rows:
            return
        after = reader.line_num + 1
        if names is not None:
            yield _batch(rows, names, source=source, lines=_lines(rows, line, after))
        elif rows[0]:
            names = _names(rows[0], source=source, line=line) if header else list(map(str, range(len(rows[0]))))
            if not header:
                yield _batch(rows, names, source=source, lines=[line])
        line = after


class _InBlocks(io.BufferedIOBase):
    """A stream that is read in large blocks, however little the text layer asks for: it asks for 8 KiB."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        """Yes."""
        return True

    def read1(self, size: int = -1, /) -> bytes:
        """The next block."""
        return self._stream.read(_BLOCK_BYTES)


def _batch(rows: list[list[str]], names: Sequence[str], *, source: str, lines: Sequence[int]) -> ColumnBatch:
    width = len(names)
    unreadable: list[Unreadable] = []
    if set(map(len, rows)) != {width}:
        numbered = [(line, row) for line, row in zip(lines, rows, strict=True) if row]
        unreadable = [_wrong_width(line, row, width) for line, row in numbered if len(row) != width]
        right = [(line, row) for line, row in numbered if len(row) == width]
        lines, rows = [line for line, _ in right], [row for _, row in right]
    values = list(zip(*rows, strict=True)) if rows else [()] * width
    columns = dict(zip(names, values, strict=True))
    return ColumnBatch(source=source, unit="line", numbers=lines, columns=columns, unreadable=tuple(unreadable))


def _lines(rows: Sequence[Sequence[str]], first: int, after: int) -> Sequence[int]:
    """The line on which each row begins."""
    if after - first == len(rows):
        return range(first, after)
    lines = []
    for row in rows:
        lines.append(first)
        first += 1 + sum(len(_LINE_END.findall(field)) for field in row)
    return lines


def _names(row: Sequence[str], *, source: str, line: int) -> list[str]:
    names = [name.strip() for name in row]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        hint = "rename one of the columns; for a file without a header there is --no-header"
        raise NovalineError.of(
            "column-twice", f"the header names the column {twice!r} twice", file=source, line=line, hint=hint
        )
    return names


def _wrong_width(line: int, row: Sequence[str], width: int) -> Unreadable:
    return Unreadable(
        number=line,
        code="wrong-width",
        message=f"the row has not the header's {width} fields (a text that holds the delimiter must stand in quotes)",
        excerpt=",".join(row)[:200],
    )


def _unmatched(problem: csv.Error, *, source: str, line: int, quotes: bool) -> NovalineError:
    hint = 'write " inside a quoted text as ""' + (", or read the file with --no-quotes" if quotes else "")
    message = f"the quotes do not match in the row that ends here: {problem}"
    return NovalineError.of("unmatched-quotes", message, file=source, line=max(line, 1), hint=hint)


def _not_utf8(problem: UnicodeDecodeError, *, source: str, line: int) -> NovalineError:
    utf16 = line == 0 and problem.object[:2] in (b"\xff\xfe", b"\xfe\xff")
    what = "UTF-16" if utf16 else f"not UTF-8: byte 0x{problem.object[problem.start]:02x}, after this line"
    message = f"the file is {what}"
    return NovalineError.of("not-utf-8", message, file=source, line=max(line, 1), hint="save the file as UTF-8")
