"""A report as JSON stays below its limit and says what it left out."""

import json

import pytest

from novaline.datasets.report import LARGEST_JSON, FileReport, Report, RowFinding


def finding(number, **changes):
    values = {
        "code": "wrong-shape", "severity": "error", "message": f"flaw {number}", "file": "data.jsonl", "line": number,
        "column": None, "offset": number * 100, "count": 1, "lines": (number,), "excerpt": "{", "hint": None,
    }  # fmt: skip
    return RowFinding(**values | changes)


def report(findings, files=1):
    read = tuple(FileReport(path=f"{number}.jsonl", sha256="0" * 64, bytes=10, rows=2) for number in range(files))
    return Report(format="sft", files=read, findings=tuple(findings), tokens=7, longest_row=3, media={})


def size(document):
    return len(json.dumps(document, indent=2, ensure_ascii=False).encode())


def test_a_report_says_what_it_is_about():
    document = report([finding(1), finding(2, severity="warning", count=9)], files=2).as_json()
    assert (document["rows"], document["bytes"], document["errors"], document["warnings"]) == (4, 20, 1, 1)
    assert (document["more_files"], document["more_findings"]) == (0, 0)
    assert document["findings"][0] == {
        "code": "wrong-shape", "severity": "error", "message": "flaw 1", "file": "data.jsonl", "line": 1,
        "column": None, "offset": 100, "count": 1, "lines": [1], "excerpt": "{", "hint": None,
    }  # fmt: skip


@pytest.mark.parametrize("char", ["x", "ü", "🙂", '"', "\0"])
def test_excerpts_go_first_then_findings_and_both_are_counted(char):
    findings = [finding(number, excerpt=char * 800, message=char * 150) for number in range(60)]
    document = report(findings).as_json()
    assert size(document) <= LARGEST_JSON
    assert len(document["findings"]) + document["more_findings"] == 60
    assert document["findings"][0]["message"] == char * 150
    assert document["errors"] == 60
    assert any(each["excerpt"] is None for each in document["findings"])
    if char in "xü":
        assert document["more_findings"] == 0


def test_of_very_many_files_the_first_are_listed():
    document = report([finding(1)], files=5000).as_json()
    assert (len(document["files"]), document["more_files"], document["rows"]) == (50, 4950, 10_000)


def test_what_cannot_fit_is_left_out():
    document = report([finding(number, message="x" * 70_000) for number in range(3)]).as_json()
    assert size(document) <= LARGEST_JSON
    assert (document["findings"], document["more_findings"], document["errors"]) == ([], 3, 3)


def test_a_finding_for_the_terminal_counts_its_rows():
    assert finding(3, count=1200).finding.message == "flaw 3 (this line, and 1,199 more)"
    assert finding(3).finding.place == "data.jsonl:3"
    whole = finding(3, line=None, lines=(), offset=None, count=5).finding
    assert (whole.place, whole.message) == ("data.jsonl", "flaw 3")
