"""A dataset is judged alike whether it is read in plain Python, with numpy, or by several processes."""

import gzip
import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest
from dataset_rows import row, turns
from hypothesis import given, settings
from hypothesis import strategies as st

from novaline.datasets import validate as validate_module
from novaline.datasets.engine import blocks, files, work
from novaline.datasets.formats.reserved import RESERVED
from novaline.datasets.source_files import data_files
from novaline.datasets.validate import Evaluation, LocalFile, ModelFacts, Options, validate
from novaline.findings import NovalineError
from novaline.recipes.catalogue import catalogue

MICRO = ModelFacts.of(catalogue().model("nova-micro"))
LITE = ModelFacts.of(catalogue().model("nova-2-lite"))
NESTED = b'{"toolConfig": {"tools": [{"toolSpec": {"name": "", "inputSchema": {"json": {"a": ' + b'{"a":' * 5000
SFT = Options(format="sft", model=MICRO, evaluation=True, sensitive=False)


def sft(question="q", answer="a", **more):
    return {"messages": turns(question, answer), **more}


def unique(number):
    return row("sft", f"question {number}")


@pytest.fixture(params=["small", "large", "processes"])
def way(request, monkeypatch):
    """Makes validation take one of its ways for every file."""
    if request.param == "small":
        monkeypatch.setattr(validate_module, "_LARGE", 1 << 40)
        return {}
    monkeypatch.setattr(validate_module, "_LARGE", -1)
    for module in (files, work):
        monkeypatch.setattr(module, "PART_BYTES", 700)
    return {"processes": 1 if request.param == "large" else 2}


@pytest.fixture
def judged(tmp_path, way):
    """Validates rows (dicts, or raw bytes), and returns the report."""

    def validated(*rows, options=SFT, end=b"\n", **more):
        path = tmp_path / "data.jsonl"
        lines = [item if isinstance(item, bytes) else json.dumps(item).encode() for item in rows]
        path.write_bytes(b"\n".join(lines) + end)
        return validate([path], options, **way, **more)

    return validated


