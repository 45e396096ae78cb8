"""Rows that were read together, as columns: what every reader yields and nobody has to know the file's kind for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from novaline.findings import NovalineError, nearest

BATCH_ROWS = 2048
"""Rows in a batch where a reader may choose: enough to spread a batch's cost, few enough to hold at once."""

_MOST_NAMED = 20
_LONGEST_NAME = 40
"""Characters of a column's name that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A line or record of a source that holds no row. `number` counts from 1, in the batch's unit.

    `detail` is what others with the same code and message may have differently.
    """

    number: int
    code: str
    message: str
    excerpt: str
    detail: str = ""
    hint: str | None = None


class MissingColumn(NovalineError):
    """A batch was asked for a column that no row of it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(ABC):
    """Rows of one source. A subclass knows how they are held.

    `numbers` are the rows' own numbers from 1, counted in `unit`: lines of a text file, rows of a table.
    """

    source: str
    unit: str
    numbers: Sequence[int]
    unreadable: tuple[Unreadable, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The columns' names, as far as they can be known."""

    @abstractmethod
    def column(self, name: str) -> Sequence[object]:
        """The values of a column, None where a row has none. Raises MissingColumn when the batch has no such column."""

    @abstractmethod
    def row(self, index: int) -> object:
        """One row as it was read, to be shown."""

    def _missing(self, name: str) -> MissingColumn:
        names = self.names
        shown = shown_names(names)
        close = nearest(name, names)
        return MissingColumn.of(
            "missing-column",
            f"there is no column {name!r}; there is {shown or 'none'}",
            file=self.source,
            hint=f"did you mean {close}?" if close else "name the column with `--map role=column`",
        )


def shown_names(names: Sequence[str]) -> str:
    """The first columns' names for a message, each as long as a name is; empty for none."""
    named = [name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in names[:_MOST_NAMED]]
    return ", ".join([*named, "…"] if len(names) > _MOST_NAMED else named)


class TableBatch(Batch):
    """Rows of a table. A column may be asked for by name, by its place from 0, or by a path into its objects."""

    __slots__ = ()

    @abstractmethod
    def values(self, name: str) -> Sequence[object]:
        """The values of a column that the table has."""

    def column(self, name: str) -> Sequence[object]:
        """The values of a column by name, by place (`0`), or by a path into objects (`answer.text`)."""
        names = self.names
        if name in names:
            return self.values(name)
        if name.isdecimal() and int(name) < len(names):
            return self.values(names[int(name)])
        first, _, rest = name.partition(".")
        if rest and first in names:
            return [_inside(value, rest) for value in self.values(first)]
        raise self._missing(name)

    def row(self, index: int) -> object:
        """One row as an object."""
        return {name: self.values(name)[index] for name in self.names}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnBatch(TableBatch):
    """Rows whose columns are there as Python values: CSV."""

    columns: Mapping[str, Sequence[object]]

    @property
    def names(self) -> tuple[str, ...]:
        """The header."""
        return tuple(self.columns)

    def values(self, name: str) -> Sequence[object]:
        """The values of a column that the table has."""
        return self.columns[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBatch(Batch):
    """Rows that came one by one, as objects or as lists: JSON."""

    rows: Sequence[object] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        """All keys of the rows' objects, in the order of their first appearance; for lists their places."""
        found: dict[str, None] = {}
        for row in self.rows:
            if isinstance(row, dict):
                found.update(dict.fromkeys(map(str, row)))
            elif isinstance(row, list):
                found.update(dict.fromkeys(map(str, range(len(row)))))
        return tuple(found)

    def column(self, name: str) -> Sequence[object]:
        """The values under a key, at a place of a list, or along a path (`answer.text`, `turns.0`)."""
        rows = self.rows
        if all(type(row) is dict and name in row for row in rows):
            return [row[name] for row in rows]  # type: ignore[index]  # all rows are dicts that have it
        found = [_inside(row, name) for row in rows]
        if rows and all(value is None for value in found) and not any(_has(row, name) for row in rows):
            raise self._missing(name)
        return found

    def row(self, index: int) -> object:
        """One row as it stood in the file."""
        return self.rows[index]


def _inside(value: object, path: str) -> object:
    """What a path leads to inside a value; None where it leads nowhere."""
    if isinstance(value, dict) and path in value:
        return value[path]
    first, _, rest = path.partition(".")
    found: object = None
    if isinstance(value, dict):
        found = value.get(first)
    elif isinstance(value, list) and first.isdecimal() and int(first) < len(value):
        found = value[int(first)]
    return _inside(found, rest) if rest and found is not None else None if rest else found


def _has(row: object, path: str) -> bool:
    first = path.partition(".")[0]
    if isinstance(row, dict):
        return path in row or first in row
    return isinstance(row, list) and first.isdecimal() and int(first) < len(row)


def in_batches(
    rows: Iterator[object], *, source: str, unit: str = "row", size: int = BATCH_ROWS
) -> Iterator[RecordBatch]:
    """Rows that come one by one, as batches; numbered from 1."""
    taken: list[object] = []
    first = 1
    for row in rows:
        taken.append(row)
        if len(taken) == size:
            yield RecordBatch(source=source, unit=unit, numbers=range(first, first + size), rows=taken)
            first += size
            taken = []
    if taken:
        yield RecordBatch(source=source, unit=unit, numbers=range(first, first + len(taken)), rows=taken)
