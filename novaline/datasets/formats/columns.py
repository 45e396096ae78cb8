"""Questions to whole columns of texts, answered at the speed of the interpreter's own loops."""

from __future__ import annotations

from collections.abc import Sequence


def blank_rows(*columns: Sequence[str] | None) -> tuple[int, ...]:
    """The indexes of rows with a text of white space only in one of the columns, sorted. The empty text is none."""
    found: set[int] = set()
    for column in columns:
        if column is not None and any(map(str.isspace, column)):
            found.update(index for index, text in enumerate(column) if text.isspace())
    return tuple(sorted(found))


def equal_rows(one: Sequence[str], other: Sequence[str]) -> tuple[int, ...]:
    """The indexes of rows whose two texts are the same."""
    return tuple(index for index, (left, right) in enumerate(zip(one, other, strict=True)) if left == right)