@pytest.fixture
def ordinary_recursion_limit():
    """How deep is too deep depends on the interpreter's limit, which libraries of other tests raise."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


def found(report):
    return [(finding.code, finding.line) for finding in report.findings]


# ---- files -------------------------------------------------------------------------------------------------------


def test_digest_bytes_and_rows_are_those_of_the_file(judged, tmp_path):
    report = judged(*map(unique, range(1000)))
    content = (tmp_path / "data.jsonl").read_bytes()
    (file,) = report.files
    assert (file.sha256, file.bytes, file.rows) == (hashlib.sha256(content).hexdigest(), len(content), 1000)
    assert report.findings == ()


def test_a_file_without_a_last_newline_or_with_carriage_returns_is_fine(judged):
    assert judged(unique(1), unique(2), end=b"").findings == ()
    report = judged(*(json.dumps(unique(number)).encode() + b"\r" for number in range(3)))
    assert (report.findings, report.rows) == ((), 3)


def test_an_empty_file_has_no_rows(judged):
    assert found(judged(end=b"")) == [("no-rows", None)]


def test_several_files_are_one_dataset_and_findings_name_theirs(tmp_path, way):
    paths = [tmp_path / name for name in ("one.jsonl", "two.jsonl", "three.jsonl")]
    for path, numbers in zip(paths, (range(20), range(20, 30), [5, 40]), strict=True):
        path.write_text("".join(json.dumps(unique(number)) + "\n" for number in numbers))
    with paths[1].open("a") as file:
        file.write("{\n")
    report = validate(paths, SFT, **way)
    places = [(each.code, Path(each.file).name, each.line, each.count) for each in report.findings]
    assert places == [("not-lines", "two.jsonl", 11, 1), ("duplicate-row", "three.jsonl", 1, 1)]
    assert report.findings[1].message.endswith(f"as line 6 of {paths[0]}")
    assert [file.rows for file in report.files] == [20, 11, 2]


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(OSError, match="folder"):
        validate([tmp_path], SFT)
    with pytest.raises(FileNotFoundError):
        validate([tmp_path / "nothing.jsonl"], SFT)


# ---- lines -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "code", "column"),
    [
        (b'{"messages": [', "unreadable-json", 15),
        (b"not json", "unreadable-json", None),
        (b'{"messages": oops}', "unreadable-json", 14),
        (b"[1, 2]", "wrong-shape", None),
        (b'"text"', "wrong-shape", None),
        (b"{", "not-lines", None),
        (b"", "blank-line", None),
        (b"  \t ", "blank-line", None),
        (b'{"messages": [{"role": "user", "content": [{"text": "\xff"}]}]}', "not-utf-8", None),
        (b'{"messages": [{"role": "user", "content": [{"text": "a\tb"}]}]}', "control-character", 55),
        (b'{"messages": NaN}', "not-a-number", 14),
        (b'{"messages": -Infinity}', "not-a-number", 15),
        (b'{"messages": [{"role": "user", "content": [{"text": "\\ud800"}]}]}', "lone-surrogate", None),
        pytest.param(b'{"messages": ' + b"[" * 5000, "wrong-shape", None, id="many brackets"),
        pytest.param(NESTED, "too-deep", None, id="nested"),
        (json.dumps(sft()).encode() * 2, "unreadable-json", None),
        (json.dumps(sft(extra=1)).encode(), "unknown-field", None),
        (json.dumps(sft(answer=" \n")).encode(), "empty-text", None),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("ordinary_recursion_limit")
def test_a_bad_line_is_found_at_its_place(judged, bad, code, column):
    report = judged(*map(unique, range(12)), bad, unique(20))
    (finding,) = report.findings
    assert (finding.code, finding.severity, finding.line, finding.count) == (code, "error", 13, 1)
    assert column is None or finding.column == column
    assert finding.offset == sum(len(json.dumps(unique(number))) + 1 for number in range(12))
    assert report.rows == (13 if code == "blank-line" else 14)


def test_a_line_that_is_too_long_is_told_and_skipped(judged, monkeypatch):
    monkeypatch.setattr(blocks, "LONGEST_LINE", 3000)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 500)
    long = b'{"a": "' + b"x" * 3_000_000 + b'"}'
    report = judged(unique(1), long, unique(2), b"{")
    assert found(report) == [("line-too-long", 2), ("not-lines", 4)]
    assert len(report.findings[0].excerpt) <= 200
    assert report.rows == 4


def test_two_objects_on_a_line_are_told_even_where_a_blank_line_makes_up_for_them(judged):
    two = json.dumps(sft()).encode() + b" " + json.dumps(sft("r")).encode()
    assert found(judged(unique(1), two, b"", unique(2))) == [("unreadable-json", 2), ("blank-line", 3)]


def test_an_object_over_two_lines_is_told_even_where_two_objects_on_a_line_make_up_for_it(judged):
    head, tail = json.dumps(sft("r")).encode().split(b" {", 1)
    two = json.dumps(sft()).encode() * 2
    codes = [code for code, _ in found(judged(unique(1), head, b"{" + tail, two))]
    assert codes
    assert "unreadable-json" in codes


def test_a_byte_order_mark_is_an_error_and_the_row_behind_it_is_still_read(judged):
    report = judged(b"\xef\xbb\xbf" + json.dumps(unique(1)).encode(), b"x", unique(1))
    assert found(report) == [("byte-order-mark", 1), ("unreadable-json", 2), ("duplicate-row", 3)]
    assert report.rows == 3


@pytest.mark.parametrize(
    ("lines", "code", "words"),
    [
        ([b"[", *[b"  {}," for _ in range(500)], b"]"], "not-lines", "a dataset is no JSON list"),
        ([b'[{"messages": []}, {"messages": []}]'], "not-lines", "a dataset is no JSON list"),
        (('{"a": 1}\n' * 300).encode("utf-16").split(b"\n"), "not-utf-8", "UTF-16"),
        ([b"\x1f\x8b\x08" + b"\xff" * 3000], "not-lines", "compressed"),
    ],
)
def test_a_file_that_is_no_lines_of_json_is_one_finding_that_says_what_it_is(judged, lines, code, words):
    (finding,) = judged(*lines).findings
    assert (finding.code, finding.line, words in finding.message, finding.hint is not None) == (code, 1, True, True)


@pytest.mark.parametrize("word", RESERVED)
def test_a_reserved_word_is_found_wherever_it_stands_and_however_it_is_escaped(judged, word):
    escaped = "".join(f"\\u{ord(char):04x}" for char in word)
    hidden = json.dumps(sft("hidden")).replace('"hidden"', f'"{escaped}"').encode()
    rows = [
        unique(1), sft(f"say {word} x"), sft("r", word), sft("s", "a", system=[{"text": word}]), hidden, unique(2),
        {"messages": [*turns("a", "b"), *turns(f"c {word}", "d")]},
    ]  # fmt: skip
    (finding, *_) = [each for each in judged(*rows).findings if each.code == "reserved-word"]
    assert (finding.severity, finding.count, finding.lines) == ("error", 5, (2, 3, 4, 5, 7))
    assert repr(word) in finding.message


def test_a_reserved_word_outside_of_texts_or_in_an_evaluation_is_none(judged):
    schema = {"json": {"type": "object", "title": "User:"}}
    tools = {"tools": [{"toolSpec": {"name": "t", "description": "d", "inputSchema": schema}}]}
    assert judged(sft(toolConfig=tools), options=msgspec.structs.replace(SFT, model=LITE)).findings == ()
    question = msgspec.structs.replace(SFT, format="gen_qa")
    assert judged({"query": "User: hi", "response": "x"}, options=question).findings == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("\0", "control-character"), ("a\x1fb", "control-character"), ("\x7f", "control-character"),
        ("\x85", "control-character"), ("\ufffd", "replacement-character"), ("\ufeff", "byte-order-mark-inside"),
    ],
)  # fmt: skip
def test_characters_that_nobody_meant_are_warned_about_raw_and_escaped(judged, text, code):
    rows = [json.dumps(sft(f"{code} {text}"), ensure_ascii=ascii_).encode() for ascii_ in (True, False)]
    rows[1] = rows[1].replace(b"q", b"r")
    report = judged(unique(1), *rows, unique(2))
    codes = {
        finding.code: finding for finding in report.findings if finding.code not in ("near-duplicate", "duplicate-row")
    }
    assert codes.keys() == {code}
    assert (codes[code].severity, codes[code].lines) == ("warning", (2, 3))


def test_white_space_that_texts_have_is_none_of_them(judged):
    assert judged(sft("a\n\tb\r\n", "c\u00a0d \u2028")).findings == ()


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(sft()).replace('"role": "user"', '"role": "user", "role": "user"'),
        json.dumps(sft()).replace('"messages"', '"messages": [], "messages"'),
        json.dumps(sft()).replace('"text": "q"', '"text" :"q", "text": "q"'),
        json.dumps({"messages": turns("a", "b") * 2}).replace('"text": "a"', '"text": "z", "text": "a"', 1),
    ],
)
def test_a_key_that_stands_twice_is_found(judged, line):
    quoted = sft('say "yes": no', '": is what it says', schemaVersion="bedrock-conversation-2024")
    for others in ([], [quoted], [b"{"]):
        report = judged(unique(1), line.encode(), *others, unique(2))
        (finding,) = [each for each in report.findings if each.code == "repeated-key"]
        assert (finding.severity, finding.lines) == ("error", (2,))


def test_keys_that_look_repeated_and_are_not_are_none(judged):
    rows = [
        sft('{"a": 1, "a": 2}', '":": "":'),
        sft("b", '\\": \\\\": "'),
        json.dumps(sft("c")).replace(":", " :\t").encode(),
        json.dumps(sft("d")).replace('"d"', '"\\u0022: d"').encode(),
    ]
    assert [code for code, _ in found(judged(*rows))] == []
    own = {"messages": [{"role": "user", "content": 'say "a": 1'}], "reference_answer": {"a": {"a": 1}}}
    rft = msgspec.structs.replace(SFT, format="rft", model=LITE)
    assert judged(*[own | {"n": number, "o": {"n": number}} for number in range(30)], options=rft).errors == ()
    repeated = b'{"messages": [{"role": "user", "content": "q"}], "reference_answer": {"a": 1, "a": 2}}'
    assert ("repeated-key", 2) in found(judged(own, repeated, own, options=rft))


# ---- all rows together -------------------------------------------------------------------------------------------


def test_duplicates_near_duplicates_and_other_answers_are_told_with_the_earlier_line(judged):
    rows = [
        *map(unique, range(30)), unique(7), sft("Question 3!", "other"), sft("question 4", "another"), unique(7),
        sft("QUESTION  3", "again"), unique(31),
    ]  # fmt: skip
    report = judged(*rows)
    places = [(each.code, each.severity, each.lines, each.count) for each in report.findings]
    assert places == [
        ("duplicate-row", "warning", (31, 34), 2),
        ("near-duplicate", "warning", (32, 35), 2),
        ("conflicting-answers", "warning", (33,), 1),
    ]
    assert [each.message.partition(": ")[2] for each in report.findings] == ["as line 8", "as line 4", "as line 5"]
    assert all(each.offset for each in report.findings)
    lines = [json.dumps(rows[each.line - 1]).encode() for each in report.findings]
    asked = [line[each.column - 1 :][:10].lower() for line, each in zip(lines, report.findings, strict=True)]
    assert asked == [b"question 7", b"question 3", b"question 4"]


def test_what_repeats_is_shown_and_not_the_system_text_before_it(judged, tmp_path):
    system = [{"text": "Answer with one word. " * 30}]
    held = tmp_path / "eval.jsonl"
    held.write_text(json.dumps({"query": "Größe of line 3?", "response": "r", "system": system[0]["text"]}) + "\n")
    rows = [sft(f"question {number}", f"answer {number}", system=system) for number in range(3)]
    rows += [sft("Größe of line 3?", "a", system=system), sft("question  1", "answer 1", system=system)]
    report = judged(*rows, held_out=[held])
    shown = {each.code: each for each in report.findings}
    assert shown.keys() == {"near-duplicate", "held-out-row"}
    assert '"question  1"' in shown["near-duplicate"].excerpt
    assert "of line 3?" in shown["held-out-row"].excerpt
    assert all(each.excerpt.startswith("…") for each in report.findings)
    line = json.dumps(rows[3]).encode()
    assert line[shown["held-out-row"].column - 1 :].startswith(b"Gr\\u00f6")


def test_the_same_question_under_another_system_text_is_no_repeat(judged):
    rows = [sft("q", "a", system=[{"text": f"be {how}"}]) for how in ("brief", "kind", "exact")]
    assert judged(*rows).findings == ()


def test_rows_that_differ_in_what_nobody_compares_are_no_duplicates(judged):
    options = msgspec.structs.replace(SFT, format="llm_judge")
    judgements = [{"prompt": "p", "response_A": "a", "response_B": f"b{number}"} for number in range(3)]
    assert judged(*judgements, options=options).findings == ()


def test_a_template_around_the_prompts_hides_no_repeat_and_makes_none(judged):
    def templated(number):
        return sft(f"Please sort this message into a category.\nMessage: number {number:x}\nAnswer with one word.", "a")

    report = judged(
        *[templated(number) for number in range(64)],
        templated(9),
        sft(templated(5)["messages"][0]["content"][0]["text"].upper(), "a"),
    )
    codes = [(each.code, each.lines) for each in report.findings if each.code != "label-dominates"]
    assert codes == [("duplicate-row", (65,)), ("near-duplicate", (66,))]


def test_rows_that_ask_what_an_evaluation_asks_are_found(judged, tmp_path):
    held_out = tmp_path / "eval.jsonl"
    queries = ["question 7", "QUESTION number 8?", " question 9 ", "question 5000"]
    held_out.write_text("".join(json.dumps({"query": query, "response": "a"}) + "\n" for query in queries))
    rows = [
        *map(unique, range(20)),
        sft("Question number 8", "x"),
        {"messages": [*turns("a", "b"), *turns("Question 9", "d")]},
    ]
    for evaluation in (held_out, Evaluation(LocalFile(held_out), "gen_qa")):
        report = judged(*rows, held_out=[evaluation])
        held = [each for each in report.findings if each.code == "held-out-row"]
        assert [(each.severity, each.lines) for each in held] == [("warning", (8, 10)), ("warning", (21, 22))]
        assert held[0].message.endswith(f"{held_out}, line 1")


def test_of_held_out_conversations_the_last_question_counts(judged, tmp_path):
    held_out = tmp_path / "eval.jsonl"
    held_out.write_text(json.dumps({"messages": [*turns("question 3", "b"), *turns("question 5", "d")]}) + "\n")
    report = judged(*map(unique, range(9)), held_out=[held_out])
    assert [(each.code, each.lines) for each in report.findings] == [("held-out-row", (6,))]


def test_held_out_rows_in_no_known_form_are_told(judged, tmp_path):
    (tmp_path / "eval.jsonl").write_text('{"a": 1}\n\n{\n')
    assert found(judged(unique(1), held_out=[tmp_path / "eval.jsonl"])) == [("held-out-unreadable", None)]


def test_rows_that_differ_in_kind_are_told_at_the_first_of_the_fewer(judged):
    with_system = sft("x", "a", system=[{"text": "be brief"}])
    (finding,) = judged(unique(1), with_system, unique(2)).findings
    assert (finding.code, finding.severity, finding.line) == ("mixed-rows", "warning", 2)
    assert finding.message.startswith("1 of 3 rows have a system text")
    assert found(judged(with_system, sft("y", "b", system=[{"text": "be brief"}]), unique(1))) == [("mixed-rows", 3)]
    assert found(judged(with_system)) == []
    assert found(judged(with_system, b"x")) == [("unreadable-json", 2)]


def test_the_first_of_the_rows_that_lack_something_is_told_whatever_else_they_hold(judged):
    system = {"system": [{"text": "be brief"}]}
    rows = [unique(number) | system for number in range(12)]
    rows[3], rows[7] = unique(3), unique(7)
    rows[5] |= {"messages": [*turns("a", "b"), *turns("c", "d"), *turns("e", "f")]}
    (finding,) = judged(*rows).findings
    assert (finding.code, finding.line, finding.count) == ("mixed-rows", 4, 2)
    assert finding.message.startswith("10 of 12 rows have a system text")


def test_a_system_text_that_few_rows_have_is_told(judged):
    def asked(number, system):
        return sft(f"q{number}", f"a{number}", system=[{"text": system}])

    rows = [asked(number, "be brief") for number in range(40)]
    assert judged(*rows).findings == ()
    (finding,) = judged(*rows, asked(50, "be breif")).findings
    assert (finding.code, finding.line, finding.count) == ("system-drift", 41, 1)
    own = [asked(number, f"it is {number} o'clock") for number in range(40)]
    assert judged(*own).findings == ()


@pytest.mark.parametrize(
    ("trained", "asked", "words"),
    [
        ("be brief", "be long", "most rows have a system text, and the evaluation's have another one"),
        ("be brief", None, "the evaluation's have none"),
        (None, "be brief", "most rows have no system text, and the evaluation's have one"),
        ("be brief", "be brief", None),
        (None, None, None),
    ],
)
def test_training_and_evaluation_have_the_same_system_text(judged, tmp_path, trained, asked, words):
    held_out = tmp_path / "eval.jsonl"
    held_out.write_text(
        json.dumps({"query": "held out", "response": "a"} | ({"system": asked} if asked else {})) + "\n"
    )
    rows = [unique(number) | ({"system": [{"text": trained}]} if trained else {}) for number in range(5)]
    messages = [finding.message for finding in judged(*rows, held_out=[held_out]).findings]
    assert [words in message for message in messages] == ([True] if words else [])


def test_labels_that_dominate_or_are_rare_are_told(judged):
    labels = ["billing"] * 60 + ["shipping"] * 60 + ["other"] * 2
    rows = [sft(f"message {number}", label) for number, label in enumerate(labels)]
    (rare,) = judged(*rows).findings
    assert (rare.code, rare.line) == ("rare-labels", None)
    assert "'other' 2" in rare.message
    (dominating,) = judged(*rows[:60], *rows[-2:]).findings
    assert (dominating.code, dominating.severity) == ("label-dominates", "warning")
    assert dominating.message.startswith("97% of 62 answers are 'billing'")
    assert judged(*rows[:120]).findings == ()
    assert judged(*map(unique, range(100))).findings == ()


def test_rows_that_are_longer_than_max_length_are_told_by_an_estimate(judged):
    options = msgspec.structs.replace(SFT, max_length=100)
    rows = [unique(1), sft("x" * 200, "y" * 199), sft("w" * 200, "y" * 204), sft("é" * 201, "z"), unique(2)]
    report = judged(*rows, options=options)
    (finding,) = report.findings
    assert (finding.code, finding.severity, finding.lines) == ("long-row", "warning", (3, 4))
    assert report.longest_row == 101
    assert judged(*rows).findings == ()


def test_ids_that_rows_share_are_told(judged):
    def multi(name, number):
        return {"id": name, "metadata": {"prompt": f"prompt {number}"}}

    options = msgspec.structs.replace(SFT, format="multi-turn-rft", model=LITE)
    report = judged(*[multi(f"r{number}", number) for number in range(9)], multi("r3", 20), options=options)
    assert [(each.code, each.severity, each.line) for each in report.findings] == [("repeated-id", "error", 10)]


@pytest.mark.parametrize(
    ("changes", "rows", "code", "severity"),
    [
        ({"format": "sft", "model": LITE}, 150, "few-rows", "warning"),
        ({"format": "sft", "model": LITE, "platform": "bedrock"}, 150, "few-rows", "warning"),
        ({"format": "sft", "model": MICRO}, 150, None, None),
        ({"format": "sft", "model": MICRO, "platform": "bedrock"}, 7, "few-rows", "warning"),
        ({"format": "sft", "model": LITE, "minimum_rows": 256}, 250, "too-few-rows", "error"),
        ({"format": "sft", "model": MICRO, "minimum_rows": 256}, 250, "too-few-rows", "warning"),
        ({"format": "sft", "model": LITE, "evaluation": True}, 5, None, None),
        ({"format": "sft", "model": None}, 5, None, None),
    ],
)
def test_the_number_of_rows_is_held_against_what_jobs_take(judged, changes, rows, code, severity):
    options = msgspec.structs.replace(SFT, **{"evaluation": False, **changes})
    places = [(each.code, each.severity) for each in judged(*map(unique, range(rows)), options=options).findings]
    assert places == ([(code, severity)] if code else [])


def test_rows_of_unknown_form_are_counted_and_not_looked_into(judged):
    options = msgspec.structs.replace(SFT, format="rows")
    assert (
        judged({"text": "User: hi"}, {}, {"a": {"b": [1, None]}}, {"a": -1}, {"a": 1}, options=options).findings == ()
    )
    report = judged({"a": 1}, b'"text"', {"a": 1}, options=options)
    assert found(report) == [("wrong-shape", 2), ("duplicate-row", 3)]


# ---- the report --------------------------------------------------------------------------------------------------


def test_strict_makes_every_warning_an_error(judged):
    options = msgspec.structs.replace(SFT, strict=True)
    report = judged(unique(1), unique(1), options=options)
    assert [(each.code, each.severity) for each in report.errors] == [("duplicate-row", "error")]


def test_secrets_are_found_and_never_shown(judged):
    options = msgspec.structs.replace(SFT, sensitive=True)
    secret = "AKIA" + "QWERTZUIOPASDFGH"
    row_ = sft(f"my key {secret} please", "   ")
    report = judged(unique(1), row_, row_, options=options)
    assert {"aws-key", "empty-text", "duplicate-row"} <= {each.code for each in report.findings}
    assert secret not in json.dumps(report.as_json())
    assert not {each.code for each in judged(row_).findings} & {"aws-key"}


@pytest.mark.parametrize("lead", range(120, 150))
def test_a_secret_is_not_shown_where_an_excerpt_ends_in_its_middle(judged, lead):
    options = msgspec.structs.replace(SFT, sensitive=True)
    secret = "AKIA" + "QWERTZUIOPASDFGH"
    row_ = sft(f"{'x' * lead} {secret} please", "   ")
    shown = json.dumps(judged(unique(1), row_, row_, options=options).as_json())
    assert not any(secret[:length] in shown for length in range(6, len(secret) + 1))


def test_flaws_are_counted_by_kind_so_that_the_worst_file_gives_a_small_report(judged):
    rows = [b'{"field%d": %s}' % (number, b"\xc3\xbc" * 3000) for number in range(200)]
    rows += [json.dumps({f"feld{number}": "ü" * 500} | sft(), ensure_ascii=False).encode() for number in range(300)]
    rows += [json.dumps(sft(word * 100)).encode() for word in RESERVED for _ in range(3)]
    report = judged(*rows, *[b"x\xff"] * 100)
    assert len(report.findings) <= 60
    assert sum(each.count for each in report.findings) >= len(rows)
    assert len(json.dumps(report.as_json(), indent=2).encode()) <= 64 * 1024


LINES = st.one_of(
    st.binary(max_size=40).filter(lambda line: b"\n" not in line),
    st.sampled_from([json.dumps(unique(number)).encode() for number in range(4)]),
    st.sampled_from([b"", b"{", json.dumps(sft("User: x", "\0")).encode(), json.dumps(sft(" ", "b")).encode()]),
)


@settings(max_examples=60)
@given(st.lists(LINES, max_size=10), st.sampled_from(["sft", "rft", "gen_qa", "rows"]), st.integers(1, 400))
def test_every_way_gives_the_same_report(lines, name, part):
    options = Options(format=name, model=LITE, max_length=10)
    folder = Path(tempfile.mkdtemp())
    path = folder / "data.jsonl"
    path.write_bytes(b"\n".join(lines))
    reports = []
    with pytest.MonkeyPatch.context() as patch:
        for least in (1 << 40, -1):
            patch.setattr(validate_module, "_LARGE", least)
            for module in (files, work):
                patch.setattr(module, "PART_BYTES", part)
            reports.append(validate([path], options, processes=1).as_json())
    shutil.rmtree(folder)
    assert reports[0] == reports[1]
    assert reports[0]["rows"] <= len(lines)


@pytest.mark.parametrize("name", ["data.jsonl", "data.jsonl.gz", "eval.jsonl"])
def test_a_file_that_changes_while_it_is_read_is_not_judged(tmp_path, way, monkeypatch, name):
    for each in ("data.jsonl", "eval.jsonl"):
        (tmp_path / each).write_text("".join(json.dumps(unique(number)) + "\n" for number in range(30)))
    (tmp_path / "data.jsonl.gz").write_bytes(gzip.compress((tmp_path / "data.jsonl").read_bytes()))
    read = "data.jsonl.gz" if name.endswith(".gz") else "data.jsonl"
    report_of = validate_module.report_of

    def changed(*arguments, **more):
        with (tmp_path / name).open("ab") as file:
            file.write(b"\n")
        return report_of(*arguments, **more)

    monkeypatch.setattr(validate_module, "report_of", changed)
    files = data_files([str(tmp_path / read)], s3=None)
    with pytest.raises(NovalineError, match=f"{name} changed while it was read"):
        validate(files, SFT, held_out=[tmp_path / "eval.jsonl"], **way)


def test_processes_that_start_anew_give_the_same_report(tmp_path, monkeypatch):
    path = tmp_path / "data.jsonl"
    rows = [*map(unique, range(40)), unique(3), sft("User: hi", "answer"), sft("question  4", "answer")]
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    monkeypatch.setattr(validate_module, "_LARGE", -1)
    for module in (files, work):
        monkeypatch.setattr(module, "PART_BYTES", 1500)
    held = tmp_path / "eval.jsonl"
    held.write_text(json.dumps(unique(5)) + "\n")
    options = msgspec.structs.replace(SFT, sensitive=True)
    here = validate([path], options, held_out=[held], processes=1)
    monkeypatch.setattr(work, "_start_method", lambda: "spawn")
    there = validate([path], options, held_out=[held], processes=2)
    assert there == here
    assert {each.code for each in here.findings} == {"duplicate-row", "reserved-word", "held-out-row", "near-duplicate"}


def test_a_flaw_is_told_with_its_first_line_whatever_shapes_the_rows_have(judged):
    two = [{"text": "one"}, {"text": "two"}]  # which no fast shape has
    rows = [sft("a", "x " * 9), sft(" ", "x"), sft("c", "d", system=two), sft(" ", "y " * 9, system=two), sft("e", "z")]
    options = msgspec.structs.replace(SFT, max_length=2)
    lines = {each.code: (each.line, each.lines) for each in judged(*rows, options=options).findings}
    assert lines == {"mixed-rows": (3, (3,)), "empty-text": (2, (2, 4)), "long-row": (1, (1, 4))}


@pytest.mark.parametrize("plain", [(), (3,), (0, 4, 5), (0, 1, 2, 3, 4, 5, 6, 9)])
def test_rows_of_no_fast_shape_are_judged_alike_in_whole_blocks_and_one_by_one(tmp_path, monkeypatch, plain):
    """With more or fewer plain rows among them, and with one line that keeps their block from being read at once."""
    monkeypatch.setattr(validate_module, "_LARGE", -1)
    reasons = [{"reasoningContent": {"reasoningText": {"text": "because"}}}, {"text": "so"}]
    rows = []
    for number in range(12):
        rows.append(sft(f"question {number}", f"answer {number % 3}"))
        if number not in plain:
            rows[-1]["messages"][1]["content"] = reasons
    rows[7]["messages"][0]["content"] = [{"text": " "}]
    rows[8]["messages"][0]["content"][0]["text"] = "User: question 2"
    lines = [json.dumps(row).encode() for row in rows]
    lines[10] = lines[10].replace(b'"role": "user"', b'"role": "user", "role": "user"', 1)
    reports = []
    for name, more in (("whole", b""), ("single", b" ")):
        path = tmp_path / name
        path.write_bytes(b"\n".join([*lines[:-1], lines[-1] + more]) + b"\n")
        report = validate([path], msgspec.structs.replace(SFT, model=LITE, max_length=3), processes=1)
        reports.append((report.tokens, [(each.code, each.lines, each.count) for each in report.findings]))
    assert reports[0] == reports[1]
    assert {code for code, *_ in reports[0][1]} >= {"empty-text", "reserved-word", "repeated-key"}


@pytest.mark.usefixtures("ordinary_recursion_limit")
@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"1e999", "wrong-shape"),
        (b"1" + b"0" * 5000, "wrong-shape"),
        (b'"\xff"', "not-utf-8"),
        (b'{"deep": "\xff"}', "not-utf-8"),
        (b'"\\ud800"', "lone-surrogate"),
        (b"[" * 3000 + b"]" * 3000, "too-deep"),
        (b"NaN", "not-a-number"),
    ],
)
@pytest.mark.parametrize("turns_before", [0, 2])
def test_what_stands_in_a_field_that_only_the_reward_function_knows_is_json_too(judged, value, code, turns_before):
    said = [{"role": role, "content": "hello"} for role in ("user", "assistant")[:turns_before]]
    row = json.dumps({"messages": [*said, {"role": "user", "content": "%"}], "reference_answer": "a"}).encode()
    good = [row.replace(b"%", b"question %d" % number)[:-1] + b', "own": {"a": 1}}' for number in range(10)]
    bad = row.replace(b"%", b"another")[:-1] + b', "own": ' + value + b"}"
    report = judged(*good[:3], bad, *good[3:], options=msgspec.structs.replace(SFT, format="rft", model=LITE))
    assert [(each.code, each.severity, each.line, each.count) for each in report.errors] == [(code, "error", 4, 1)]
