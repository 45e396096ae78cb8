"""JSON Lines and JSON: every row with its number, whatever is wrong beside it, in memory that does not grow."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.datasets.readers import json_files, json_lines
from novaline.datasets.readers.json_files import read_json
from novaline.datasets.readers.json_lines import read_json_lines
from novaline.findings import NovalineError


def lines_of(data: bytes):
    batches = list(read_json_lines(io.BytesIO(data), source="x.jsonl"))
    rows = [(number, row) for batch in batches for number, row in zip(batch.numbers, batch.rows, strict=True)]
    return rows, [bad for batch in batches for bad in batch.unreadable]


def rows_of(document, **options):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return [row for batch in read_json(io.BytesIO(data), source="x.json", **options) for row in batch.rows]


def refusal_of(data: bytes, **options) -> str:
    with pytest.raises(NovalineError) as problem:
        rows_of(data, **options)
    return str(problem.value)


# ---- JSON Lines --------------------------------------------------------------------------------------------------


def test_rows_keep_the_numbers_of_their_lines_past_blank_and_broken_ones():
    rows, bad = lines_of(b'\xef\xbb\xbf{"a": 1}\n\n  \n[1, 2]\n{"a"\n7\n\xff\n{"a": 2}')
    assert rows == [(1, {"a": 1}), (4, [1, 2]), (8, {"a": 2})]
    assert [each.number for each in bad] == [5, 6, 7]
    assert "neither an object nor a list" in bad[1].message


def test_a_file_of_many_blocks_gives_every_row_once(monkeypatch):
    monkeypatch.setattr(json_lines, "BLOCK_BYTES", 37)
    rows, bad = lines_of(b"".join(b'{"n": %d}\n' % number for number in range(500)))
    assert rows == [(number + 1, {"n": number}) for number in range(500)]
    assert not bad


def test_an_endless_line_is_told_and_passed_over(monkeypatch):
    monkeypatch.setattr(json_lines, "BLOCK_BYTES", 10)
    monkeypatch.setattr(json_lines, "LONGEST_LINE", 100)
    rows, bad = lines_of(b'{"a": 1}\n' + b"x" * 1000 + b'\n{"a": 2}\n')
    assert rows == [(1, {"a": 1}), (3, {"a": 2})]
    assert [each.number for each in bad] == [2]


@pytest.mark.parametrize(
    ("data", "code", "hint"),
    [
        (b'[{"a": 1},\n{"a": 2}]\n', "not-lines", "--kind json"),
        (b"[\n1\n]\n", "not-lines", "--kind json"),
        ('{"a": 1}\n{"a": 2}\n'.encode("utf-16"), "not-utf-8", "UTF-8"),
        (b"\x1f\x8b\x08\x00\n", "not-lines", ".gz"),
        (b'{"a": 1}\r{"a": 2}\r', "not-lines", "newline"),
    ],
)
def test_a_file_that_is_no_lines_at_all_is_refused_once_and_not_line_by_line(data, code, hint):
    with pytest.raises(NovalineError) as problem:
        lines_of(data)
    (finding,) = problem.value.findings
    assert (finding.code, finding.line) == (code, 1)
    assert hint in finding.hint


def test_rows_that_are_lists_may_have_a_broken_one_first():
    rows, bad = lines_of(b'["a", "b"\n["c", "d"]\n')
    assert (rows, [each.number for each in bad]) == ([(2, ["c", "d"])], [1])


def test_a_row_with_a_key_twice_is_told_because_one_of_its_values_would_be_lost():
    rows, bad = lines_of(b'{"a": 1}\n{"a": 2, "b": {"c": 1, "c": 2}}\n{"a" : "\\"x\\":"}\n')
    assert rows == [(1, {"a": 1}), (3, {"a": '"x":'})]
    assert [(each.number, each.code, each.detail) for each in bad] == [(2, "repeated-key", "found `c` twice")]


def test_broken_lines_are_told_as_the_validator_tells_them():
    _, bad = lines_of(b'{}\n{"a": NaN}\n{"a": "\xff"}\n{"a": "\\ud800"}\n{"a": 1},\n')
    codes = [(each.number, each.code) for each in bad]
    assert codes == [(2, "not-a-number"), (3, "not-utf-8"), (4, "lone-surrogate"), (5, "unreadable-json")]
    assert bad[0].detail == "byte 7"
    assert "byte" not in bad[3].message


def test_deep_nesting_is_an_unreadable_line():
    rows, bad = lines_of(b"[" * 100_000 + b"\n{}\n")
    assert rows == [(2, {})]
    assert bad[0].number == 1


# ---- JSON --------------------------------------------------------------------------------------------------------


def test_a_list_of_rows_and_the_only_list_of_an_object_are_read_without_being_told():
    assert rows_of([{"a": 1}, ["x", "y"], "z"]) == [{"a": 1}, ["x", "y"], "z"]
    assert rows_of({"version": {"n": [1]}, "rows": [1, 2], "more": None}) == [1, 2]


def test_selected_lists_are_read_in_the_files_order():
    document = {"b": [3], "a": [1, 2], "c": [4]}
    assert rows_of(document, select=("a", "b")) == [3, 1, 2]


def test_several_lists_without_a_selection_are_named():
    assert "several lists: a, b, c" in refusal_of(json.dumps({"a": [1], "b": [2], "c": [3]}).encode())


def test_a_key_that_is_not_there_is_told_with_the_nearest():
    with pytest.raises(NovalineError) as problem:
        rows_of({"train": [1], "test": [2]}, select=("trian",))
    assert problem.value.findings[0].hint == "did you mean train?"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "expected a list of rows"),
        (b"3", "expected a list of rows"),
        (b"{}", "expected a list of rows; it holds none"),
        (b'[1, {"a": ]', "this is no JSON (character 11"),
        (b"[1, 2", "expected a comma or the list's end (character 6"),
        (b'[{"a": "x', "no JSON"),
        (b"[NaN]", "NaN is no JSON"),
        (b"[1] [2]", "something follows"),
        (b'["\xff"]', "not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_a_broken_file_is_told_with_its_place(data, told):
    assert told in refusal_of(data)


def test_a_selection_in_a_plain_list_is_refused():
    assert "no key to select" in refusal_of(b"[1]", select=("a",))


_TEXT = st.text(st.characters(exclude_categories=("Cs",)))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(rows=st.lists(_VALUES, max_size=12), block=st.integers(1, 40), indent=st.sampled_from([None, 1]))
def test_wherever_a_block_ends_the_rows_are_those_of_the_file(rows, block, indent):
    before = json_files._BLOCK_BYTES
    json_files._BLOCK_BYTES = block
    try:
        assert rows_of(json.dumps(rows, indent=indent, ensure_ascii=False).encode()) == rows
    finally:
        json_files._BLOCK_BYTES = before


def test_what_was_read_is_forgotten(monkeypatch):
    monkeypatch.setattr(json_files, "_BLOCK_BYTES", 1000)
    document = json_files._Document(io.BytesIO(json.dumps([{"text": "x" * 50}] * 5000).encode()), "x.json")
    assert max(len(document._text) for _ in document.rows(())) < 3000


@pytest.mark.parametrize(
    ("data", "told", "hint"),
    [
        (b'[{"a": 1, "b": {"c": 1, "c": 2}}]', "the key 'c' twice", "keep one"),
        (b'{"rows": [{"a": 1, "a": 2}]}', "the key 'a' twice", "keep one"),
        (b'[{"a": 1},]', "a comma stands before `]`", "take it out"),
        (b'{"rows": [],}', "a comma stands before `}`", "take it out"),
        (b'[{"a": 1' + b"0" * 5000 + b"}]", "too many digits", ""),
        (b'{"a": 1}\n{"a": 2}\n', "several values", "--kind jsonl"),
        (b"[1]\n[2]\n", "follows", "--kind jsonl"),
        (b'{"data": {"rows": [1]}}', "it holds none", "no deeper"),
    ],
)
def test_what_would_lose_a_value_or_is_another_kind_of_file_is_refused(data, told, hint):
    with pytest.raises(NovalineError) as problem:
        rows_of(data)
    (finding,) = problem.value.findings
    assert told in finding.message
    assert hint in (finding.hint or "")
