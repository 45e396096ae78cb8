"""Both ways of looking at bytes see the same, and overlook no line that needs a closer look."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novaline.datasets.engine.blocks import Block
from novaline.datasets.engine.fast_look import FastLook
from novaline.datasets.engine.look import plain_look
from novaline.datasets.formats.reserved import RESERVED

FAST = FastLook()
PIECES = [
    *RESERVED, '{"a": "b"}', '{"a" : 1}', '"', '":', '\\"', '\\":', "{", "}", "}\r", " ", "\t:", "\\u0041", "\\u0000",
    "\\u00e9", "\\ufffd", "\\uFEFF", "\x7f", "\u0085", "\ufffd", "\ufeff", "é", "<b>", "[E", "[EOS", "User", ":",
    "\\\\", "x" * 20,
]  # fmt: skip
TEXT = st.lists(st.sampled_from([*PIECES, "\n"]), max_size=30).map("".join)


def block_of(data):
    return Block(bytearray(data) + b"rest of an earlier block: User: <image> \\u0000", len(data), 0, len(data))


def looks(data, *, reserved=True):
    return [look(block_of(data), reserved=reserved) for look in (plain_look, FAST)]


@settings(max_examples=400)
@given(st.one_of(TEXT.map(str.encode), st.binary(max_size=80)), st.booleans())
def test_both_ways_see_the_same(data, reserved):
    plain, fast = looks(data + b"\n", reserved=reserved)
    assert plain.lines == fast.lines
    assert plain.one_each == fast.one_each
    assert {*plain.suspects} == {*fast.suspects}
    assert plain.keys == fast.keys or plain.keys is None or fast.keys is None


@pytest.mark.parametrize("word", [*RESERVED, "\\u0055ser:", "\\u0000", "\\u001f", "\x7f", "\u0085", "\ufffd", "\ufeff"])
def test_a_line_with_a_reserved_word_or_a_control_character_is_suspect(word):
    for before in ("", "and ", "x" * 70):
        lines = ["{}", json.dumps({"a": "b"}), f'{{"text": "{before}{word}"}}', '{"text": "fine"}']
        for look in looks("".join(line + "\n" for line in lines).encode()):
            assert look.suspects == (2,), before


def test_no_ordinary_line_is_suspect():
    text = 'The answer: "yes" <b>bold</b> [End] a \\u00e9 user:s and \\n System : é ü'
    for look in looks((json.dumps({"text": text}, ensure_ascii=False) + "\n").encode() * 3):
        assert look.suspects == ()


@pytest.mark.parametrize(
    ("lines", "one_each"),
    [
        (['{"a": 1}', '{"b": 2}'], True),
        (['{"a": 1}\r', '{"b": 2}\r'], True),
        (['{"a": 1} {"c": 3}', '{"b": 2}'], True),  # two rows for two lines less one: the decoder's count tells
        (['{"a": 1}', "", '{"b": 2}'], False),
        (['{"a":', '{"b": 2}}'], False),
        ([' {"a": 1}', '{"b": 2}'], False),
        (['{"a": 1}', ' {"b": 2}'], False),
        (['{"a": {"c": 1}', ', "b": {"d": 2}}'], False),
        (['{"a": 1}', '{"b": 2} '], False),
    ],
)
def test_lines_begin_and_end_as_objects_do(lines, one_each):
    for look in looks("".join(line + "\n" for line in lines).encode()):
        assert (look.lines, look.one_each) == (len(lines), one_each)


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ('{"a": {"b": "c: d", "e": ["f"]}}', 3),
        ('{"a": "he said \\"yes\\": no"}', 1),
        ('{"a": 1, "a": 2}', 2),
        ('{"a" : 1}', None),
        ('{"a"\t \t: 1}', None),
    ],
)
def test_keys_are_counted(line, keys):
    for look in looks(line.encode() + b"\n"):
        assert look.keys == keys
