"""A dataset is read once: digest, rows, and every kind of flaw with its first line and its count."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novaline.datasets import scan as scan_module
from novaline.datasets.converse import RESERVED
from novaline.datasets.scan import scan
from novaline.recipes.catalogue import catalogue

MICRO, LITE = catalogue().model("nova-micro"), catalogue().model("nova-2-lite")


def text(value):
    return {"text": value}


def turn(role, *content):
    return {"role": role, "content": list(content)}


def row(*messages, **more):
    return {"messages": list(messages), **more}


GOOD = row(turn("user", text("q")), turn("assistant", text("a")))


@pytest.fixture
def flaws(tmp_path):
    """Scans rows (dicts, or raw bytes) and returns (code, line, severity) of what was found."""

    def scanned(*rows, kind="sft", model=MICRO, **options):
        path = tmp_path / "data.jsonl"
        lines = [item if isinstance(item, bytes) else json.dumps(item).encode() for item in rows]
        path.write_bytes(b"\n".join(lines) + b"\n")
        found = scan(path, kind=kind, model=model, **options).findings
        return [(finding.code, finding.line) for finding in found]

    return scanned


def unique(number):
    return row(turn("user", text(f"q{number}")), turn("assistant", text("a")))


def test_digest_bytes_and_rows_are_those_of_the_file(tmp_path):
    path = tmp_path / "data.jsonl"
    content = b"".join(json.dumps(unique(number)).encode() + b"\n" for number in range(1000))
    path.write_bytes(content)
    dataset = scan(path, kind="sft", model=MICRO).dataset
    assert dataset.sha256 == hashlib.sha256(content).hexdigest()
    assert (dataset.bytes, dataset.rows) == (len(content), 1000)


def test_rows_across_the_borders_of_blocks_are_read_whole(tmp_path, monkeypatch):
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"\r\n".join(json.dumps(unique(number)).encode() for number in range(50)))
    for size in (1, 7, 64, 1000):
        monkeypatch.setattr(scan_module, "_BLOCK_BYTES", size)
        found = scan(path, kind="sft", model=MICRO)
        assert (found.dataset.rows, found.findings) == (50, ())
        assert found.dataset.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_good_rows_of_all_kinds_pass(flaws):
    full = row(turn("user", text("q")), turn("assistant", text("a")), schemaVersion="bedrock-conversation-2024")
    long = row(
        turn("user", text("a")), turn("assistant", text("b")), turn("user", text("c")), turn("assistant", text("d"))
    )
    assert flaws(GOOD, full, long) == []


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b'{"messages": [', "unreadable-json"),
        (b"not json", "unreadable-json"),
        (b"[1, 2]", "wrong-shape"),
        (b'"text"', "wrong-shape"),
        (b'{"messages": [{"role": "user", "content": [{"text": "\xff"}]}]}', "not-utf-8"),
        (b"", "blank-line"),
        (b"  \t ", "blank-line"),
        ({}, "wrong-shape"),
        ({"messages": []}, "wrong-shape"),
        (row(turn("user", text("q"))), "too-few-turns"),
        (row(turn("assistant", text("a")), turn("user", text("q"))), "turns-not-alternating"),
        (row(turn("user", text("q")), turn("user", text("q"))), "turns-not-alternating"),
        (row(turn("user", text("q")), turn("assistant", text("a")), turn("user", text("q"))), "last-not-assistant"),
        (row(turn("user", text("")), turn("assistant", text("a"))), "empty-text"),
        (row(turn("user", text("q")), turn("assistant", text(" \n"))), "empty-text"),
        (row(turn("user", text("q")), turn("bot", text("a"))), "wrong-shape"),
        (row(turn("user", text("q")), turn("assistant", text(3))), "wrong-shape"),
        (row(turn("user", text("q")), turn("assistant")), "wrong-shape"),
        (row(turn("user", text("q")), turn("assistant", text("a")), extra=1), "wrong-shape"),
        (row({**turn("user", text("q")), "name": "x"}, turn("assistant", text("a"))), "wrong-shape"),
        (row(turn("user", text("q")), turn("assistant", text("a")), schemaVersion="2023"), "wrong-shape"),
        (row(turn("user", {"text": "q", "image": None}), turn("assistant", text("a"))), "wrong-shape"),
    ],
)
def test_a_bad_row_is_found_at_its_line(flaws, bad, code):
    assert flaws(GOOD, unique(1), bad) == [(code, 3)]


@pytest.mark.parametrize("word", RESERVED)
def test_a_reserved_word_is_found_wherever_it_stands_and_however_it_is_escaped(flaws, word):
    assert flaws(GOOD, row(turn("user", text(f"say {word} x")), turn("assistant", text("a")))) == [("reserved-word", 2)]
    assert flaws(GOOD, row(turn("user", text("q")), turn("assistant", text(word)))) == [("reserved-word", 2)]
    assert flaws(row(turn("user", text("q")), turn("assistant", text("a")), system=[text(word)])) == [
        ("reserved-word", 1)
    ]
    escaped = json.dumps(GOOD).replace('"q"', '"' + "".join(f"\\u{ord(char):04x}" for char in word) + '"').encode()
    assert flaws(escaped) == [("reserved-word", 1)]


def test_a_reserved_word_outside_of_texts_is_none(flaws):
    tools = {"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": {"title": "User:"}}}}]}
    assert flaws(row(turn("user", text("q")), turn("assistant", text("a")), toolConfig=tools)) == []
    assert flaws({"query": "User: hi", "response": "x"}, kind="gen_qa") == []


def test_a_byte_order_mark_is_an_error_and_the_row_behind_it_is_still_read(flaws):
    assert flaws(b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), b"x") == [("byte-order-mark", 1), ("unreadable-json", 2)]


def test_an_empty_file_has_no_rows(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"")
    assert [finding.code for finding in scan(path, kind="sft", model=MICRO).findings] == ["no-rows"]


IMAGE = {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/i.png", "bucketOwner": "1" * 12}}}}
VIDEO = {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/v.mp4", "bucketOwner": "1" * 12}}}}
REASONING = {"reasoningContent": {"reasoningText": {"text": "think"}}}
USE = {"toolUse": {"toolUseId": "t1", "name": "look", "input": {}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "found"}]}}
TOOLS = {"tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object"}}}}]}


@pytest.mark.parametrize(
    ("model", "messages", "more", "expected"),
    [
        (LITE, [turn("user", text("q"), IMAGE), turn("assistant", text("a"))], {}, []),
        (MICRO, [turn("user", text("q"), IMAGE), turn("assistant", text("a"))], {}, ["media-not-supported"]),
        (LITE, [turn("user", text("q")), turn("assistant", text("a"), IMAGE)], {}, ["media-in-answer"]),
        (LITE, [turn("user", IMAGE, VIDEO), turn("assistant", text("a"))], {}, ["mixed-media"]),
        (LITE, [turn("user", *[IMAGE] * 11), turn("assistant", text("a"))], {}, ["too-many-images"]),
        (LITE, [turn("user", VIDEO, VIDEO), turn("assistant", text("a"))], {}, ["too-many-videos"]),
        (LITE, [turn("user", text("q")), turn("assistant", REASONING, text("a"))], {}, []),
        (MICRO, [turn("user", text("q")), turn("assistant", REASONING, text("a"))], {}, ["reasoning-not-supported"]),
        (LITE, [turn("user", text("q"), REASONING), turn("assistant", text("a"))], {}, ["reasoning-misplaced"]),
        (LITE, [turn("user", text("q")), turn("assistant", {})], {}, ["content-kinds"]),
        (LITE, [turn("user", text("q")), turn("assistant", {**text("a"), **USE})],
         {"toolConfig": TOOLS}, ["content-kinds"]),
        (LITE, [turn("user", text("q")), turn("assistant", USE), turn("user", RESULT), turn("assistant", text("a"))],
         {"toolConfig": TOOLS}, []),
        (LITE, [turn("user", text("q")), turn("assistant", USE)], {}, ["tool-not-declared"]),
        (LITE, [turn("user", text("q"), RESULT), turn("assistant", text("a"))],
         {"toolConfig": TOOLS}, ["tool-result-without-use"]),
        (LITE, [turn("user", text("q"), USE), turn("assistant", text("a"))],
         {"toolConfig": TOOLS}, ["tool-use-misplaced"]),
        (LITE, [turn("user", text("q")), turn("assistant", USE, USE)], {"toolConfig": TOOLS}, ["tool-use-twice"]),
        (LITE,
         [turn("user", text("q")), turn("assistant", USE), turn("user", RESULT, RESULT), turn("assistant", text("a"))],
         {"toolConfig": TOOLS}, ["tool-result-twice"]),
    ],
)  # fmt: skip
def test_media_reasoning_and_tools_stand_where_the_format_has_them(flaws, model, messages, more, expected):
    assert [code for code, _ in flaws(row(*messages, **more), model=model)] == expected


def test_rows_that_differ_in_kind_are_warned_about(flaws):
    with_system = row(turn("user", text("x")), turn("assistant", text("a")), system=[text("be brief")])
    assert flaws(unique(1), with_system, unique(2)) == [("mixed-rows", 2)]
    assert flaws(with_system) == []
    assert flaws(with_system, b"x") == [("unreadable-json", 2)]


def test_duplicates_are_warned_about_once_with_their_number(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in [GOOD, unique(1), GOOD, GOOD]))
    (finding,) = scan(path, kind="sft", model=MICRO).findings
    assert (finding.code, finding.severity, finding.line) == ("duplicate-row", "warning", 3)
    assert "1 more" in finding.message


def test_flaws_are_counted_by_kind_so_that_a_bad_file_gives_a_short_report(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"".join(b'{"field%d": 1}\n' % number for number in range(5000)) + b"x\n" * 5000)
    findings = scan(path, kind="sft", model=MICRO).findings
    assert len(findings) <= 51
    assert sum(len(finding.message) for finding in findings) < 10_000


def test_prompts_of_an_evaluation_are_found_in_training_rows(tmp_path):
    held_out, train = tmp_path / "eval.jsonl", tmp_path / "train.jsonl"
    held_out.write_text(json.dumps({"query": "q7", "response": "a"}) + "\n")
    train.write_text("".join(json.dumps(unique(number)) + "\n" for number in range(10)))
    prompts = scan(held_out, kind="gen_qa", model=MICRO, keep_prompts=True).prompts
    (finding,) = scan(train, kind="sft", model=MICRO, held_out=prompts).findings
    assert (finding.code, finding.line) == ("held-out-row", 8)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"query": "q"}, "wrong-shape"),
        ({"query": "q", "response": 1}, "wrong-shape"),
        ({"query": "q", "response": "a", "extra": 1}, "wrong-shape"),
        ({"query": "", "response": "a"}, "empty-text"),
        ({"query": "q", "response": " "}, "empty-text"),
        ({"query": "q", "response": "a", "metadata": {}}, "wrong-shape"),
        ({"query": "q", "response": "a", "images": [{"data": "data:image/png;base64,aa"}]}, "media-not-supported"),
    ],
)
def test_a_bad_evaluation_row_is_found_at_its_line(flaws, bad, code):
    assert flaws({"query": "one", "response": "a"}, bad, kind="gen_qa") == [(code, 2)]


def test_the_column_of_broken_json_is_where_it_breaks(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_bytes(b'{"messages": oops}\n')
    (finding,) = scan(path, kind="sft", model=MICRO).findings
    assert finding.column == 14


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line), max_size=6))
def test_any_bytes_are_read_without_an_exception_and_every_line_is_accounted_for(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("any") / "data.jsonl"
    path.write_bytes(b"\n".join(lines))
    for kind in ("sft", "gen_qa"):
        found = scan(path, kind=kind, model=LITE)
        raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf")  # a byte order mark counts where a file begins, only
        blank = sum(1 for line in raw.split(b"\n") if line and line.isspace())
        assert found.dataset.rows + blank <= len(lines)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([b"[", *[b"  {}," for _ in range(50)], b"]"], "a dataset is no JSON list"),
        ([b'[{"messages": []}, {"messages": []}]'], "a dataset is no JSON list"),
        ('{"a": 1}\n{"b": 2}'.encode("utf-16").split(b"\n"), "UTF-16"),
    ],
)
def test_a_file_that_is_no_lines_of_json_is_one_finding_that_says_what_it_is(tmp_path, lines, words):
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"\n".join(lines))
    (finding,) = scan(path, kind="sft", model=MICRO).findings
    assert (finding.line, words in finding.message, finding.hint is not None) == (1, True, True)


@pytest.mark.parametrize(
    ("kind", "row", "words"),
    [
        ("sft", {"messages": "hello"}, "expected a list, found text, at `messages`"),
        ("sft", {"messages": []}, "the list is empty, at `messages`"),
        ("sft", {"prompt": "q"}, "contains unknown field `prompt`"),
        ("gen_qa", {"query": 1, "response": "a"}, "expected text, found a number, at `query`"),
        ("gen_qa", {"query": "q"}, "missing required field `response`"),
    ],
)
def test_a_row_of_another_shape_is_told_in_words_with_the_shape_that_is_asked_for(tmp_path, kind, row, words):
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    (finding,) = scan(path, kind=kind, model=MICRO).findings
    assert finding.message.endswith(words)
    assert finding.hint.startswith("a row is {")
