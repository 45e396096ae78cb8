"""A row of another shape is told in words: what was found, what is expected, and what it looks like."""

import json

import msgspec
import pytest

from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.formats.misfits import looks_like, shape_flaw

OPENAI = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}


def told(name, row):
    line = row if isinstance(row, bytes) else json.dumps(row).encode()
    spec = FORMATS[name]
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(line, type=spec.full)
    return shape_flaw(spec, caught.value, line)


@pytest.mark.parametrize(
    ("name", "row", "code", "words"),
    [
        ("sft", {"messages": "hello"}, "wrong-shape", "found text, expected a list at messages"),
        ("sft", {"messages": None}, "wrong-shape", "found null, expected a list at messages"),
        ("sft", [], "wrong-shape", "found a list, expected an object"),
        ("sft", {"messages": [], "label": 1}, "unknown-field", "found 'label'"),
        ("sft", {"messages": [{"role": "user", "content": [{"audio": 1}]}]}, "unknown-field",
         "found 'audio' at messages[0].content[0]"),
        ("gen_qa", {"query": True, "response": "a"}, "wrong-shape", "found true or false, expected text at query"),
        ("multi-turn-rft", {"id": "i", "metadata": {"prompt": 1}}, "wrong-shape",
         "found a number, expected text or a list at metadata.prompt"),
        ("rft", {"messages": [{"content": "q"}]}, "missing-field", "at messages[0]"),
    ],
)  # fmt: skip
def test_the_detail_names_what_was_found_what_was_expected_and_where(name, row, code, words):
    flaw = told(name, row)
    assert (flaw.code, flaw.detail) == (code, words)


def test_the_message_is_the_same_for_all_rows_of_one_kind():
    assert told("cpt", {"text": 1}) == told("cpt", {"text": [2]})
    assert told("cpt", {"text": "t", "a": 1}) == told("cpt", {"text": "t", "b": 1})
    assert told("gen_qa", {"query": "q"}).message.endswith("the field `response` is missing")


def test_openai_messages_are_recognized_where_converse_is_expected():
    for name in ("sft", "dpo", "distillation"):
        assert "novaline data prepare --from openai-chat" in told(name, OPENAI).hint
    assert "openai" not in told("gen_qa", OPENAI).hint


@pytest.mark.parametrize("name", FORMATS)
def test_the_hint_shows_a_row_of_the_format_and_the_format_that_the_row_looks_like(name):
    spec = FORMATS[name]
    assert spec.example in told(name, {"a": 1}).hint
    for other in FORMATS.values():
        row = json.loads(other.example)
        try:
            msgspec.json.decode(other.example, type=spec.full)
        except msgspec.ValidationError:
            like = looks_like(row)
            assert like is not None
            assert f"`--format {like}`" in told(name, row).hint


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("distillation", "rubric_llm_judge")])
def test_a_row_looks_like_its_own_format(name):
    assert looks_like(json.loads(FORMATS[name].example)) == name


def test_an_object_that_is_like_no_format_looks_like_none():
    for row in ({}, {"a": 1}, {"messages": []}, {"messages": "x"}, {"messages": [1]}, {"text": "t", "more": 1}):
        assert looks_like(row) is None


def test_hostile_keys_and_paths_stay_short_and_on_one_line():
    key = "k" * 10_000
    assert len(told("sft", {"messages": [], key: 1}).detail) < 300
    assert "\n" not in told("sft", {"messages": [], "a\nb` - at `$.x": 1}).detail
