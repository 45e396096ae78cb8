"""Rows and own answers as the laboratory reads them."""

import json

import pytest

from novaline.findings import NovalineError
from novaline.rewards.contract import rollout_of
from novaline.rewards.laboratory.own_answers import read_answers
from novaline.rewards.laboratory.rows import read_rows
from novaline.rewards.laboratory.samples import SHAPES, Answer, sample_of
from tests.rewards.laboratory.trials import label_rows, rows_of


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_rows_are_taken_evenly_over_the_file(tmp_path):
    found = read_rows(write(tmp_path / "rows.jsonl", label_rows(100)), 4)
    assert [row.line for row in found.taken] == [1, 26, 51, 76]
    assert found.in_all == 100


def test_all_rows_are_taken_where_there_are_no_more(tmp_path):
    assert len(read_rows(write(tmp_path / "rows.jsonl", label_rows(7)), 200).taken) == 7


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "the line is no JSON"),
        ("[]", "a row is an object"),
        ('{"messages": "hello"}', "a row has `messages`"),
        ('{"messages": [{"role": "system", "content": "hello"}]}', "no message of the row is a user's"),
    ],
)
def test_a_line_that_is_no_row_is_named(tmp_path, line, told):
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{json.dumps(label_rows(1)[0])}\n{line}\n", encoding="utf-8")
    with pytest.raises(NovalineError, match=told) as refused:
        read_rows(path, 10)
    assert refused.value.findings[0].line == 2


def test_both_shapes_hold_the_same_rollout():
    [row] = rows_of(label_rows(1, difficulty="hard", tools=[{"type": "function", "function": {"name": "f"}}])).taken
    answer = Answer("words", ({"name": "f", "arguments": {"a": 1}},))
    one, other = (rollout_of(sample_of(row, answer, "1", shape)) for shape in SHAPES)
    assert (one.answer, one.reference, one.fields, one.tools) == (
        other.answer,
        other.reference,
        other.fields,
        other.tools,
    )
    assert (one.answer, one.reference, one.fields["difficulty"]) == ("words", "card_arrival", "hard")
    assert one.tool_calls[0].name == other.tool_calls[0].name == "f"


def test_own_answers_belong_to_rows_by_id_or_line(tmp_path):
    rows = rows_of(label_rows(3)).taken
    path = write(
        tmp_path / "answers.jsonl",
        [{"id": "row-2", "answers": ["a", "b"]}, {"line": 1, "answer": "c"}, {"id": "another", "answer": "d"}],
    )
    assert read_answers(path, rows) == ([(2, "a"), (2, "b"), (0, "c")], 1)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"answer": "a"}, "the line is no answer to a row"),
        ({"id": "row-0", "answer": 5}, "`answer` is text"),
        ({"id": "elsewhere", "answer": "a"}, "none of the answers belongs to a row"),
    ],
)
def test_answers_that_are_none_are_told(tmp_path, document, told):
    with pytest.raises(NovalineError, match=told):
        read_answers(write(tmp_path / "answers.jsonl", [document]), rows_of(label_rows(1)).taken)
