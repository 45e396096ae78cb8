"""What a row says, for the checks that compare rows: what is asked, what is answered, and every text."""

import json

import msgspec
import pytest

from novaline.datasets.formats.catalogue import FORMATS


def view(name, row):
    spec = FORMATS[name]
    return spec.view(msgspec.json.decode(json.dumps(row), type=spec.full))


def text(role, *texts):
    return {"role": role, "content": [{"text": each} for each in texts]}


def picture(key):
    return {"image": {"format": "png", "source": {"s3Location": {"uri": f"s3://b/{key}", "bucketOwner": "1" * 12}}}}


def test_the_same_last_turn_after_other_turns_is_another_prompt_and_the_same_question():
    one, other = (
        view("sft", {"messages": [
            text("user", first), text("assistant", "a"), text("user", "why?"), text("assistant", "b")]})
        for first in ("is it blue?", "is it red?")
    )  # fmt: skip
    assert one.prompt != other.prompt
    assert one.question == other.question == "why?"
    assert one.answer == "b"


def test_the_question_is_the_last_turn_that_a_person_wrote():
    result = {"role": "user", "content": [{"toolResult": {"toolUseId": "1", "content": [{"text": "sunny"}]}}]}
    call = {
        "role": "assistant",
        "content": [{"text": "I look."}, {"toolUse": {"toolUseId": "1", "name": "n", "input": {}}}],
    }
    seen = view("sft", {"messages": [text("user", "weather?"), call, result, text("assistant", "sun")]})
    assert seen.question == "weather?"


def test_the_same_question_about_another_picture_is_another_question():
    one, other = (
        view("sft", {"messages": [
            {"role": "user", "content": [picture(key), {"text": "what is it?"}]}, text("assistant", "a")]})
        for key in ("1.png", "2.png")
    )  # fmt: skip
    assert one.prompt != other.prompt
    assert one.question != other.question
    assert one.features == {"image"}
    assert [medium.uri for medium in one.media] == ["s3://b/1.png"]
    first, second = (
        view("gen_qa", {"query": "what?", "response": "a", "images": [{"data": f"data:image/png;base64,{data}"}]})
        for data in ("AAAA", "BBBB")
    )
    assert first.question != second.question


def test_a_call_of_a_tool_is_an_answer_that_does_not_depend_on_the_order_of_its_input():
    one, other = (
        view("sft", {"messages": [text("user", "q"), {"role": "assistant", "content": [
            {"toolUse": {"toolUseId": "1", "name": "look", "input": given}}]}]})
        for given in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    )  # fmt: skip
    assert one.answer == other.answer
    assert "look" in one.answer


def test_all_texts_of_a_conversation_are_seen():
    row = {
        "system": [{"text": "s"}],
        "messages": [
            text("user", "q", "r"),
            {"role": "assistant", "content": [{"reasoningContent": {"reasoningText": {"text": "t"}}}]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "1", "content": [{"text": "u"}, {"json": {"a": "no"}}]}}]},
            text("assistant", "a"),
        ],
    }  # fmt: skip
    assert view("sft", row).texts == ("s", "q", "r", "t", "u", "a")


def test_the_preferred_candidate_is_the_answer_wherever_it_stands_and_the_other_one_is_read_too():
    better = {"content": [{"text": "yes"}], "preferenceLabel": "preferred"}
    worse = {"content": [{"text": "no"}], "preferenceLabel": "non-preferred"}
    for candidates in ([better, worse], [worse, better]):
        seen = view("dpo", {"messages": [text("user", "q"), {"role": "assistant", "candidates": candidates}]})
        assert (seen.prompt, seen.answer, seen.texts) == ("q", "yes", ("q", "yes", "no"))


def test_the_answer_of_an_rft_row_is_its_reference_answer_as_text():
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
    one, other = (
        view("rft", {"id": "i", "messages": messages, "reference_answer": answer})
        for answer in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    )
    assert (one.prompt, one.system, one.id) == ("q", "s", "i")
    assert one.answer == other.answer == '{"a":1,"b":2}'
    assert view("rft", {"messages": messages}).answer is None


def test_only_a_row_of_a_known_answer_has_the_feature_of_it():
    assert "reference_answer" in view("rft", {"messages": [], "reference_answer": "a"}).features
    assert view("rft", {"messages": [], "reference_answer": None}).features == frozenset()


@pytest.mark.parametrize("name", ["sft", "dpo", "distillation", "rft"])
def test_a_row_without_messages_has_a_view(name):
    seen = view(name, {"messages": []})
    assert (seen.question, seen.answer, seen.texts) == ("", None, ())
