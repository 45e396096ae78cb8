"""Rows that repeat one another, in memory that does not grow with the rows.

A record is six numbers of 64 bits: the hashes of a row's folded prompt, prompt, system text, answer and bytes, and its
line.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, Self

from novaline.datasets.flaws import MOST_LINES

FIELDS = 6
FEW = 20_000
"""Records up to which plain Python is faster than importing numpy."""


@dataclass(slots=True)
class Repeated:
    """Lines that repeat an earlier one in some way: how many, and the first of them with the line that each repeats."""

    count: int = 0
    first: list[tuple[int, int]] = field(default_factory=list)

    def add(self, count: int, first: Iterable[tuple[int, int]]) -> None:
        """Adds further ones."""
        self.count += count
        self.first = sorted([*self.first, *first])[:MOST_LINES]


@dataclass(slots=True)
class Repeats:
    """The repeats of a dataset. Each line is in one of the three at most.

    `rows` are an earlier row byte for byte. `answers` have the prompt and the system text of an earlier row, and
    another answer. `prompts` have a prompt that is an earlier one but for case, spaces and punctuation.
    """

    rows: Repeated = field(default_factory=Repeated)
    answers: Repeated = field(default_factory=Repeated)
    prompts: Repeated = field(default_factory=Repeated)


class _Store(Protocol):
    def add(self, records: bytes | bytearray, *, lines: int) -> None: ...
    def repeats(self) -> Repeats: ...
    def __exit__(self, *problem: object) -> None: ...


class RecordStore:
    """Takes records, and finds the repeats among them. A context manager: for many records it has files."""

    def __init__(self) -> None:
        self._few = array("Q")
        self._many: _Store | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        if self._many is not None:
            self._many.__exit__(*problem)

    def add(self, records: bytes | bytearray, *, lines: int) -> None:
        """Takes records whose lines count from the line after `lines`, in the order of lines."""
        if self._many is not None:
            self._many.add(records, lines=lines)
            return
        new = array("Q", bytes(records))
        for index in range(FIELDS - 1, len(new), FIELDS):
            new[index] += lines
        self._few.extend(new)
        if len(self._few) > FEW * FIELDS:
            from novaline.datasets.engine.fast_repeats import FastRecordStore  # noqa: PLC0415 - numpy, for many rows only

            self._many = FastRecordStore()
            self._many.add(self._few.tobytes(), lines=0)
            self._few = array("Q")

    def repeats(self) -> Repeats:
        """What repeats among all that was taken."""
        return plain_repeats(self._few) if self._many is None else self._many.repeats()


def plain_repeats(records: array[int]) -> Repeats:
    """The repeats among these records."""
    found = Repeats()
    folded: dict[int, int] = {}
    asked: dict[int, int] = {}
    prompts: dict[tuple[int, int], int] = {}
    answers: dict[tuple[int, int, int], int] = {}
    rows: dict[int, int] = {}
    for fold, prompt, system, answer, row, line in sorted(_records(records), key=lambda record: record[-1]):
        same_row = rows.setdefault(row, line)
        same_answer = answers.setdefault((prompt, system, answer), line)
        same_prompt = prompts.setdefault((prompt, system), line)
        same_text, same_fold = asked.setdefault(prompt, line), folded.setdefault(fold, line)
        if same_row != line:
            found.rows.add(1, [(line, same_row)])
        elif same_prompt != line and same_answer == line:
            found.answers.add(1, [(line, same_prompt)])
        elif same_text == line and same_fold != line:
            found.prompts.add(1, [(line, same_fold)])
    return found


def _records(records: array[int]) -> Iterator[tuple[int, int, int, int, int, int]]:
    columns = [records[index::FIELDS] for index in range(FIELDS)]
    return zip(*columns, strict=True)
