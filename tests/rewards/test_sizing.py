"""How long a step waits for its rewards, and what that costs: the arithmetic, and the published example."""

import pytest

from novaline.rewards.sizing import Load, Rates, Sizing, Tokens, seconds_text, warnings_of

P5 = 63.296


def load(**more):
    given = {"prompts": 256, "generations": 8, "steps": 100, "batch": 1, "concurrency": 12, "sample_seconds": 0.1}
    return Load(**{**given, **more})


def sizing(of=None, **more):
    given = {"rates": Rates(machines_per_hour=2 * P5), "memory_mb": 512, "timeout_seconds": 60}
    return Sizing(load=of or load(), **{**given, **more})


def test_two_thousand_rollouts_at_100_ms_stall_a_step_by_17_s_or_by_2_s():
    few = sizing()
    assert few.load.rollouts == 2048
    assert few.load.stall_seconds == pytest.approx(17.1)
    assert few.load.even_stall_seconds == pytest.approx(17.07, abs=0.01)
    assert few.stall_usd == pytest.approx(0.60, abs=0.005)
    assert few.load.at(100).stall_seconds == pytest.approx(2.1)


def test_calls_of_whole_batches_make_the_concurrency_of_no_use():
    batched = load(batch=128)
    assert batched.calls == 16
    assert batched.stall_seconds == pytest.approx(2 * 12.8)
    assert batched.at(16).stall_seconds == batched.at(100).stall_seconds == pytest.approx(12.8)
    assert sizing(batched).concurrency == 16


def test_the_concurrency_to_set_is_the_least_that_keeps_the_wait_below_five_percent():
    known = sizing(step_seconds=60)
    assert known.stall_share == pytest.approx(17.1 / 77.1)
    enough = known.load.at(known.concurrency)
    fewer = known.load.at(known.concurrency - 1)
    assert enough.stall_seconds / (60 + enough.stall_seconds) <= 0.05
    assert fewer.stall_seconds / (60 + fewer.stall_seconds) > 0.05


def test_a_wait_above_five_percent_is_warned_about_with_the_number_to_set():
    [told] = warnings_of(sizing(step_seconds=60))
    assert (told.code, told.severe) == ("stall", False)
    assert "17 s ($0.60)" in told.message
    assert told.hint == f"set lambda_concurrency_limit to {sizing(step_seconds=60).concurrency}: the wait is 3.1 s then"
    assert list(warnings_of(sizing(step_seconds=600))) == []


def test_nothing_is_said_of_a_share_that_nobody_knows():
    assert sizing().stall_share is None
    assert list(warnings_of(sizing())) == []
    assert sizing().concurrency == 2048


def test_a_batch_that_outlives_its_function_is_severe():
    [told] = warnings_of(sizing(load(batch=128, sample_seconds=0.5)))
    assert (told.code, told.severe) == ("timeout", True)
    assert told.hint.startswith("say `timeout_seconds: 128`")
    [told] = warnings_of(sizing(load(batch=128, sample_seconds=10)))
    assert told.code == "call-too-long"


def test_fewer_reserved_than_the_recipe_calls_is_warned_about():
    assert [told.code for told in warnings_of(sizing(), reserved=4)] == ["throttled"]
    assert list(warnings_of(sizing(), reserved=12)) == []


def test_a_payload_above_six_megabytes_is_warned_about():
    assert [told.code for told in warnings_of(sizing(load(batch=128), sample_bytes=60_000))] == ["payload"]


def test_the_function_costs_its_time_and_its_calls():
    rates = Rates(machines_per_hour=1.0, gb_second=0.0000133334, call=0.0000002)
    found = sizing(load(batch=128), rates=rates)
    calls = 1000 / 128
    assert found.function_usd_per_1000 == pytest.approx(calls * (12.8 * 0.5 * 0.0000133334 + 0.0000002))
    assert found.judge_usd_per_1000 == 0
    assert found.run_usd == pytest.approx(found.usd_per_1000 * 204.8)


def test_a_judge_costs_its_tokens_and_an_unknown_price_is_no_price():
    rates = Rates(gb_second=0.00001, call=0.0000002, token_read=0.0008 / 1000, token_written=0.0032 / 1000)
    found = sizing(rates=rates, tokens=Tokens(read=1000, written=100))
    assert found.judge_usd_per_1000 == pytest.approx(1000 * (0.0008 + 0.00032))
    unknown = sizing(rates=Rates(gb_second=0.00001, call=0.0000002), tokens=Tokens(read=1000, written=100))
    assert (unknown.judge_usd_per_1000, unknown.usd_per_1000, unknown.run_usd, unknown.stall_usd) == (None,) * 4


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (0.00001, "0.01 ms"), (0.0455, "45.5 ms"), (2.13, "2.1 s"), (17.1, "17 s"), (900, "15 min")],
)
def test_times_are_written_as_people_do(seconds, text):
    assert seconds_text(seconds) == text
