"""Planted defects: each is found in a file, with its code, its severity and its line, and nothing beside it."""

from collections import Counter

import pytest
from planted import clean_files, defects

from novaline.datasets import validate as validation
from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.validate import ModelFacts, Options, validate
from novaline.recipes.catalogue import catalogue

DEFECTS = defects()
ABOUT_ALL_ROWS = {"mixed-rows", "few-rows"}
"""What is said of a dataset, not of a row: few rows with a defect each differ in kind."""
OF_LIKE_ROWS = {"conflicting-answers", "duplicate-row", "near-duplicate", "repeated-id", "label-dominates"}
"""What is said of rows that are like one another, as rows with a defect each are."""

GOOD = {name: path.read_bytes().splitlines() for name, path, _ in clean_files() if path.name.split(".")[1] == "text"}
GOOD["distillation"] = [line.split(b', {"role": "assistant"')[0] + b"]}" for line in GOOD["sft"]]


@pytest.fixture(params=["small", "large"], autouse=True)
def any_size(request, monkeypatch):
    """Files are read as small ones are, and as large ones are."""
    if request.param == "large":
        monkeypatch.setattr(validation, "_LARGE", 0)


def found(tmp_path, name, lines, model):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    report = validate([path], Options(format=name, model=ModelFacts.of(model)))
    return [each for each in report.findings if each.code not in ABOUT_ALL_ROWS]


def test_there_are_good_rows_of_every_format():
    assert set(GOOD) == set(FORMATS)


@pytest.mark.parametrize("case", DEFECTS, ids=str)
def test_a_planted_defect_is_found_at_its_line_and_nothing_else(tmp_path, case):
    first, second, third = GOOD[case.format][:3]
    seen = found(tmp_path, case.format, [first, second, case.line, third], case.model)
    assert sorted((each.code, each.line) for each in seen) == sorted((code, 3) for code in [case.code, *case.also])
    (planted,) = [each for each in seen if each.code == case.code]
    assert (planted.severity, planted.offset) == (case.severity, len(first) + len(second) + 2)


@pytest.mark.parametrize("file", sorted({case.file for case in DEFECTS}))
def test_many_defects_in_one_file_are_all_counted(tmp_path, file):
    cases = [case for case in DEFECTS if case.file == file]
    usual = Counter(case.model.name for case in cases).most_common(1)[0][0]
    cases = [case for case in cases if case.model.name == usual]
    counts, first_lines = Counter(), {}
    for each in found(tmp_path, cases[0].format, [case.line for case in cases], cases[0].model):
        counts[each.code] += each.count
        first_lines[each.code] = min(each.line, first_lines.get(each.code, each.line))
    expected = [(code, line) for line, case in enumerate(cases, start=1) for code in (case.code, *case.also)]
    for code in OF_LIKE_ROWS:
        counts.pop(code, None)
        first_lines.pop(code, None)
    assert counts == Counter(code for code, _ in expected)
    assert first_lines == dict(reversed(expected))


CLEAN = (
    b'{"messages": [{"role": "user", "content": [{"text": "q"}]}, {"role": "assistant", "content": [{"text": "a"}]}]}'
)


@pytest.mark.parametrize(
    ("line", "code", "severity"),
    [
        (b"", "blank-line", "error"),
        (b" \t ", "blank-line", "error"),
        (b"not json", "unreadable-json", "error"),
        (CLEAN[:-3], "unreadable-json", "error"),
        (CLEAN + b",", "unreadable-json", "error"),
        (CLEAN.replace(b'"q"', b'"\xff"'), "not-utf-8", "error"),
        (CLEAN.replace(b'"q"', b'"\xed\xa0\x80"'), "not-utf-8", "error"),
        (CLEAN.replace(b'"q"', b"NaN"), "not-a-number", "error"),
        (CLEAN.replace(b'"q"', b'"q", "text": "r"'), "repeated-key", "error"),
        (CLEAN.replace(b'"q"', b'"' + b"\\u0000" + b'q"'), "control-character", "warning"),
        (CLEAN.replace(b'"q"', b'"q\x01"'), "control-character", "error"),
        (CLEAN.replace(b'"q"', b"[" * 5_000 + b"]" * 5_000), "wrong-shape", "error"),
    ],
    ids=lambda each: each[:24].decode(errors="replace") if isinstance(each, bytes) else each,
)
def test_a_defect_of_bytes_is_found_at_its_line(tmp_path, line, code, severity):
    first, second, third = GOOD["sft"][:3]
    seen = found(tmp_path, "sft", [first, second, line, third], catalogue().model("nova-2-lite"))
    assert [(each.code, each.severity, each.line) for each in seen] == [(code, severity, 3)]
