"""Every rule of every format finds its defect in the row that has it, and nothing else there."""

import msgspec
import pytest
from planted import clean_files, defects

from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.formats.misfits import shape_flaw
from novaline.datasets.formats.reserved import reserved_flaws
from novaline.datasets.formats.spec import RuleContext
from novaline.recipes.catalogue import catalogue

DEFECTS = defects()


def flaws_of(spec, line, context):
    """What the format's rules say of a line of JSON."""
    try:
        row = msgspec.json.decode(line, type=spec.full)
    except msgspec.ValidationError as problem:
        return [shape_flaw(spec, problem, line)]
    found = list(spec.flaws(row, context))
    if spec.reserved_words is not None:
        found += reserved_flaws(spec.view(row).texts, spec.reserved_words)
    return found


def test_the_corpus_is_large_and_has_every_format():
    assert len(DEFECTS) >= 150
    assert {case.format for case in DEFECTS} == set(FORMATS)


@pytest.mark.parametrize("case", DEFECTS, ids=str)
def test_a_planted_defect_is_found_and_nothing_else(case):
    found = flaws_of(FORMATS[case.format], case.line, RuleContext(model=case.model))
    assert sorted(flaw.code for flaw in found) == sorted([case.code, *case.also])
    (planted,) = [flaw for flaw in found if flaw.code == case.code]
    assert planted.severity == case.severity


@pytest.mark.parametrize("case", DEFECTS, ids=str)
def test_what_is_said_of_a_defect_is_a_short_line(case):
    for flaw in flaws_of(FORMATS[case.format], case.line, RuleContext(model=case.model)):
        said = f"{flaw.message}: {flaw.detail}"
        assert "\n" not in said
        assert len(said) < 300


@pytest.mark.parametrize("name", FORMATS)
def test_the_example_of_a_format_is_a_clean_row_that_a_fast_shape_takes(name):
    spec = FORMATS[name]
    assert flaws_of(spec, spec.example.encode(), RuleContext()) == []
    msgspec.json.decode(spec.example, type=spec.fast[0].type)


def test_there_are_clean_files_of_every_format():
    assert {name for name, _, _ in clean_files()} == set(FORMATS)


@pytest.mark.parametrize(("name", "path", "model"), clean_files(), ids=lambda each: getattr(each, "name", str(each)))
def test_a_clean_row_has_no_flaw_for_its_model_nor_where_no_model_is_named(name, path, model):
    for line in path.read_bytes().splitlines():
        assert flaws_of(FORMATS[name], line, RuleContext(model=model)) == []
        assert flaws_of(FORMATS[name], line, RuleContext()) == []


def said(name, row, model=None):
    """What is said of a row: the messages with their details, and the hints."""
    flaws = flaws_of(FORMATS[name], msgspec.json.encode(row), RuleContext(model=model))
    return [f"{flaw.message}; {flaw.detail}; {flaw.hint}" for flaw in flaws]


def user(*content):
    return {"role": "user", "content": list(content)}


def test_messages_say_what_was_found_and_what_is_expected():
    (few,) = said("distillation", {"messages": []})
    assert "at least one message, the user's; found 0" in few
    (few,) = said("sft", {"messages": [user({"text": "q"})]})
    assert "at least two messages, the user's and the assistant's; found 1" in few
    (white,) = said("distillation", {"messages": [user({"text": " "})]})
    assert "found only white space at messages[0].content" in white
    (empty,) = said("distillation", {"messages": [user({"text": ""}, {"text": ""})]})
    assert "found an empty text at messages[0].content; None" in empty
    (number,) = said("rft", {"messages": [{"role": "user", "content": "q"}], "reference_answer": 1})
    (boolean,) = said("rft", {"messages": [{"role": "user", "content": "q"}], "reference_answer": True})
    assert "found a number" in number
    assert "found true or false" in boolean


def test_an_empty_text_beside_a_call_is_told_to_be_left_out_and_reasoning_alone_is_named():
    call = {"toolUse": {"toolUseId": "t", "name": "n", "input": {}}}
    turns = [user({"text": "q"}), {"role": "assistant", "content": [{"text": ""}, call]}]
    assert any("leave the empty text item out" in each for each in said("sft", {"messages": turns}))
    turns[1]["content"] = [{"reasoningContent": {"reasoningText": {"text": "r"}}}]
    (alone,) = said("sft", {"messages": turns})
    assert "found only reasoningContent at messages[1].content" in alone


def test_the_limits_of_pictures_in_a_row_are_limits():
    picture = {"data": "data:image/gif;base64,R0lGODlhHgAeAA=="}
    assert said("gen_qa", {"query": "q", "response": "a", "images": [picture] * 10}) == []
    assert len(said("gen_qa", {"query": "q", "response": "a", "images": [picture] * 11})) == 1


def test_digits_of_other_scripts_are_no_account_id():
    place = {"uri": "s3://b/k.png", "bucketOwner": "١" * 12}  # noqa: RUF001 - such a digit is the point
    content = [{"text": "q"}, {"image": {"format": "png", "source": {"s3Location": place}}}]
    (owner,) = said("distillation", {"messages": [{"role": "user", "content": content}]})
    assert "account id of 12 digits" in owner


@pytest.mark.parametrize(
    ("name", "model", "fits"),
    [
        ("dpo", "nova-pro", True),
        ("dpo", "nova-2-lite", False),
        ("rft", "nova-2-lite", True),
        ("rft", "nova-lite", False),
        ("multi-turn-rft", "nova-micro", False),
        ("sft", "nova-2-lite", True),
    ],
)
def test_a_format_says_which_models_take_it(name, model, fits):
    found = list(FORMATS[name].unsuited(RuleContext(model=catalogue().model(model))))
    assert [flaw.code for flaw in found] == ([] if fits else ["format-not-for-model"])
    assert list(FORMATS[name].unsuited(RuleContext())) == []
