"""CSV and TSV: every row with its line, and nothing swallowed."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.datasets.readers.csv_files import read_csv
from novaline.findings import NovalineError


def table(data: bytes, **options):
    batches = list(read_csv(io.BytesIO(data), source="x.csv", **options))
    rows = [
        (number, *(batch.columns[name][index] for name in batch.names))
        for batch in batches
        for index, number in enumerate(batch.numbers)
    ]
    return rows, [(bad.number, bad.excerpt) for batch in batches for bad in batch.unreadable]


def refusal_of(data: bytes, **options):
    with pytest.raises(NovalineError) as problem:
        table(data, **options)
    return problem.value.findings[0]


def test_rows_keep_their_lines_past_blank_lines_and_texts_of_several_lines():
    rows, bad = table(b'a,b\n1,2\n\n"x\ny\n",3\n4\n5,6\n7,8,9\n')
    assert rows == [(2, "1", "2"), (4, "x\ny\n", "3"), (8, "5", "6")]
    assert bad == [(7, "4"), (9, "7,8,9")]


def test_a_byte_order_mark_and_windows_lines_are_read():
    assert table(b"\xef\xbb\xbfa,b\r\n1,2\r\n\r\n3,4\r\n")[0] == [(2, "1", "2"), (4, "3", "4")]


def test_a_header_without_rows_and_an_empty_file_hold_none():
    assert table(b"a,b\n") == ([], [])
    assert table(b"") == ([], [])


@pytest.mark.parametrize("data", [b'a,b\n1,"x\n3,4\n', b'a,b\n1,"x\n3,"y\n', b'a,b\n1,"x"y\n'])
def test_a_quote_that_does_not_match_is_refused_and_never_swallows_rows(data):
    found = refusal_of(data)
    assert found.code == "unmatched-quotes"
    assert found.line in (2, 3)


def test_quotes_can_be_ordinary_characters():
    rows, _ = table(b'a\tb\n"x\t5" pipe\n', delimiter="\t", quotes=False)
    assert rows == [(2, '"x', '5" pipe')]


def test_without_a_header_columns_are_named_by_their_places():
    (batch, *more) = read_csv(io.BytesIO(b"1,2\n3,4\n"), source="x.csv", header=False)
    assert batch.names == ("0", "1")
    assert [value for each in (batch, *more) for value in each.column("1")] == ["2", "4"]


def test_a_column_named_twice_is_refused():
    assert refusal_of(b"a,b,a\n1,2,3\n").code == "column-twice"


def test_what_is_not_utf_8_is_refused():
    assert "byte 0xff" in refusal_of(b"a,b\n1,\xff\n").message
    assert "UTF-16" in refusal_of("a,b\n1,2\n".encode("utf-16")).message


def test_a_column_is_found_by_name_by_place_or_told_with_the_nearest():
    (batch,) = read_csv(io.BytesIO(b"text,label\nhi,greet\n"), source="x.csv")
    assert batch.column("label") == batch.column("1") == ("greet",)
    with pytest.raises(NovalineError) as problem:
        batch.column("lable")
    assert problem.value.findings[0].hint == "did you mean label?"


_FIELD = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)


@given(rows=st.lists(st.tuples(_FIELD, _FIELD), max_size=8))
def test_what_the_standard_library_writes_is_read_back_with_the_right_lines(rows):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("a", "b"), *rows])
    read, bad = table(text.getvalue().encode())
    assert [row[1:] for row in read] == rows
    assert not bad
    physical = text.getvalue()
    for number, first, _ in read:
        before = "".join(io.StringIO(physical, newline="").readlines()[: number - 1])
        assert next(csv.reader(io.StringIO(physical[len(before) :], newline="")))[0] == first
