"""The contract of the reward function: what goes in, and what always comes out."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova_reward.contract import NotABatch, Score
from nova_reward.handler import handler, score_batch
from nova_reward.scoring import SCORINGS, classification

EVENTS = Path(__file__).parent / "events"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
SAMPLE = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON,
        "messages": JSON | st.lists(st.fixed_dictionaries({"role": st.just("assistant"), "content": JSON})),
        "reference_answer": JSON,
        "metadata": JSON,
    },
)


def event(name):
    return json.loads((EVENTS / name).read_text(encoding="utf-8"))


def rewards(answers):
    return {answer["id"]: answer["aggregate_reward_score"] for answer in answers}


def measure(answer, name):
    return next(metric["value"] for metric in answer["metrics_list"] if metric["name"] == name)


@pytest.mark.parametrize("name", ["training_job.json", "bedrock.json"])
def test_both_shapes_of_the_event_get_the_same_scores(name):
    assert rewards(score_batch(event(name), scoring=classification)) == {"row-1#0": 1.0, "row-1#1": 0.0, "row-2#0": 1.0}


def test_the_answer_has_the_members_that_the_trainer_takes():
    (answer,) = score_batch(event("bedrock.json")[:1], scoring=classification)
    assert set(answer) == {"id", "aggregate_reward_score", "metrics_list"}
    assert answer["metrics_list"][0] == {"name": "reward", "value": 1.0, "type": "Reward"}
    assert {metric["type"] for metric in answer["metrics_list"][1:]} == {"Metric"}


@pytest.mark.parametrize(
    "poison",
    [
        None,
        7,
        "text",
        [],
        {},
        {"id": "p"},
        {"id": "p", "messages": [], "reference_answer": "a"},
        {"id": "p", "messages": [{"role": "user", "content": "a"}], "reference_answer": "a"},
        {"id": "p", "messages": [{"role": "assistant", "content": 5}], "reference_answer": "a"},
        {"id": "p", "messages": [{"role": "assistant", "content": "a"}], "reference_answer": []},
        {"id": "p", "messages": [{"role": "assistant", "content": "a"}], "metadata": "none"},
    ],
)
def test_one_poisoned_sample_costs_only_itself(poison):
    good = event("training_job.json")
    answers = score_batch([good[0], poison, good[2]], scoring=classification)
    assert [answer["aggregate_reward_score"] for answer in answers] == [1.0, 0.0, 1.0]
    assert [measure(answer, "unscorable") for answer in answers] == [0.0, 1.0, 0.0]


def test_a_scoring_that_fails_or_gives_no_number_costs_only_the_sample():
    def moody(rollout):
        if rollout.answer == "a":
            raise RuntimeError("no")
        return Score(math.nan if rollout.answer == "b" else 0.5)

    batch = [
        {"id": word, "messages": [{"role": "assistant", "content": word}], "reference_answer": "x"} for word in "abc"
    ]
    assert rewards(score_batch(batch, scoring=moody)) == {"a": 0.0, "b": 0.0, "c": 0.5}


def test_a_sample_without_an_id_is_answered_under_its_position():
    sample = {"messages": [{"role": "assistant", "content": "a"}], "reference_answer": "a"}
    assert [answer["id"] for answer in score_batch([sample, sample], scoring=classification)] == ["0", "1"]


@pytest.mark.parametrize("wrong", [{}, "text", None, 5, {"samples": []}])
def test_an_event_that_is_no_array_is_an_error(wrong):
    with pytest.raises(NotABatch):
        score_batch(wrong, scoring=classification)


@settings(max_examples=100)
@given(st.lists(SAMPLE, max_size=5))
def test_whatever_comes_in_ids_order_and_count_stay_and_numbers_are_finite(batch):
    answers = score_batch(batch, scoring=classification)
    assert len(answers) == len(batch)
    for position, (sample, answer) in enumerate(zip(batch, answers, strict=True)):
        expected = sample["id"] if sample.get("id") is not None else str(position)
        assert answer["id"] is expected or answer["id"] == expected
        assert math.isfinite(answer["aggregate_reward_score"])
        assert all(math.isfinite(metric["value"]) for metric in answer["metrics_list"])


def test_the_handler_takes_its_scoring_from_its_environment(monkeypatch):
    monkeypatch.setenv("SCORING", "classification")
    assert rewards(handler(event("bedrock.json"), None))["row-1#0"] == 1.0


def test_every_scoring_that_an_environment_may_name_exists():
    from typing import get_args

    from novaline.environments.model import Scoring

    assert set(get_args(Scoring)) == set(SCORINGS)
