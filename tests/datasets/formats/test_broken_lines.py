"""A line that is no JSON is told in a person's words, and what makes all lines of a file unreadable is told once."""

import msgspec
import pytest

from novaline.datasets.formats.broken_lines import UNREADABLE, file_flaw, line_flaw, may_repeat_keys, repeated_key

ROW = '{"text": "a"}'


def problem_of(line):
    try:
        msgspec.json.decode(line)
    except UNREADABLE as problem:
        return problem
    raise AssertionError(line)


@pytest.mark.parametrize(
    ("first", "code", "words"),
    [
        (ROW.encode("utf-16"), "not-utf-8", "UTF-16"),
        (ROW.encode("utf-16-le"), "not-utf-8", "UTF-16"),
        (ROW.encode("utf-16-be"), "not-utf-8", "UTF-16"),
        (ROW.encode("utf-32"), "not-utf-8", "UTF-32"),
        (ROW.encode("utf-32-be"), "not-utf-8", "UTF-32"),
        (b"\x1f\x8b\x08\x00rest", "not-lines", "compressed"),
        (b"\x28\xb5\x2f\xfdrest", "not-lines", "compressed"),
        (b"PAR1rest", "not-lines", "compressed"),
        (b' [{"text": "a"},', "not-lines", "list"),
        (b'{"text": "a"}\r{"text": "b"}\r', "not-lines", "carriage returns"),
    ],
)
def test_what_makes_every_line_unreadable_is_known_from_the_first_one(first, code, words):
    flaw = file_flaw(first)
    assert (flaw.code, flaw.severity) == (code, "error")
    assert words in flaw.message
    assert flaw.hint


@pytest.mark.parametrize("first", [b'{"text": "a"', b"", b"\0\0\0\0", b"x", b'{"text": "a\rb"}x'])
def test_a_first_line_that_is_merely_broken_accuses_no_other_line(first):
    assert file_flaw(first) is None


@pytest.mark.parametrize(
    ("line", "code", "column"),
    [
        (b'\xef\xbb\xbf{"text": "a"}', "byte-order-mark", 1),
        (b'{"text": NaN}', "not-a-number", 10),
        (b'{"text": -Infinity}', "not-a-number", 11),
        (b'{"text": "\xff"}', "not-utf-8", None),
        (b'{"text": "\xed\xa0\x80"}', "not-utf-8", None),
        (b'{"text": "\\ud800"}', "lone-surrogate", None),
        (b'{"text": "a\x01"}', "control-character", 12),
        (b"{", "not-lines", None),
        (b"[" * 100_000, "too-deep", None),
        (b'{"text": "a"},', "unreadable-json", 14),
        (b'{"text": "a"}  {', "unreadable-json", 16),
        (b'{"text": "a"', "unreadable-json", 13),
        (b'{"n": 1' + b"0" * 5000 + b"}", "unreadable-json", None),
    ],
)
def test_why_a_line_is_no_json(line, code, column):
    flaw, found = line_flaw(problem_of(line), line)
    assert flaw.code == code
    if column is not None:
        assert found == column


def test_the_words_for_a_broken_line_name_neither_byte_nor_path_so_that_like_mistakes_are_counted_together():
    flaws = {line_flaw(problem_of(line), line)[0] for line in (b'{"a": 1},', b'{"a": 12},', b'{"a": 1}}')}
    assert [flaw.message for flaw in flaws] == ["the line is not JSON: trailing characters"]
    number = b'{"a": [1e999]}'
    message = line_flaw(problem_of(number), number)[0].message
    assert "$" not in message
    assert "out of range" in message


def test_a_repeated_key_is_found_however_it_is_written():
    assert repeated_key(b'{"a": 1, "b": {"c": 1, "\\u0063" : 2}}').detail == "found `c` twice"
    assert repeated_key(b'{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}') is None
    assert may_repeat_keys(b'{"a": 1, "a": 2}')
    assert not may_repeat_keys(b'{"a": "\\"a\\": 1"}')
