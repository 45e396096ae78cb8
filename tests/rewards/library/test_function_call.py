"""Whether the right tools are called, and none when none should be."""

import json

import pytest

from novaline.rewards import Rollout, ToolCall, Unscorable
from novaline.rewards.contract import rollout_of
from novaline.rewards.kinds import build

EXACT = build("function-call", {})
WEATHER = {"name": "weather", "arguments": {"city": "Oslo", "days": 3}}
TIME = {"name": "time", "arguments": {}}


def said(text):
    return Rollout(text, None)


def scored(reward, answer, reference):
    calls = answer if isinstance(answer, tuple) else ()
    return reward(Rollout("" if calls else answer, reference, tool_calls=calls))


@pytest.mark.parametrize(
    "answer",
    [
        (ToolCall("weather", {"days": 3.0, "city": "Oslo"}),),
        (ToolCall("weather", '{"city": "Oslo", "days": 3}'),),
        json.dumps(WEATHER),
        json.dumps([WEATHER]),
        f"```json\n{json.dumps(WEATHER)}\n```",
        f"Let me look.\n<tool_call>{json.dumps(WEATHER)}</tool_call>",
        f"<TOOLCALL>[{json.dumps(WEATHER)}]</TOOLCALL>",
        f"<function_call>\n{json.dumps(WEATHER)}",
        json.dumps({"name": "weather", "parameters": WEATHER["arguments"]}),
        json.dumps({"tool_calls": [{"function": {"name": "weather", "arguments": json.dumps(WEATHER["arguments"])}}]}),
        json.dumps({"toolUse": {"name": "weather", "input": WEATHER["arguments"]}}),
        json.dumps({"tool": "weather", "args": WEATHER["arguments"]}),
        json.dumps({"function": "weather", "arguments": WEATHER["arguments"]}),
        f"<thinking>The city is known.</thinking>\n{json.dumps(WEATHER)}",
        f"<|tool_call|>{json.dumps(WEATHER)}",
        f"I will call {json.dumps(WEATHER)} now.",
    ],
)
def test_the_right_call_counts_in_every_form(answer):
    assert scored(EXACT, answer, WEATHER).reward == 1.0


@pytest.mark.parametrize(
    "reference",
    [
        WEATHER,
        [WEATHER],
        json.dumps(WEATHER),
        f"<TOOLCALL>[{json.dumps(WEATHER)}]</TOOLCALL>",
        {"tool_calls": [{"type": "function", "function": WEATHER}]},
        {"role": "assistant", "content": [{"toolUse": {"name": "weather", "input": WEATHER["arguments"]}}]},
        f"```json\n{json.dumps(WEATHER)}\n```",
    ],
)
def test_the_reference_may_take_every_form(reference):
    assert scored(EXACT, json.dumps(WEATHER), reference).reward == 1.0
    assert scored(EXACT, "I cannot know.", reference).reward == 0.0


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "It will rain.",
        json.dumps({"name": "wether", "arguments": WEATHER["arguments"]}),
        json.dumps({"name": "weather", "arguments": {"city": "Oslo"}}),
        json.dumps({"name": "weather", "arguments": {"city": "Oslo", "days": 3, "unit": "C"}}),
        json.dumps({"name": "weather", "arguments": {"city": "Oslo", "days": True}}),
        json.dumps([WEATHER, TIME]),
        json.dumps([WEATHER, WEATHER]),
        f"<tool_call>{json.dumps(WEATHER)}</tool_call><tool_call>{json.dumps(TIME)}</tool_call>",
        "<tool_call>weather(Oslo)</tool_call>",
        f"<think>{json.dumps(WEATHER)}</think>",
        f"<thinking><tool_call>{json.dumps(WEATHER)}</tool_call> or not?</thinking>I cannot know.",
        f"Either {json.dumps(WEATHER)} or {json.dumps(TIME)}",
        (ToolCall("weather", "{broken"),),
        (ToolCall("weather", "[1]"),),
        json.dumps([TIME] * 500),
    ],
)
def test_another_call_one_too_many_or_none_does_not_count(answer):
    assert scored(EXACT, answer, WEATHER).reward == 0.0


