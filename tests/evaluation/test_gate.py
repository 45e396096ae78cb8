import math
import random

import pytest
from scipy.stats import binomtest

from novaline.evaluation.gate import (
    PairedCounts,
    count_pairs,
    decide,
    difference_interval,
    mcnemar_exact,
    proportion_interval,
)


def outcomes(*, both: int = 0, only_candidate: int = 0, only_base: int = 0, neither: int = 0):
    base = [True] * both + [False] * only_candidate + [True] * only_base + [False] * neither
    candidate = [True] * both + [True] * only_candidate + [False] * only_base + [False] * neither
    return base, candidate


def decision(*, margin: float = 0.0, confidence: float = 0.95, **table: int):
    base, candidate = outcomes(**table)
    return decide(metric="exact_match", base=base, candidate=candidate, margin=margin, confidence=confidence)


@pytest.mark.parametrize(("only_base", "only_candidate"), [(0, 1), (3, 9), (10, 10), (84, 92), (0, 600), (700, 9000)])
def test_mcnemar_agrees_with_an_exact_binomial_test(only_base, only_candidate):
    expected = binomtest(only_base, only_base + only_candidate, 0.5).pvalue
    assert mcnemar_exact(only_base=only_base, only_candidate=only_candidate) == pytest.approx(expected, rel=1e-9)


def test_no_discordant_rows_give_no_evidence():
    assert mcnemar_exact(only_base=0, only_candidate=0) == 1.0


@pytest.mark.parametrize(("right", "rows"), [(0, 10), (5, 10), (10, 10), (386, 500)])
def test_a_proportions_interval_is_wilsons(right, rows):
    expected = binomtest(right, rows).proportion_ci(confidence_level=0.95, method="wilson")
    interval = proportion_interval(right, rows, confidence=0.95)
    assert interval.low == pytest.approx(expected.low, abs=1e-12)
    assert interval.high == pytest.approx(expected.high, abs=1e-12)


def test_the_difference_interval_covers_the_truth_as_often_as_it_says():
    """4,000 simulated evaluations of 120 rows; 95 % intervals must hold the true difference in 93 to 97 % of them."""
    chance = random.Random(20)
    cells, weights = [(1, 1), (0, 1), (1, 0), (0, 0)], [0.5, 0.2, 0.1, 0.2]
    covered = 0
    for _ in range(4000):
        drawn = chance.choices(cells, weights, k=120)
        counts = count_pairs(base=[bool(b) for b, _ in drawn], candidate=[bool(c) for _, c in drawn])
        interval = difference_interval(counts, confidence=0.95)
        covered += interval.low <= 0.1 <= interval.high
    assert 0.93 <= covered / 4000 <= 0.97


def test_exchanging_base_and_candidate_mirrors_the_interval():
    there = difference_interval(
        PairedCounts(both_right=40, only_candidate=12, only_base=5, both_wrong=43), confidence=0.9
    )
    back = difference_interval(
        PairedCounts(both_right=40, only_candidate=5, only_base=12, both_wrong=43), confidence=0.9
    )
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


def test_the_interval_stays_within_its_range_at_the_extremes():
    interval = difference_interval(
        PairedCounts(both_right=0, only_candidate=30, only_base=0, both_wrong=0), confidence=0.95
    )
    assert 0 < interval.low < interval.estimate == interval.high == 1.0


def test_a_large_improvement_is_accepted():
    found = decision(both=200, only_candidate=300, only_base=10, neither=90, margin=0.02)
    assert found.accepted
    assert found.verdict == "better"
    assert found.difference.low > 0.02


def test_two_points_on_five_hundred_rows_are_not_accepted():
    """0.772 to 0.788 at n = 500, as in a published table: 84 rows lost, 92 won."""
    found = decision(both=302, only_candidate=92, only_base=84, neither=22)
    assert not found.accepted
    assert found.verdict == "no difference shown"
    assert found.p_value == pytest.approx(0.6, abs=0.06)
    assert "could be chance" in found.reason


def test_an_improvement_below_the_margin_is_named_as_such():
    found = decision(both=5000, only_candidate=300, only_base=100, neither=4600, margin=0.05)
    assert not found.accepted
    assert "not shown to be so by the margin" in found.reason


def test_a_loss_is_called_worse():
    found = decision(both=100, only_candidate=5, only_base=80, neither=15)
    assert (found.accepted, found.verdict) == (False, "worse")


def test_different_numbers_of_rows_are_refused():
    with pytest.raises(ValueError, match="needs the same rows"):
        decide(metric="exact_match", base=[True], candidate=[True, False], margin=0, confidence=0.95)


def test_an_evaluation_without_rows_is_refused():
    with pytest.raises(ValueError, match="needs the same rows"):
        decide(metric="exact_match", base=[], candidate=[], margin=0, confidence=0.95)


def test_many_discordant_rows_do_not_overflow():
    assert math.isfinite(mcnemar_exact(only_base=20_000, only_candidate=20_100))
