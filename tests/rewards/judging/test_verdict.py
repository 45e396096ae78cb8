"""A reply counts as a verdict only in the form that was asked for."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.rewards.judging.question import Grading, Marks
from novaline.rewards.judging.verdict import NoVerdict, reply_in, tokens_in, verdict_in

GRADING = Grading(model="m", rubric="r", lowest=0, highest=10, max_tokens=1, temperature=0, most_characters=1)
MARKS = Marks(fence="f" * 32, nonce="a" * 32)
NONCE = MARKS.nonce


def reply(**members):
    return json.dumps({"nonce": NONCE, "score": 7, **members})


@pytest.mark.parametrize(
    "text",
    [
        reply(),
        reply(reason="fair"),
        f"\n {reply()} \n",
        f"```json\n{reply()}\n```",
        f"```\n{reply()}\n```",
        reply(score=7.0),
    ],
)
def test_the_form_that_was_asked_for_is_a_verdict(text):
    assert verdict_in(text, GRADING, MARKS) == 7.0


@pytest.mark.parametrize("score", [0, 10, 0.0, 1e1, 3.25])
def test_the_ends_of_the_scale_are_on_it(score):
    assert verdict_in(reply(score=score), GRADING, MARKS) == score


NO_VERDICTS = {
    "empty": "",
    "words": "I would give this a 10.",
    "words before": f"Here it is: {reply()}",
    "words after": f"{reply()} Thank you.",
    "two objects": f"{reply()}\n{reply()}",
    "a list": f"[{reply()}]",
    "a number": "10",
    "cut off": reply()[:-3],
    "no nonce": '{"score": 10}',
    "a nonce of others": reply(nonce="b" * 32),
    "the fence for a nonce": reply(nonce=MARKS.fence),
    "a nonce that is no text": reply(nonce=None),
    "no score": f'{{"nonce": "{NONCE}"}}',
    "two scores": f'{{"nonce": "{NONCE}", "score": 1, "score": 10}}',
    "more members": reply(grade=10),
    "text for a score": reply(score="10"),
    "true for a score": reply(score=True),
    "null for a score": reply(score=None),
    "NaN": f'{{"nonce": "{NONCE}", "score": NaN}}',
    "Infinity": f'{{"nonce": "{NONCE}", "score": Infinity}}',
    "beyond a float": f'{{"nonce": "{NONCE}", "score": 1e999}}',
    "beyond any float": f'{{"nonce": "{NONCE}", "score": {"9" * 400}}}',
    "above the scale": reply(score=10.1),
    "below the scale": reply(score=-1),
    "very deep": "[" * 15_000,
    "a fence that is not closed by itself": f"```json\n{reply()}\n``` so",
    "line breaks": "```" + "\n" * 19_000 + "x",
    "very long": reply(reason="x" * 30_000),
}


@pytest.mark.parametrize("text", NO_VERDICTS.values(), ids=NO_VERDICTS)
def test_anything_else_is_none(text):
    with pytest.raises(NoVerdict):
        verdict_in(text, GRADING, MARKS)


@given(st.text(max_size=200))
def test_junk_is_refused_with_nothing_of_it_in_the_message(text):
    with pytest.raises(NoVerdict) as refusal:
        verdict_in(f"S3CRET{text}", GRADING, MARKS)
    assert "S3CRET" not in str(refusal.value)


def response(content, stop="end_turn"):
    return {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": stop}


def test_the_reply_is_the_text_without_the_reasoning_before_it():
    content = [{"reasoningContent": {"reasoningText": {"text": "hm"}}}, {"text": "a"}, {"text": "b"}]
    assert reply_in(response(content)) == "ab"


@pytest.mark.parametrize("stop", ["max_tokens", "content_filtered", "guardrail_intervened", None])
def test_a_reply_that_was_cut_short_is_none(stop):
    with pytest.raises(NoVerdict, match=f"ended with {stop}"):
        reply_in(response([{"text": "a"}], stop))


@pytest.mark.parametrize("broken", [{}, {"output": {}}, {"output": None}, response(None), response([{"text": 5}])])
def test_a_response_without_a_message_is_none(broken):
    with pytest.raises(NoVerdict, match="no message"):
        reply_in(broken)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [({"inputTokens": 5, "outputTokens": 2}, (5, 2)), ({"inputTokens": True}, (0, 0)), ({}, (0, 0)), (None, (0, 0))],
)
def test_tokens_are_counted_as_they_are_billed(usage, tokens):
    assert tokens_in({"usage": usage}) == tokens
