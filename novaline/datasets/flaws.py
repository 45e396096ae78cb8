"""What can be wrong with a row, and a ledger of it that stays small however bad the file is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from novaline.findings import Severity

MOST_KINDS = 50
"""Kinds of flaws that are told apart in one dataset; further ones are counted together."""
MOST_LINES = 5
"""Lines that are named of one kind."""
LONGEST_EXCERPT = 200
"""Characters of a line that are shown."""
CUT = "…"
"""Stands in an excerpt where something was cut off."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One kind of thing that is wrong with a row: the same in every row that has it.

    `detail` is what one row has that others with this flaw may have differently: what was found, and where in the row.
    """

    code: str
    message: str
    severity: Severity = "error"
    hint: str | None = None
    detail: str = field(default="", compare=False)


@dataclass(slots=True)
class Sighting:
    """How often a flaw was seen, and where first: line and column from 1, the byte offset of the line from 0."""

    count: int
    lines: list[int]
    offset: int
    column: int | None
    excerpt: str
    detail: str


MORE = Flaw("more-flaws", "further kinds of flaws are not listed one by one")


class FlawLedger:
    """Counts flaws by kind, each with the first lines that have it. Ledgers of parts add up to that of the whole."""

    def __init__(self) -> None:
        self.seen: dict[Flaw, Sighting] = {}

    def add(
        self,
        flaw: Flaw,
        *,
        line: int,
        offset: int,
        raw: bytes = b"",
        column: int | None = None,
        shown: str | None = None,
    ) -> None:
        """Notes the flaw in the line with this number (from 1), which starts at this byte.

        The excerpt is what is around the column in `raw`, or `shown` where that must not be seen.
        """
        known = self.seen.get(flaw)
        if known is None:
            flaw = self._kind(flaw)
            known = self.seen.get(flaw)
        if known is None:
            text = excerpt(raw, column) if shown is None else shown[:LONGEST_EXCERPT]
            self.seen[flaw] = Sighting(1, [line], offset, column, text, flaw.detail)
            return
        known.count += 1
        if len(known.lines) < MOST_LINES and known.lines[-1] != line:
            known.lines.append(line)

    def merge(self, later: FlawLedger, *, lines: int) -> None:
        """Adds the ledger of the part that follows; `lines` are those before it."""
        for flaw, seen in later.seen.items():
            moved = [line + lines for line in seen.lines]
            self._merge(flaw, Sighting(seen.count, moved, seen.offset, seen.column, seen.excerpt, seen.detail))

    def __iter__(self) -> Iterator[tuple[Flaw, Sighting]]:
        """Every kind, in the order of first lines."""
        return iter(sorted(self.seen.items(), key=lambda item: item[1].lines[:1]))

    def _merge(self, flaw: Flaw, sighting: Sighting) -> None:
        flaw = self._kind(flaw)
        known = self.seen.get(flaw)
        if known is None:
            self.seen[flaw] = sighting
            return
        known.count += sighting.count
        known.lines.extend(line for line in sighting.lines if line not in known.lines)
        del known.lines[MOST_LINES:]

    def _kind(self, flaw: Flaw) -> Flaw:
        """The flaw under which one more kind is counted: as bad as it is itself."""
        return flaw if flaw in self.seen or len(self.seen) < MOST_KINDS else replace(MORE, severity=flaw.severity)


def excerpt(raw: bytes, column: int | None = None, *, before: int = LONGEST_EXCERPT // 2) -> str:
    """The part of a line around its byte `column` (from 1), or its beginning, as text.

    `before` are the bytes in front of the column that are shown. An ellipsis stands where something was cut off.
    """
    start = max(0, (column or 1) - 1 - before)
    while start and start < len(raw) and raw[start] & 0xC0 == 0x80:  # inside a character
        start -= 1
    text = raw[start : start + 4 * LONGEST_EXCERPT].decode("utf-8", errors="replace")
    first = CUT if start else ""
    if len(first) + len(text) <= LONGEST_EXCERPT and start + 4 * LONGEST_EXCERPT >= len(raw):
        return first + text
    return f"{first}{text[: LONGEST_EXCERPT - len(first) - len(CUT)]}{CUT}"
