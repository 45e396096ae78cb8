"""Distributions: exact quantiles, and bins in which every value has its place."""

from itertools import pairwise
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.datasets.stats.distribution import Distribution

VALUES = st.lists(st.integers(0, 10) | st.integers(0, 1_000_000), min_size=1, max_size=200)


def distribution(values) -> Distribution:
    found = Distribution()
    found.add(values)
    return found


@given(VALUES, st.floats(0, 1))
def test_a_quantile_is_the_smallest_value_that_so_many_do_not_exceed(values, share):
    quantile = distribution(values).quantile(share)
    assert quantile in values
    assert sum(value <= quantile for value in values) >= share * len(values) - 1e-9
    smaller = [value for value in values if value < quantile]
    assert not smaller or len(smaller) < max(share * len(values), 1)


@given(VALUES)
def test_every_value_is_in_one_bin_and_bins_have_no_gap(values):
    spans = distribution(values).spans()
    assert sum(span.count for span in spans) == len(values)
    assert all(before.high == after.low for before, after in pairwise(spans))
    for span in spans:
        assert span.count == sum(span.low <= value < span.high for value in values)
    assert len(spans) <= 45
    assert spans[-1].count > 0


@given(VALUES)
def test_totals_are_those_of_the_values(values):
    found = distribution(values)
    assert (found.number, found.total, found.smallest, found.largest) == (
        len(values),
        sum(values),
        min(values),
        max(values),
    )
    assert found.mean == pytest.approx(fmean(values))


def test_bins_are_even_until_few_values_are_far_out():
    even = distribution(range(100, 200)).spans()
    assert {span.high - span.low for span in even} == {5}
    widening = distribution([*range(100), 50_000]).spans()
    assert widening[-1].high - widening[-1].low > 1000


def test_nothing_has_no_bins_and_zeros():
    found = Distribution()
    assert (found.spans(), found.quantile(0.5), found.mean, found.largest, found.smallest) == ((), 0, 0.0, 0, 0)
