"""Cost: the worst case is exact, and what is unknown is never free."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.cost.estimate import Cost, JobCost, evaluation_hours, training_hours
from novaline.cost.prices import TRAINING_PRICES, Price, training_price

P5 = training_price("us-east-1", "ml.p5.48xlarge", {})


def line(*, count=2, timeout=3.0, expected=0.5, price=P5):
    return JobCost(
        job="sft",
        instance_type="ml.p5.48xlarge",
        instance_count=count,
        timeout_hours=timeout,
        expected_hours=expected,
        price=price,
    )


def test_the_worst_case_is_timeout_times_instances_times_price():
    assert line().worst_case_usd == pytest.approx(3 * 2 * 63.296)
    assert Cost(lines=(line(), line(count=1, timeout=1))).worst_case_usd == pytest.approx(7 * 63.296)


def test_a_job_without_a_price_makes_the_totals_unknown_not_smaller():
    cost = Cost(lines=(line(), line(price=None)))
    assert (cost.worst_case_usd, cost.expected_usd) == (None, None)
    assert cost.as_json()["worst_case_usd"] is None


def test_every_price_says_where_it_comes_from_and_whether_it_is_confirmed():
    assert TRAINING_PRICES
    for price in TRAINING_PRICES.values():
        assert price.source
        assert price.date or not price.confirmed
        assert price.usd_per_hour > 0


def test_a_customizations_own_price_comes_first_and_an_unknown_type_has_none():
    own = training_price("us-east-1", "ml.p5.48xlarge", {"ml.p5.48xlarge": 1.0})
    assert own is not None
    assert (own.usd_per_hour, own.confirmed) == (1.0, True)
    assert training_price("us-west-2", "ml.p5.48xlarge", {}) is None


@given(st.integers(0, 10**12), st.floats(0, 100), st.integers(1, 32))
def test_expected_hours_grow_with_the_data_and_shrink_with_machines(size, passes, count):
    hours = training_hours(dataset_bytes=size, passes=passes, instance_count=count)
    assert hours >= training_hours(dataset_bytes=size // 2, passes=passes, instance_count=count) > 0
    assert hours >= training_hours(dataset_bytes=size, passes=passes, instance_count=count + 1)
    assert evaluation_hours(rows=1000) > evaluation_hours(rows=0) > 0


def test_a_zero_price_cannot_be_mistaken_for_an_unknown_one():
    free = Price(usd_per_hour=0.0, source="x", date="y")
    assert line(price=free).worst_case_usd == 0.0
