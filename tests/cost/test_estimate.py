"""Cost: the worst case is exact, and what is unknown is never free."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.cost.estimate import Cost, JobCost, epochs_of, epochs_text, evaluation_hours, steps_of, training_hours
from novaline.cost.price_file import read_prices
from novaline.cost.prices import SHIPPED, Price, training_price
from novaline.cost.tokens import estimated_tokens

P5 = training_price("us-east-1", "ml.p5.48xlarge", {}, book=read_prices(SHIPPED))


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


def test_a_job_of_unknown_length_has_a_worst_case_and_makes_the_expected_total_unknown():
    unknown = line(expected=None)
    assert (unknown.expected_usd, unknown.worst_case_usd) == (None, pytest.approx(3 * 2 * 63.296))
    cost = Cost(lines=(line(), unknown))
    assert (cost.expected_usd, cost.worst_case_usd) == (None, pytest.approx(2 * 3 * 2 * 63.296))
    assert unknown.as_json()["expected_hours"] is None


@given(st.integers(0, 10**12), st.floats(0, 100), st.integers(1, 32))
def test_expected_hours_grow_with_the_data_and_shrink_with_machines(size, passes, count):
    hours = training_hours(dataset_bytes=size, passes=passes, instance_count=count)
    assert hours >= training_hours(dataset_bytes=size // 2, passes=passes, instance_count=count) > 0
    assert hours >= training_hours(dataset_bytes=size, passes=passes, instance_count=count + 1)
    assert evaluation_hours(rows=1000) > evaluation_hours(rows=0) > 0


def test_a_zero_price_cannot_be_mistaken_for_an_unknown_one():
    free = Price(usd_per_hour=0.0, source="x", date="y")
    assert line(price=free).worst_case_usd == 0.0


def test_storage_that_no_source_states_is_null():
    assert Cost(lines=(line(),)).as_json()["custom_model_storage_usd_per_month"] is None


def test_an_epoch_takes_a_step_for_its_last_rows_too():
    assert steps_of(rows=100, epochs=3, global_batch_size=32) == 12
    assert steps_of(rows=96, epochs=3, global_batch_size=32) == 9


def test_epochs_follow_from_steps():
    assert epochs_of(steps=100, global_batch_size=64, rows=5_000) == pytest.approx(1.28)


@given(st.integers(1, 10**6), st.integers(1, 100), st.sampled_from([16, 32, 64, 128, 256]))
def test_the_steps_of_some_epochs_read_the_data_at_least_as_often(rows, epochs, batch):
    steps = steps_of(rows=rows, epochs=epochs, global_batch_size=batch)
    assert epochs_of(steps=steps, global_batch_size=batch, rows=rows) >= epochs


@pytest.mark.parametrize(
    ("epochs", "text"), [(2.0, "2"), (1.28, "1.28"), (99.96, "100"), (4266.67, "4,267"), (1e6, "1,000,000")]
)
def test_many_epochs_are_written_as_people_write_numbers(epochs, text):
    assert epochs_text(epochs) == text


def test_a_token_is_about_four_bytes():
    assert estimated_tokens(4_000_003) == 1_000_000
