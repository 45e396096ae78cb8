"""How whole numbers are distributed: exact, in memory that grows with the different values and not with the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from math import ceil

_MOST_BINS = 40
_SKEWED = 8
"""A largest value of more than so many medians is shown in bins that widen."""


@dataclass(frozen=True, slots=True)
class Span:
    """How many values `v` have `low <= v < high`."""

    low: int
    high: int
    count: int


@dataclass(slots=True)
class Distribution:
    """Counts of non-negative whole numbers: a row's tokens, a row's turns."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, values: Iterable[int]) -> None:
        """Counts each of the values."""
        self.counts.update(values)

    @property
    def number(self) -> int:
        """How many values were counted."""
        return self.counts.total()

    @property
    def total(self) -> int:
        """The sum of all values."""
        return sum(value * count for value, count in self.counts.items())

    @property
    def mean(self) -> float:
        """The mean; 0 when nothing was counted."""
        return self.total / self.number if self.counts else 0.0

    @property
    def largest(self) -> int:
        """The largest value; 0 when nothing was counted."""
        return max(self.counts, default=0)

    @property
    def smallest(self) -> int:
        """The smallest value; 0 when nothing was counted."""
        return min(self.counts, default=0)

    def quantile(self, share: float) -> int:
        """The smallest counted value that at least this share of all values does not exceed; 0 without values."""
        wanted = max(1, ceil(share * self.number))
        values = sorted(self.counts)
        reached = accumulate(self.counts[value] for value in values)
        return next((value for value, sum_ in zip(values, reached, strict=True) if sum_ >= wanted), 0)

    def spans(self) -> tuple[Span, ...]:
        """The values in at most about 40 bins without a gap: even ones, or widening ones when a few are far out."""
        if not self.counts:
            return ()
        edges = _edges(self.smallest, self.largest, skewed=self.largest > _SKEWED * max(self.quantile(0.5), 1))
        found = dict.fromkeys(edges[:-1], 0)
        lows = iter(edges[1:])
        low, high = edges[0], next(lows)
        for value in sorted(self.counts):
            while value >= high:
                low, high = high, next(lows)
            found[low] += self.counts[value]
        return tuple(Span(low, high, found[low]) for low, high in pairwise(edges))

    def as_json(self) -> dict[str, object]:
        """Smallest, largest, mean, total, quantiles, and the bins as [low, high, count], high excluded."""
        quantiles = {f"p{round(share * 100)}": self.quantile(share) for share in (0.5, 0.9, 0.95, 0.99)}
        return {
            "min": self.smallest,
            **quantiles,
            "max": self.largest,
            "mean": round(self.mean, 2),
            "total": self.total,
            "histogram": [[span.low, span.high, span.count] for span in self.spans()],
        }


def _edges(smallest: int, largest: int, *, skewed: bool) -> list[int]:
    """The bins' edges, the last one above `largest`."""
    if not skewed:
        width = _round_width((largest + 1 - smallest) / _MOST_BINS)
        start = smallest // width * width
        return list(range(start, largest + width + 1, width))
    edges, ratio = [smallest], (max(largest, 1) / max(smallest, 1)) ** (1 / (_MOST_BINS - 4))
    while edges[-1] <= largest:
        edges.append(max(edges[-1] + 1, ceil(edges[-1] * ratio)))
    return edges


def _round_width(width: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50 … that is at least this wide."""
    power = 1
    while True:
        for step in (1, 2, 5):
            if step * power >= width:
                return step * power
        power *= 10
