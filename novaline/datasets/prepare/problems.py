"""Rows that cannot be converted: counted by kind with the first places, so that none goes without a word."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from novaline.datasets.flaws import LONGEST_EXCERPT, MOST_KINDS, MOST_LINES, Flaw
from novaline.findings import Finding


class BadRow(Exception):
    """A row that cannot become a row of the format. Carries what is wrong with it."""

    def __init__(self, code: str, message: str, *, hint: str | None = None, detail: str = "") -> None:
        super().__init__(message)
        self.flaw = Flaw(code, message, hint=hint, detail=detail)


@dataclass(slots=True, kw_only=True)
class Sighting:
    """How often a flaw was seen in a file, and in which lines or rows first. `detail` is the first one's."""

    flaw: Flaw
    file: str
    unit: str
    excerpt: str
    detail: str
    count: int = 0
    numbers: list[int] = field(default_factory=list)


_MORE = Flaw("more-flaws", "further kinds of problems are not listed one by one")
_SKIPPABLE = "correct them in the source, or leave them out with --skip-bad"


class RowLedger:
    """What was wrong, by kind and file. Flaws of severity error are of rows that were left out."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Flaw, str], Sighting] = {}
        self.left_out: Counter[str] = Counter()

    def add(self, flaw: Flaw, *, file: str, unit: str, number: int, row: object = None) -> None:
        """Notes a row, whose number counts from 1 in `unit` (line, row)."""
        if flaw.severity == "error":
            self.left_out[flaw.code] += 1
        sighting = self._sighting(flaw, file=file, unit=unit, row=row)
        sighting.count += 1
        if len(sighting.numbers) < MOST_LINES:
            sighting.numbers.append(number)

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """All that was noted, for the ledger of the whole of which this one's rows are a part."""
        return tuple(self._seen.values())

    def merge(self, later: Iterable[Sighting], *, left_out: Mapping[str, int], before: int = 0) -> None:
        """Adds what was noted in the part that follows; `before` are the lines before it in its file."""
        self.left_out.update(left_out)
        for each in later:
            sighting = self._sighting(each.flaw, file=each.file, unit=each.unit, row=each.excerpt or None)
            sighting.count += each.count
            room = MOST_LINES - len(sighting.numbers)
            sighting.numbers += [number + before for number in each.numbers[:room]]

    def _sighting(self, flaw: Flaw, *, file: str, unit: str, row: object) -> Sighting:
        """Where the flaw is counted in this file; one kind too many is counted with others."""
        if (flaw, file) not in self._seen and len(self._seen) >= MOST_KINDS:
            flaw, row = replace(_MORE, severity=flaw.severity), None
        sighting = self._seen.get((flaw, file))
        if sighting is None:
            sighting = Sighting(flaw=flaw, file=file, unit=unit, excerpt=shown_row(row), detail=flaw.detail)
            self._seen[flaw, file] = sighting
        return sighting

    def findings(self, *, skip_bad: bool) -> tuple[Finding, ...]:
        """One finding for each kind and file, in the order in which they were met."""
        return tuple(self._finding(flaw, sighting, skip_bad=skip_bad) for (flaw, _), sighting in self._seen.items())

    @staticmethod
    def _finding(flaw: Flaw, seen: Sighting, *, skip_bad: bool) -> Finding:
        skipped = flaw.severity == "error" and skip_bad
        message = flaw.message + (f"; {seen.detail}" if seen.detail else "")
        if seen.unit != "line" or seen.count > 1:
            message += f" ({_places(seen.unit, seen.numbers, seen.count)})"
        if skipped:
            message += "; left out"
        return Finding(
            code=flaw.code,
            severity="warning" if skipped else flaw.severity,
            message=message,
            file=seen.file,
            line=seen.numbers[0] if seen.unit == "line" else None,
            excerpt=seen.excerpt or None,
            hint=flaw.hint or (_SKIPPABLE if flaw.severity == "error" and not skip_bad else None),
        )


def _places(unit: str, numbers: Sequence[int], count: int) -> str:
    """`3 lines: 4, 9 and 12`, `1,200 rows: 3, 4, 5, 6, 7, …`."""
    if count == 1:
        return f"{unit} {numbers[0]:,}"
    listed = ", ".join(f"{number:,}" for number in numbers)
    return f"{count:,} {unit}s: {listed}{', …' if count > len(numbers) else ''}"


def shown_row(row: object, *, most: int = LONGEST_EXCERPT) -> str:
    """The start of a row, in one line."""
    if row is None:
        return ""
    text = row if isinstance(row, str) else json.dumps(row, ensure_ascii=False, default=str)
    return text if len(text) <= most else f"{text[: most - 1]}…"
