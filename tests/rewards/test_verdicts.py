"""What a reward function returns is checked more strictly than AWS's verifiers do."""

import math

import pytest

from novaline.rewards import Score
from novaline.rewards.scoring import Scorer, score_batch
from novaline.rewards.verdicts import check_answers

SAMPLES = [{"id": "a"}, {"id": "b"}, {"id": 3}]


def answer(sample_id, score=0.5, **rest):
    return {"id": sample_id, "aggregate_reward_score": score, **rest}


RIGHT = [answer("a"), answer("b"), answer(3)]


def codes(answers, samples=SAMPLES):
    return [problem.code for problem in check_answers(samples, answers)]


def test_an_answer_that_keeps_the_contract_has_no_problems():
    metrics = [{"name": "x", "value": 1, "type": "Metric"}, {"name": "y", "value": 0.5, "type": "Reward"}]
    assert codes([answer("a", metrics_list=metrics), answer("b", 0), answer(3, -1.5, metrics_list=[])]) == []


def test_what_our_own_function_answers_has_no_problems():
    samples = [{"id": "a", "messages": [{"role": "assistant", "content": "x"}]}, None, {"id": 3}]
    answers = score_batch(samples, Scorer(name="x", reward=lambda _: Score(1.0, {"m": 0.0})), log=lambda _: None)
    assert codes(answers, samples) == []


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (None, ["not-a-list"]),
        ({"statusCode": 200, "body": "[]"}, ["not-a-list"]),
        ("[]", ["not-a-list"]),
        (RIGHT[:2], ["count", "id-unanswered"]),
        ([*RIGHT, answer("a")], ["count", "id-repeated"]),
        ([*RIGHT, answer("z")], ["count", "id-unknown"]),
        ([answer("a"), answer("a"), answer(3)], ["id-repeated", "id-unanswered"]),
        ([answer("b"), answer("a"), answer(3)], ["order"]),
        ([answer("a"), answer("b"), answer("3")], ["id-unknown", "id-unanswered"]),
        ([answer("a"), answer("b"), answer(3.0)], ["id-unknown", "id-unanswered"]),
        ([answer("a"), answer(None), answer(3)], ["id-missing", "id-unanswered"]),
        ([answer("a"), None, answer(3)], ["not-an-object", "id-unanswered"]),
        ([answer("a"), {"id": "b"}, answer(3)], ["score-missing"]),
        ([answer("a", "0.5"), *RIGHT[1:]], ["score-not-a-number"]),
        ([answer("a", score=True), *RIGHT[1:]], ["score-not-a-number"]),
        ([answer("a", None), *RIGHT[1:]], ["score-not-a-number"]),
        ([answer("a", math.nan), *RIGHT[1:]], ["score-not-finite"]),
        ([answer("a", -math.inf), *RIGHT[1:]], ["score-not-finite"]),
        ([answer("a", 10**400), *RIGHT[1:]], ["score-not-finite"]),
        ([answer("a", metrics_list={}), *RIGHT[1:]], ["metrics"]),
        ([answer("a", metrics_list=None), *RIGHT[1:]], ["metrics"]),
        ([answer("a", metrics_list=[7]), *RIGHT[1:]], ["metrics"]),
        ([answer("a", metrics_list=[{"name": "x", "value": 1}]), *RIGHT[1:]], ["metrics"]),
        ([answer("a", metrics_list=[{"name": "", "value": 1, "type": "Metric"}]), *RIGHT[1:]], ["metrics"]),
        ([answer("a", metrics_list=[{"name": "x", "value": True, "type": "Metric"}]), *RIGHT[1:]], ["metrics"]),
        ([answer("a", metrics_list=[{"name": "x", "value": math.nan, "type": "Metric"}]), *RIGHT[1:]], ["metrics"]),
        ([answer("a", metrics_list=[{"name": "x", "value": 1, "type": "metric"}]), *RIGHT[1:]], ["metrics"]),
    ],
)
def test_every_breach_is_named(answers, expected):
    assert codes(answers) == expected


def test_a_breach_says_where_it_is_and_what_was_expected():
    (problem,) = check_answers(SAMPLES, [answer("a"), answer("b", math.nan), answer(3)])
    assert (problem.position, problem.id) == (1, "b")
    assert "NaN" in problem.message
    assert "finite" in problem.message


def test_samples_that_share_an_id_are_answered_as_often():
    samples = [{"id": "a"}, {"id": "a"}]
    assert codes([answer("a"), answer("a")], samples) == []
    assert codes([answer("a")], samples) == ["count", "id-unanswered"]


def test_samples_without_an_id_are_answered_under_their_positions():
    assert codes([answer("0"), answer("1")], [{}, None]) == []


def test_true_and_one_are_two_ids():
    assert codes([answer(sample_id=True)], [{"id": 1}]) == ["id-unknown", "id-unanswered"]
