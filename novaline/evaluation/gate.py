"""The gate: is the candidate better than what it is compared with, by more than chance and by enough to matter?

Both models answer the same rows, so samples are paired and only the rows on which they differ carry information.

* p-value: McNemar's exact test, two-sided (McNemar, Psychometrika 12, 1947; exact binomial form).
* interval for the difference of the two proportions: Newcombe's hybrid score method for paired data
  (Newcombe, Statistics in Medicine 17, 1998, method 10). It keeps to [-1, 1] and works at 0 and 100 percent.

The candidate is accepted when the whole interval lies above the margin: an improvement of at least the margin is then
shown at the confidence that the gate asks for. Standard library only, because a Lambda bundles this module; the tests
hold it against scipy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

Verdict = Literal["better", "worse", "no difference shown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedCounts:
    """The 2 x 2 table of paired outcomes, in rows."""

    both_right: int
    only_candidate: int
    only_base: int
    both_wrong: int

    @property
    def rows(self) -> int:
        """How many rows were compared."""
        return self.both_right + self.only_candidate + self.only_base + self.both_wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate between its limits; ``confidence`` is two-sided, between 0 and 1."""

    estimate: float
    low: float
    high: float
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the gate found. ``accepted`` holds exactly when the interval lies above ``margin``."""

    accepted: bool
    verdict: Verdict
    reason: str
    metric: str
    counts: PairedCounts
    base: Interval
    candidate: Interval
    difference: Interval
    p_value: float
    margin: float


def decide(
    *, metric: str, base: Sequence[bool], candidate: Sequence[bool], margin: float, confidence: float
) -> Decision:
    """Compare paired outcomes (True: right) of base and candidate on the same rows in the same order.

    ``margin`` is the least improvement that counts, as a difference of proportions (0.02: two points in a hundred).
    Raises ValueError when the sequences differ in length or are empty.
    """
    if len(base) != len(candidate) or not base:
        msg = f"base has {len(base)} rows and the candidate {len(candidate)}: a paired comparison needs the same rows"
        raise ValueError(msg)
    counts = count_pairs(base=base, candidate=candidate)
    difference = difference_interval(counts, confidence=confidence)
    verdict: Verdict = "no difference shown"
    if difference.low > max(margin, 0.0):
        verdict = "better"
    elif difference.high < 0:
        verdict = "worse"
    p_value = mcnemar_exact(only_base=counts.only_base, only_candidate=counts.only_candidate)
    return Decision(
        accepted=verdict == "better",
        verdict=verdict,
        reason=_reason(metric=metric, counts=counts, difference=difference, margin=margin, verdict=verdict),
        metric=metric,
        counts=counts,
        base=proportion_interval(counts.both_right + counts.only_base, counts.rows, confidence=confidence),
        candidate=proportion_interval(counts.both_right + counts.only_candidate, counts.rows, confidence=confidence),
        difference=difference,
        p_value=p_value,
        margin=margin,
    )


def count_pairs(*, base: Sequence[bool], candidate: Sequence[bool]) -> PairedCounts:
    """Count the four outcomes of two paired sequences of equal length."""
    pairs = [(bool(b), bool(c)) for b, c in zip(base, candidate, strict=True)]
    return PairedCounts(
        both_right=pairs.count((True, True)),
        only_candidate=pairs.count((False, True)),
        only_base=pairs.count((True, False)),
        both_wrong=pairs.count((False, False)),
    )


def mcnemar_exact(*, only_base: int, only_candidate: int) -> float:
    """Two-sided p-value of McNemar's exact test: how likely is a split of the discordant rows at least this uneven?"""
    discordant = only_base + only_candidate
    if discordant == 0:
        return 1.0
    smaller = min(only_base, only_candidate)
    log_half = discordant * math.log(0.5)
    tail = math.fsum(math.exp(_log_choose(discordant, k) + log_half) for k in range(smaller + 1))
    return min(1.0, 2.0 * tail)


def proportion_interval(right: int, rows: int, *, confidence: float) -> Interval:
    """Wilson's score interval for one proportion."""
    z = _quantile(confidence)
    estimate = right / rows
    centre = (estimate + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z * math.sqrt(estimate * (1 - estimate) / rows + z * z / (4 * rows * rows)) / (1 + z * z / rows)
    return Interval(
        estimate=estimate,
        low=min(max(0.0, centre - half), estimate),
        high=max(min(1.0, centre + half), estimate),
        confidence=confidence,
    )


def difference_interval(counts: PairedCounts, *, confidence: float) -> Interval:
    """Newcombe's method 10 for candidate minus base on paired rows."""
    rows = counts.rows
    candidate = proportion_interval(counts.both_right + counts.only_candidate, rows, confidence=confidence)
    base = proportion_interval(counts.both_right + counts.only_base, rows, confidence=confidence)
    correlation = _phi(counts)
    estimate = candidate.estimate - base.estimate

    def spread(first: float, second: float) -> float:
        return math.sqrt(max(0.0, first * first - 2 * correlation * first * second + second * second))

    low = estimate - spread(candidate.estimate - candidate.low, base.high - base.estimate)
    high = estimate + spread(candidate.high - candidate.estimate, base.estimate - base.low)
    return Interval(estimate=estimate, low=max(-1.0, low), high=min(1.0, high), confidence=confidence)


def _phi(counts: PairedCounts) -> float:
    """Newcombe's corrected phi coefficient of the paired table; 0 when a margin of the table is empty."""
    a, b, c, d = counts.both_right, counts.only_candidate, counts.only_base, counts.both_wrong
    denominator = (a + b) * (c + d) * (a + c) * (b + d)
    if denominator == 0:
        return 0.0
    product = float(a * d - b * c)
    if product > 0:
        product = max(product - counts.rows / 2, 0.0)
    return product / math.sqrt(denominator)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _quantile(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def _reason(*, metric: str, counts: PairedCounts, difference: Interval, margin: float, verdict: Verdict) -> str:
    points = f"{100 * difference.estimate:+.1f} points ({100 * difference.low:+.1f} to {100 * difference.high:+.1f})"
    seen = (
        f"{metric} changed by {points} at {100 * difference.confidence:g} % confidence over {counts.rows} paired rows; "
        f"only the candidate was right on {counts.only_candidate}, only the base on {counts.only_base}"
    )
    if verdict == "better":
        return f"{seen}. The whole interval lies above the margin of {100 * margin:g} points."
    if verdict == "worse":
        return f"{seen}. The candidate is worse than the base."
    if difference.low > 0:
        return f"{seen}. Better than the base, but not shown to be so by the margin of {100 * margin:g} points."
    return f"{seen}. That could be chance: more evaluation rows would tell, or a better customization."
