"""A fast shape says of a row what its format's full rules and view say; the engine may believe it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import defects

from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.formats.spec import RuleContext

TEXTS = st.sampled_from(["", " ", "\t\n", "a", "b c", "ü", "User: x", "\u3000"])
SAID = st.sampled_from(["a", "b c", "ü"])
PARTS = st.one_of(
    st.lists(st.fixed_dictionaries({"text": SAID}), min_size=1, max_size=1),
    st.lists(st.fixed_dictionaries({"text": TEXTS}), max_size=2),
)
HEAD = {
    "system": st.one_of(PARTS, st.just([{"text": "be brief"}])),
    "schemaVersion": st.sampled_from(["bedrock-conversation-2024", "2023"]),
}


def turn(role):
    return st.fixed_dictionaries({"role": st.just(role), "content": PARTS})


CANDIDATE = st.fixed_dictionaries(
    {"content": PARTS, "preferenceLabel": st.sampled_from(["preferred", "non-preferred", "non-preferred"])}
)
CANDIDATES = st.fixed_dictionaries(
    {"role": st.just("assistant"), "candidates": st.lists(CANDIDATE, min_size=2, max_size=2)}
)
CHAT = {
    "system": st.fixed_dictionaries({"role": st.just("system"), "content": TEXTS}),
    "user": st.fixed_dictionaries({"role": st.just("user"), "content": TEXTS}),
}
CHATS = st.one_of(st.tuples(CHAT["user"]), st.tuples(CHAT["system"], CHAT["user"]), st.tuples(CHAT["system"]))
PAIRS = st.tuples(turn("user"), turn("assistant"))
TURNS = st.one_of(
    st.tuples(turn("user"), turn("assistant"), turn("user"), turn("assistant")),
    st.lists(st.one_of(turn("user"), turn("assistant")), max_size=4),
)
JUDGED = st.fixed_dictionaries({"prompt": TEXTS, "response_A": TEXTS, "response_B": TEXTS})
ROWS = {
    "sft": st.fixed_dictionaries({"messages": st.one_of(PAIRS, TURNS)}, optional=HEAD),
    "dpo": st.fixed_dictionaries({"messages": st.tuples(turn("user"), CANDIDATES)}, optional=HEAD),
    "distillation": st.fixed_dictionaries(
        {"messages": st.one_of(PAIRS, st.tuples(turn("user")), st.tuples(turn("assistant")))}, optional=HEAD
    ),
    "rft": st.fixed_dictionaries(
        {"messages": CHATS},
        optional={
            "id": TEXTS,
            "reference_answer": st.one_of(TEXTS, st.just({}), st.just({"b": [1], "a": 2})),
            "own": st.just([{"User:": 1}]),
            "tools": st.sampled_from([None, []]),
        },
    ),
    "multi-turn-rft": st.fixed_dictionaries(
        {
            "id": TEXTS,
            "metadata": st.fixed_dictionaries(
                {"prompt": TEXTS}, optional={"answer": TEXTS, "info": st.sampled_from([{}, "{}", "{"])}
            ),
        }
    ),
    "cpt": st.fixed_dictionaries({"text": TEXTS}),
    "gen_qa": st.fixed_dictionaries({"query": TEXTS, "response": TEXTS}, optional={"system": TEXTS, "metadata": TEXTS}),
    "llm_judge": JUDGED,
    "rubric_llm_judge": JUDGED,
}


def keys_in(value):
    """How many keys all objects of a value have together."""
    if isinstance(value, dict):
        return len(value) + sum(map(keys_in, value.values()))
    return sum(map(keys_in, value)) if isinstance(value, list | tuple) else 0


def test_every_format_has_rows_here():
    assert set(ROWS) == set(FORMATS)


@pytest.mark.parametrize("name", ROWS)
@given(data=st.data())
def test_a_row_that_a_fast_shape_takes_without_doubt_is_what_the_full_shape_says(name, data):
    spec, rows = FORMATS[name], data.draw(st.lists(ROWS[name], min_size=1, max_size=3))
    lines = [msgspec.json.encode(row) for row in rows]
    for shape in spec.fast:
        try:
            columns = shape.columns(msgspec.json.Decoder(shape.type).decode_lines(b"\n".join(lines)))
        except msgspec.ValidationError:
            continue
        assert columns.keys in (None, keys_in(rows))
        for index in set(range(len(lines))) - set(columns.doubtful):
            row = msgspec.json.decode(lines[index], type=spec.full)
            assert list(spec.flaws(row, RuleContext())) == []
            view = spec.view(row)
            assert columns.prompts[index] == view.prompt
            assert (columns.questions or columns.prompts)[index] == view.question
            assert view.answer == (None if columns.answers is None else columns.answers[index])
            assert (view.system or "") == ("" if columns.systems is None else columns.systems[index])
            assert (view.id or "") == ("" if columns.ids is None else columns.ids[index])
            assert view.features == shape.features | ({"system"} if view.system else set())
            assert view.media == ()


@pytest.mark.parametrize("case", defects(), ids=str)
def test_a_fast_shape_takes_no_row_with_a_defect_but_for_words_and_what_it_doubts(case):
    spec = FORMATS[case.format]
    for shape in spec.fast:
        try:
            columns = shape.columns([msgspec.json.decode(case.line, type=shape.type)])
        except msgspec.ValidationError:
            continue
        assert case.code == "reserved-word" or list(columns.doubtful) == [0]


@pytest.mark.parametrize("name", ROWS)
def test_some_rows_are_fast(name):
    spec = FORMATS[name]
    row = msgspec.json.decode(spec.example, type=spec.fast[0].type)
    assert list(spec.fast[0].columns([row, row]).doubtful) == []