@pytest.mark.parametrize("reference", [[], {"tool_calls": []}, "request_for_info", "I cannot do that.", 5,
    {"role": "assistant", "content": "Which city?"}])  # fmt: skip
def test_when_no_tool_may_be_called_words_count_and_calls_and_silence_do_not(reference):
    assert scored(EXACT, "Which city do you mean?", reference).reward == 1.0
    assert scored(EXACT, '{"city": "Oslo"}', reference).reward == 1.0, "JSON that is no call"
    assert scored(EXACT, "", reference).reward == 0.0
    assert scored(EXACT, json.dumps(WEATHER), reference).reward == 0.0
    assert scored(EXACT, "<tool_call>{broken", reference).reward == 0.0
    assert scored(EXACT, f"Sure: {json.dumps(WEATHER)}", reference).reward == 0.0
    assert scored(EXACT, "<thinking>No tool fits.</thinking>", reference).reward == 0.0
    assert scored(EXACT, 'I know only {"city": "Oslo"} of it.', reference).reward == 1.0
    assert scored(EXACT, (ToolCall("weather", {}),), reference).reward == 0.0


def test_arguments_may_be_more_or_not_looked_at():
    given = build("function-call", {"arguments": "given"})
    more = json.dumps({"name": "weather", "arguments": {"city": "Oslo", "days": 3, "unit": "C"}})
    assert scored(given, more, WEATHER).reward == 1.0
    assert scored(given, json.dumps({"name": "weather", "arguments": {"city": "Oslo"}}), WEATHER).reward == 0.0
    ignored = build("function-call", {"arguments": "ignored"})
    assert scored(ignored, json.dumps({"name": "weather", "arguments": {}}), WEATHER).reward == 1.0


def test_several_calls_may_come_in_any_order_unless_order_counts():
    both, turned = json.dumps([WEATHER, TIME]), json.dumps([TIME, WEATHER])
    assert scored(EXACT, turned, [WEATHER, TIME]).reward == 1.0
    ordered = build("function-call", {"in_order": True})
    assert scored(ordered, both, [WEATHER, TIME]).reward == 1.0
    assert scored(ordered, turned, [WEATHER, TIME]).reward == 0.0


def test_some_of_several_calls_may_earn_their_share_and_calls_too_many_cost():
    partial = build("function-call", {"partial": True})
    assert scored(partial, json.dumps(WEATHER), [WEATHER, TIME]).reward == 0.5
    assert scored(partial, json.dumps([WEATHER, TIME, TIME, TIME]), [WEATHER, TIME]).reward == 0.5


def test_the_calls_of_a_message_are_read_from_the_event():
    sample = {
        "messages": [{"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "time"}}]}],
        "reference_answer": TIME,
    }
    score = EXACT(rollout_of(sample))
    assert score.reward == 1.0
    assert score.measures == {"called": 1.0, "should_call": 1.0, "names": 1.0, "malformed": 0.0}


@pytest.mark.parametrize("reference", [None, "", {}, {"x": 1}, [5], ["x"], "<tool_call>{broken</tool_call>"])
def test_a_reference_that_says_nothing_of_calls_cannot_be_scored(reference):
    with pytest.raises(Unscorable):
        scored(EXACT, "x", reference)


def test_calls_may_be_written_one_a_line():
    assert scored(EXACT, f"{json.dumps(WEATHER)}\n{json.dumps(TIME)}", [WEATHER, TIME]).reward == 1.0
    tagged = f"<tool_call>{json.dumps(WEATHER)}\n{json.dumps(TIME)}</tool_call>"
    assert scored(EXACT, tagged, [WEATHER, TIME]).reward == 1.0


def test_of_calls_that_fit_several_expected_ones_each_finds_its_own():
    given = build("function-call", {"arguments": "given"})
    expected = [{"name": "f", "arguments": {}}, {"name": "f", "arguments": {"x": 1}}]
    made = [{"name": "f", "arguments": {"x": 1}}, {"name": "f", "arguments": {"y": 1}}]
    assert scored(given, json.dumps(made), expected).reward == 1.0
    assert scored(given, json.dumps([made[1], made[1]]), expected).reward == 0.0
