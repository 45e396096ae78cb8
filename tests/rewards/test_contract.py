"""Events in both shapes become rollouts; scores become answers that Lambda can return."""

import json
import math

import pytest

from novaline.rewards.contract import (
    MOST_MEASURES,
    NotABatch,
    Rollout,
    Score,
    ToolCall,
    Unscorable,
    answer_of,
    batch_of,
    fallback_answer,
    id_of,
    rollout_of,
    was_scored,
)


def sample(*messages, **row):
    return {"messages": [{"role": role, "content": content} for role, content in messages], **row}


def test_a_training_jobs_sample_is_read():
    row = sample(
        ("system", "Be brief."),
        ("user", [{"type": "text", "text": "Where is"}, {"type": "text", "text": "my card?"}]),
        ("nova_assistant", [{"type": "text", "text": "card_arrival"}]),
        id="row-1",
        reference_answer="card_arrival",
        difficulty=2,
        tools=[{"name": "track"}],
    )
    assert rollout_of(row) == Rollout(
        answer="card_arrival",
        reference="card_arrival",
        prompt="Where is\nmy card?",
        messages=row["messages"],
        fields={"difficulty": 2},
        tools=[{"name": "track"}],
    )


def test_bedrocks_sample_has_reference_and_fields_in_its_metadata():
    row = sample(
        ("user", "q"), ("assistant", "a"), metadata={"reference_answer": {"x": 1}, "level": "hard", "n": 1}, n=2
    )
    found = rollout_of(row)
    assert found.reference == {"x": 1}
    assert found.fields == {"level": "hard", "n": 2}, "the row's own fields lie over those of the metadata"


def test_a_reference_at_the_top_goes_before_one_in_the_metadata():
    row = sample(("assistant", "a"), reference_answer="top", metadata={"reference_answer": "below"})
    assert rollout_of(row).reference == "top"


def test_a_sample_without_a_reference_has_none_and_its_reward_decides():
    assert rollout_of(sample(("assistant", "a"))).reference is None


def test_the_prompt_is_the_users_last_turn_before_the_rollout():
    row = sample(("user", "first"), ("assistant", "x"), ("user", "second"), ("assistant", "y"), ("user", "after"))
    assert (rollout_of(row).prompt, rollout_of(row).answer) == ("second", "y")


def test_reasoning_is_not_part_of_the_answer():
    content = [{"type": "reasoning", "text": "hm"}, {"reasoningContent": {}}, {"text": "yes"}, "and no"]
    assert rollout_of(sample(("assistant", content))).answer == "yes\nand no"


@pytest.mark.parametrize(
    ("message", "calls"),
    [
        (
            {"content": None, "tool_calls": [{"function": {"name": "f", "arguments": '{"a": 1}'}}]},
            [ToolCall("f", '{"a": 1}')],
        ),
        ({"content": "x", "tool_calls": [{"name": "f", "arguments": {"a": 1}}]}, [ToolCall("f", {"a": 1})]),
        ({"content": [{"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": 1}}}]}, [ToolCall("f", {"a": 1})]),
        ({"content": "x", "tool_calls": [{"function": {"name": "f"}}, 7, {"function": {}}]}, [ToolCall("f", {})]),
        ({"content": "x", "tool_calls": "junk"}, ()),
    ],
)
def test_calls_are_read_as_openai_and_as_converse_write_them(message, calls):
    assert rollout_of({"messages": [{"role": "assistant", **message}]}).tool_calls == calls


@pytest.mark.parametrize(
    "row",
    [
        None,
        7,
        "text",
        [],
        {},
        {"messages": {}},
        {"messages": []},
        {"messages": ["x", None]},
        sample(("user", "q")),
        sample((["assistant"], "a")),
        sample(("assistant", None)),
        sample(("assistant", 5)),
        sample(("assistant", {"text": "a"})),
    ],
)
def test_a_sample_in_which_the_model_says_nothing_cannot_be_scored(row):
    with pytest.raises(Unscorable):
        rollout_of(row)


@pytest.mark.parametrize("event", [{}, "text", None, 5, {"samples": []}])
def test_an_event_that_is_no_array_is_no_batch(event):
    with pytest.raises(NotABatch, match="array of samples"):
        batch_of(event)


@pytest.mark.parametrize("found", ["row-1", "", "ü", 0, 7, False, 1.5, ["a", 1], {"a": None}, 10**30])
def test_an_id_is_kept_as_it_came(found):
    assert id_of({"id": found}, 3) is found


def nested(depth):
    found = []
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize(
    "row", [{}, {"id": None}, {"id": math.nan}, {"id": "\ud800"}, {"id": ["\udfff"]}, {"id": nested(100_000)}, 5, None]
)
def test_a_sample_without_an_id_that_lambda_can_return_is_answered_under_its_position(row):
    assert id_of(row, 3) == "3"


def test_the_answer_has_the_members_that_the_trainer_takes():
    assert answer_of("a", Score(1, {"marked": True + 0.0})) == {
        "id": "a",
        "aggregate_reward_score": 1.0,
        "metrics_list": [
            {"name": "reward", "value": 1.0, "type": "Reward"},
            {"name": "marked", "value": 1.0, "type": "Metric"},
            {"name": "unscorable", "value": 0.0, "type": "Metric"},
        ],
    }


class Sneaky(float):
    def __repr__(self):
        return "NaN"


def test_numbers_of_other_classes_are_answered_as_plain_floats():
    answer = answer_of("a", Score(Sneaky(0.5)))
    assert type(answer["aggregate_reward_score"]) is float
    assert json.dumps(answer["aggregate_reward_score"]) == "0.5"


@pytest.mark.parametrize(
    "score",
    [
        None,
        0.5,
        "1",
        {},
        Score(math.nan),
        Score(-math.inf),
        Score(reward=True),
        Score("0.5"),
        Score(None),
        Score(10**400),
        Score(1j),
        Score(1.0, {"a": math.nan}),
        Score(1.0, {"a": True}),
        Score(1.0, {"a": "1"}),
        Score(1.0, {1: 1.0}),
        Score(1.0, {"": 1.0}),
        Score(1.0, {"\ud800": 1.0}),
        Score(1.0, {"a" * 101: 1.0}),
        Score(1.0, {"reward": 1.0}),
        Score(1.0, {"unscorable": 1.0}),
        Score(1.0, {str(number): 1.0 for number in range(MOST_MEASURES + 1)}),
    ],
)
def test_what_is_no_finite_score_is_no_answer(score):
    with pytest.raises(Unscorable):
        answer_of("a", score)


def test_a_fallback_is_told_from_a_score():
    assert was_scored(answer_of("a", Score(0.0)))
    assert not was_scored(fallback_answer("a", 0.0, {}))


def test_a_lost_sample_keeps_what_its_attempts_cost():
    answer = fallback_answer("a", -1.0, {"judge_calls": 3.0})
    assert [(one["name"], one["value"]) for one in answer["metrics_list"]] == [
        ("reward", -1.0),
        ("judge_calls", 3.0),
        ("unscorable", 1.0),
    ]


@pytest.mark.parametrize("measures", [{"a": math.nan}, {1: 2.0}, {"reward": 1.0}, 5])
def test_measures_that_are_none_do_not_cost_the_fallback(measures):
    assert len(fallback_answer("a", 0.0, measures)["metrics_list"]) == 2
