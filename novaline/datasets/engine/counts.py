"""What is counted over all rows of a dataset, in memory that does not grow with them. Counts of parts add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct, field

from novaline.datasets.engine.hashing import text_hash

MOST_SYSTEMS = 64
MOST_LABELS = 1000
LONGEST_LABEL = 80
"""Characters. An answer that is longer is no label."""
_SHOWN = 80
_GLANCE = 64


class Feature(Struct):
    """Something that all rows should have, or none: how many have it, and the first lines with it and without."""

    rows: int
    with_it: int | None
    without_it: int | None


class Features(Struct):
    """Which rows have which features. `first` is the line of the first row; `rows` are all that were looked at."""

    rows: int = 0
    first: int | None = None
    found: dict[str, Feature] = field(default_factory=dict)

    def add(self, features: frozenset[str], line: int, count: int = 1) -> None:
        """Notes rows that have the same features; `line` is the first one's."""
        for name in features:
            known = self.found.setdefault(name, Feature(0, line, self.first))
            known.rows += count
            known.with_it = line if known.with_it is None else min(known.with_it, line)
        for name, known in self.found.items():
            if name not in features:
                known.without_it = line if known.without_it is None else min(known.without_it, line)
        self.first = line if self.first is None else min(self.first, line)
        self.rows += count

    def merge(self, later: Features, *, lines: int) -> None:
        """Adds what comes after; `lines` are those before it."""
        if later.first is None:
            return
        for name in self.found.keys() | later.found.keys():
            mine = self.found.setdefault(name, Feature(0, None, self.first))
            other = later.found.get(name, Feature(0, None, later.first))
            mine.rows += other.rows
            mine.with_it = _earlier(mine.with_it, other.with_it, lines)
            mine.without_it = _earlier(mine.without_it, other.without_it, lines)
        self.first = _earlier(self.first, later.first, lines)
        self.rows += later.rows


class System(Struct):
    """A system text: how many rows have it, the first one's line, and how it begins."""

    rows: int
    line: int
    begins: str


class Systems(Struct):
    """The system texts of a dataset by hash; `many` when there are too many to be told apart."""

    found: dict[int, System] = field(default_factory=dict)
    many: bool = False

    def add(self, text: str, line: int, count: int = 1) -> None:
        """Notes rows with this system text; `line` is the first one's."""
        if self.many:
            return
        key = text_hash(text)
        known = self.found.get(key)
        if known is not None:
            known.rows += count
            known.line = min(known.line, line)
        elif len(self.found) < MOST_SYSTEMS:
            self.found[key] = System(count, line, text[:_SHOWN])
        else:
            self.many = True

    def merge(self, later: Systems, *, lines: int) -> None:
        """Adds what comes after; `lines` are those before it."""
        self.many |= later.many
        for key, system in later.found.items():
            known = self.found.get(key)
            if known is not None:
                known.rows += system.rows
            elif len(self.found) < MOST_SYSTEMS:
                self.found[key] = System(system.rows, system.line + lines, system.begins)
            else:
                self.many = True


class Labels(Struct):
    """Answers with their counts, for as long as they may be labels: few and short. `free` once they are not."""

    counts: dict[str, int] = field(default_factory=dict)
    free: bool = False

    def add(self, answers: Sequence[str]) -> None:
        """Counts answers."""
        if self.free:
            return
        if any(len(answer) > LONGEST_LABEL for answer in answers[:_GLANCE]) or max(map(len, answers)) > LONGEST_LABEL:
            self._give_up()
            return
        for answer, count in Counter(answers).items():
            self.counts[answer] = self.counts.get(answer, 0) + count
        if len(self.counts) > MOST_LABELS:
            self._give_up()

    def merge(self, later: Labels) -> None:
        """Adds what comes after."""
        for answer, count in later.counts.items():
            self.counts[answer] = self.counts.get(answer, 0) + count
        if self.free or later.free or len(self.counts) > MOST_LABELS:
            self._give_up()

    def _give_up(self) -> None:
        self.free = True
        self.counts.clear()


class Lengths(Struct):
    """What the model reads: estimated tokens of all rows, and bytes of the longest row, in UTF-8, with its line."""

    tokens: int = 0
    longest: int = 0
    line: int | None = None

    def add(self, tokens: int, longest: int, line: int) -> None:
        """Notes rows with so many tokens together, of which the longest, in bytes, stands in this line."""
        self.tokens += tokens
        if longest > self.longest:
            self.longest, self.line = longest, line

    def merge(self, later: Lengths, *, lines: int) -> None:
        """Adds what comes after; `lines` are those before it."""
        self.add(later.tokens, later.longest, 0 if later.line is None else later.line + lines)


def _earlier(mine: int | None, other: int | None, lines: int) -> int | None:
    return mine if mine is not None else None if other is None else other + lines
