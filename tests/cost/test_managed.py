"""Managed jobs: tokens times epochs times price, and what is unknown stays unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.cost.book import PriceBook
from novaline.cost.estimate import Cost
from novaline.cost.managed import ManagedCost
from novaline.cost.price_file import read_prices
from novaline.cost.prices import SHIPPED, Rate, customization_rate

BOOK: PriceBook = read_prices(SHIPPED)
BY_TOKEN = Rate(usd=0.002, unit="1,000 tokens", source="a test")
BY_HOUR = Rate(usd=50.0, unit="hour", source="a test")


def job(rate=BY_TOKEN, *, size=4_000_000, epochs=2, media=False, technique="sft"):
    return ManagedCost(
        job="sft", model="nova-2-lite", technique=technique, dataset_bytes=size, epochs=epochs, timeout_hours=24,
        rate=rate, media=media,
    )  # fmt: skip


def test_a_supervised_job_costs_its_tokens_in_every_epoch():
    assert job().tokens == 2_000_000
    assert job().expected_usd == pytest.approx(4.0)


def test_the_worst_case_takes_every_byte_for_a_token():
    assert job().worst_case_usd == pytest.approx(16.0)


def test_the_job_of_awss_blog_is_estimated_within_a_third():
    rate = customization_rate("us-east-1", "nova-micro", "sft", book=BOOK)
    published = ManagedCost(
        job="atis", model="nova-micro", technique="sft", dataset_bytes=4 * 1_750_000 // 3, epochs=3, timeout_hours=24,
        rate=rate,
    )  # fmt: skip
    assert published.expected_usd == pytest.approx(2.18, rel=1 / 3)


def test_a_job_that_is_billed_by_the_hour_has_a_worst_case_and_no_expected_cost():
    assert (job(BY_HOUR, technique="rft").expected_usd, job(BY_HOUR, technique="rft").worst_case_usd) == (None, 1200.0)


@pytest.mark.parametrize("line", [job(None), job(media=True)])
def test_without_a_price_or_with_media_nothing_is_claimed(line):
    assert (line.expected_usd, line.worst_case_usd) == (None, None)
    cost = Cost(lines=(), managed=(job(), line))
    assert (cost.expected_usd, cost.worst_case_usd) == (None, None)


def test_a_run_adds_managed_jobs_to_its_total_and_lists_them():
    cost = Cost(lines=(), managed=(job(), job()), storage=Rate(usd=1.95, unit="model month", source="a test"))
    assert cost.expected_usd == pytest.approx(8.0)
    document = cost.as_json()
    assert document["custom_model_storage_usd_per_month"] == 1.95
    assert len(document["managed"]) == 2
    assert document["managed"][0]["unit"] == "1,000 tokens"


@given(st.integers(0, 10**10), st.integers(1, 5))
def test_the_expected_cost_never_exceeds_the_worst_case(size, epochs):
    line = job(size=size, epochs=epochs)
    assert 0 <= line.expected_usd <= line.worst_case_usd
