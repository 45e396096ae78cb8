"""Measuring: a file's figures are those of its rows, in every format, however broken some of its lines are."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.stats import measure as room
from novaline.datasets.stats.measure import measure
from novaline.datasets.stats.remarks import remarks

EXAMPLE = Path(__file__).parents[3] / "examples" / "support-intents" / "train.jsonl"


def turn(role, text):
    return {"role": role, "content": [{"text": text}]}


def sft(question, answer, *, system=None, before=()):
    row = {"messages": [*before, turn("user", question), turn("assistant", answer)]}
    return {"system": [{"text": system}], **row} if system else row


def lines(*rows):
    return [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]


@pytest.fixture
def measured(tmp_path):
    def of(rows, format_name="sft"):
        path = tmp_path / "data.jsonl"
        path.write_bytes("\n".join(lines(*rows)).encode("utf-8", "surrogatepass") + b"\n")
        return measure(path, FORMATS[format_name])

    return of


def codes(found):
    return {remark.code: remark for remark in remarks(found)}


# ---- what is counted ---------------------------------------------------------------------------------------------


def test_the_example_has_21_labels_of_108_rows_and_nothing_stands_out():
    found = measure(EXAMPLE, FORMATS["sft"])
    rows = [json.loads(line) for line in EXAMPLE.read_text(encoding="utf-8").splitlines()]
    assert found.rows == len(rows) == 2268
    assert found.bytes == EXAMPLE.stat().st_size
    assert {count for _, count in found.labels.counts} == {108}
    assert found.turns.counts == {2: 2268}
    questions = [row["messages"][0]["content"][0]["text"] for row in rows]
    assert found.tokens.question.total == sum(-(-len(text.encode()) // 4) for text in questions)
    assert remarks(found) == ()


def test_a_token_is_estimated_for_four_bytes_of_text_rounded_up(measured):
    found = measured([sft("x" * 9, "é" * 4, system="sys")])
    assert (found.tokens.question.total, found.tokens.answer.total, found.tokens.system.total) == (3, 2, 1)
    assert found.tokens.row.total == 5  # 20 bytes


def test_rows_of_any_shape_are_counted_with_the_lines_that_they_stand_on(measured):
    chat = sft("and now?", "later", before=[turn("user", "hello"), turn("assistant", "hi")])
    found = measured([sft("a", "b"), "", chat, "{oops", sft("long " * 40, "c"), "[]", sft("a", "b")])
    assert found.rows == 4
    assert (found.unreadable.rows, found.unreadable.lines) == (2, (4, 6))
    assert found.turns.counts == {2: 3, 4: 1}
    assert found.longest[0] == (5, 51)
    assert [(group.rows, group.lines) for group in found.repeats.worst_rows] == [(2, (1, 7))]
    assert [sample.line for sample in found.samples] == [3, 5, 7]


def test_a_row_counts_the_same_alone_and_beside_rows_of_other_shapes(measured):
    rows = [sft(f"question {number}", f"answer {number % 3}", system="s") for number in range(50)]
    alone = measured(rows).as_json()
    broken = measured([*rows, "{"]).as_json()
    assert broken["unreadable"] == {"rows": 1, "lines": [51]}
    for name in ("rows", "tokens", "labels", "turns", "system", "repeats", "longest"):
        assert broken[name] == alone[name]


def test_the_same_question_under_another_system_text_is_another_prompt(measured):
    found = measured([sft("a", "b", system="one"), sft("a", "c", system="two")])
    assert (found.repeats.prompts, found.systems.different) == (0, 2)


def test_a_file_without_a_newline_at_its_end_or_with_a_byte_order_mark_is_whole(tmp_path):
    path = tmp_path / "data.jsonl"
    row = json.dumps(sft("a", "b")).encode()
    path.write_bytes(b"\xef\xbb\xbf" + row + b"\r\n" + row)
    found = measure(path, FORMATS["sft"])
    assert (found.rows, found.unreadable.rows) == (2, 0)


def test_blocks_do_not_change_what_is_found(tmp_path, monkeypatch):
    path = tmp_path / "data.jsonl"
    rows = [sft("q" * (number % 90), f"answer {number % 7}") for number in range(1, 900)]
    path.write_text("\n".join(lines(*rows)), encoding="utf-8")
    whole = measure(path, FORMATS["sft"])
    small = room.LineFile.blocks

    def in_pieces(self):
        for first, block in small(self):
            assert block is not None
            for start in range(0, len(block), 10):
                yield first + start, block[start : start + 10]

    monkeypatch.setattr(room.LineFile, "blocks", in_pieces)
    assert measure(path, FORMATS["sft"]) == whole


ROW = {
    "sft": sft("a question", "an answer", system="sys"),
    "distillation": {"messages": [turn("user", "a question")]},
    "dpo": {
        "messages": [
            turn("user", "a question"),
            {
                "role": "assistant",
                "candidates": [
                    {"content": [{"text": "worse"}], "preferenceLabel": "non-preferred"},
                    {"content": [{"text": "better"}], "preferenceLabel": "preferred"},
                ],
            },
        ]
    },
    "rft": {"id": "1", "messages": [{"role": "user", "content": "a question"}], "reference_answer": {"intent": "x"}},
    "multi-turn-rft": {"id": "1", "metadata": {"prompt": "a question", "answer": "an answer"}},
    "cpt": {"text": "a question"},
    "gen_qa": {"query": "a question", "response": "an answer"},
    "llm_judge": {"prompt": "a question", "response_A": "an answer", "response_B": "another answer"},
    "rubric_llm_judge": {"prompt": "a question", "response_A": "an answer", "response_B": "another answer"},
}
TOKENS = {
    "sft": 6,
    "distillation": 3,
    "dpo": 6,
    "rft": 3,
    "multi-turn-rft": 3,
    "cpt": 3,
    "gen_qa": 5,
    "llm_judge": 9,
    "rubric_llm_judge": 9,
}


def test_every_format_has_a_row_here():
    assert set(ROW) == set(FORMATS) == set(TOKENS)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_row_of_every_format_counts_what_the_model_reads_of_it(measured, format_name):
    found = measured([ROW[format_name]] * 3, format_name)
    assert (found.rows, found.unreadable.rows, found.repeats.rows) == (3, 0, 2)
    assert found.tokens.row.counts == {TOKENS[format_name]: 3}
    assert found.tokens.question.counts == {3: 3}
    assert found.samples[0].question == "a question"
    json.dumps(found.as_json(), allow_nan=False)


def test_a_row_with_tools_counts_its_json(measured):
    tools = {"tools": [{"toolSpec": {"name": "search", "inputSchema": {"json": {"type": "object"}}}}]}
    row = {**sft("a", "b"), "toolConfig": tools}
    found = measured([row])
    assert found.tokens.row.total == -(-len(lines(row)[0]) // 4)


# ---- what deserves a look ----------------------------------------------------------------------------------------


def test_nothing_is_remarked_about_a_plain_dataset(measured):
    assert remarks(measured([sft(f"question {number}", f"a long answer {number}") for number in range(20)])) == ()


@pytest.mark.parametrize(
    ("code", "words", "rows"),
    [
        ("unreadable-rows", "1 row could not be read, and is not counted (line 2)", [sft("a", "b"), "{"]),
        ("empty-answers", "1 row without an answer (line 2)", [sft("a", "b"), sft("c", " ")]),
        (
            "contradictions",
            "1 prompt has different answers, in 2 rows (see lines 1, 3)",
            [sft("a", "b"), sft("c", "d"), sft("a", "e")],
        ),
        (
            "repeated-rows",
            "2 rows (66.7 %) repeat an earlier one byte for byte (see lines 1, 2, 3)",
            [sft("a", "b")] * 3,
        ),
        ("repeated-prompts", "1 more row asks", [sft("a", "b"), json.dumps(sft("a", "b"), separators=(",", ":"))]),
        ("label-spellings", "'Refund', 'refund'", [sft(str(n), "Refund" if n % 2 else "refund") for n in range(8)]),
        ("one-label", "every answer is 'yes'", [sft(str(n), "yes") for n in range(8)]),
        (
            "imbalance",
            "11 times as many rows as the rarest: 'no' 55, 'yes' 5",
            [sft(str(n), "no" if n > 4 else "yes") for n in range(60)],
        ),
        (
            "long-answers",
            "1 row is answered with a long text",
            [sft(str(n), "yes" if n else "x" * 99) for n in range(40)],
        ),
        ("mixed-rows", "1 of 2 rows have a system text", [sft("a", "b"), sft("c", "d", system="s")]),
        ("system-texts", "2 different system texts", [sft("a", "b", system="r"), sft("c", "d", system="s")]),
        ("rough-estimate", "not written in ASCII", [sft("привет, где мой заказ?", "уже в пути")]),
    ],
)
def test_what_stands_out_is_remarked(measured, code, words, rows):
    assert words in codes(measured(rows))[code].text


# ---- whatever comes ----------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [*(json.dumps(row).encode() for row in ROW.values()), b"{", b"}", b"[" * 5000, b"\xff\xfe", b"", b"null",
     b'{"text":"\\ud800"}', b'{"messages":' * 600, b'{"text": 1e999}', b"\r", b"\x00", "\u2028".encode(),
     b'{"text":"a","text":"b"}']
)  # fmt: skip


@given(pieces=st.lists(PIECES | st.binary(max_size=30), max_size=12), format_name=st.sampled_from(sorted(FORMATS)))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_line_breaks_the_measurement(tmp_path, pieces, format_name):
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"\n".join(pieces))
    found = measure(path, FORMATS[format_name])
    told = [line for line in b"\n".join(pieces).split(b"\n") if line.strip() and line != b"\xef\xbb\xbf"]
    assert found.rows + found.unreadable.rows == len(told)
    json.dumps(found.as_json(), allow_nan=False)
    remarks(found)


def test_a_folder_is_refused_as_the_operating_system_would(tmp_path):
    with pytest.raises(OSError, match="it is a folder"):
        measure(tmp_path, FORMATS["sft"])


_PEAK = """
import resource, sys
from pathlib import Path
from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.stats.measure import measure
found = measure(Path(sys.argv[1]), FORMATS["gen_qa"])
print(found.rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(*sorted({"altair", "jinja2", "vl_convert", "boto3", "pyarrow"} & set(sys.modules)))
"""


def peak(path):
    told = subprocess.run([sys.executable, "-c", _PEAK, str(path)], capture_output=True, text=True, check=True)
    rows, kilobytes, *heavy = told.stdout.split()
    return int(rows), int(kilobytes), heavy


def test_memory_stays_where_it_is_when_the_rows_are_ten_times_as_many(tmp_path):
    few, many = tmp_path / "few.jsonl", tmp_path / "many.jsonl"
    for path, number in ((few, 20_000), (many, 200_000)):
        with path.open("w", encoding="utf-8") as file:
            for each in range(number):
                file.write(f'{{"query": "question number {each}", "response": "answer number {each}"}}\n')
    (rows_few, low, heavy), (rows_many, high, _) = peak(few), peak(many)
    assert (rows_few, rows_many) == (20_000, 200_000)
    assert high < low + 20_000
    assert heavy == []
