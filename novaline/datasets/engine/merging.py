"""Puts the tallies of a dataset's parts together: counts, flaws, and what rows have in common across parts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from novaline.datasets.engine.repeats import RecordStore, Repeats
from novaline.datasets.engine.tally import Tally
from novaline.datasets.flaws import FlawLedger

if TYPE_CHECKING:
    from novaline.datasets.engine.fast_repeats import KeyStore


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRead:
    """A file of a dataset as it was read. `before` are the lines of the files before it."""

    name: str
    before: int
    lines: int
    rows: int
    bytes: int
    sha256: str | None


class Merged:
    """A dataset: its files one after the other, with the lines of all counted through. A context manager."""

    def __init__(self) -> None:
        self.total = Tally()
        self.ledger = FlawLedger()
        self.files: list[FileRead] = []
        self._stack = ExitStack()
        self.records = self._stack.enter_context(RecordStore())
        self._ids = self._stack.enter_context(RecordStore())
        self.keys: KeyStore | None = None
        self._begun = Tally()  # what there was when the file at hand began
        self._unlike = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, part: Tally) -> None:
        """Adds the next part of the file at hand."""
        lines = self.total.lines
        if not self._unlike:
            ledger = FlawLedger()
            ledger.seen.update(part.flaws)
            self.ledger.merge(ledger, lines=lines)
        self._unlike |= part.unlike
        if part.keys:
            self._key_store().add(part.keys)
        if part.records:
            self.records.add(part.records, lines=lines)
        if part.ids:
            self._ids.add(part.ids, lines=lines)
        self.total.merge(part)

    def end_file(self, name: str, sha256: str | None) -> None:
        """Ends the file at hand; the next part is another one's."""
        begun, total = self._begun, self.total
        self.files.append(
            FileRead(
                name=name,
                before=begun.lines,
                lines=total.lines - begun.lines,
                rows=total.rows - begun.rows,
                bytes=total.size - begun.size,
                sha256=sha256,
            )
        )
        self._begun = Tally(size=total.size, lines=total.lines, rows=total.rows)
        self._unlike = False

    def repeated_ids(self) -> Repeats:
        """Rows whose id another row has: the `rows` of these repeats."""
        return self._ids.repeats()

    def place(self, line: int) -> tuple[FileRead, int]:
        """The file that holds a line of the dataset, and the line's number in it."""
        file = self.files[max(0, bisect_right(self.files, line - 1, key=lambda each: each.before) - 1)]
        return file, line - file.before

    def locate(self, lines: Sequence[int]) -> tuple[str, list[int]]:
        """The file of the first line, and those of the lines that are in it, as it counts them."""
        if not lines:
            return self.files[0].name, []
        file, _ = self.place(lines[0])
        return file.name, [line - file.before for line in lines if self.place(line)[0] is file]

    def _key_store(self) -> KeyStore:
        if self.keys is None:
            from novaline.datasets.engine.fast_repeats import KeyStore  # noqa: PLC0415 - numpy, for large files only

            self.keys = self._stack.enter_context(KeyStore())
        return self.keys
