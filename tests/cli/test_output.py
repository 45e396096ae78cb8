"""Findings look as a person wants to read them."""

import json

import pytest
import typer

from novaline.cli.output import print_json, render, reporting, summary
from novaline.findings import Finding, NovalineError, UsageProblem

FINDING = Finding(
    code="unknown-key",
    severity="error",
    message="unknown key `a`",
    file="f.yaml",
    line=3,
    column=5,
    excerpt="    a: 1",
    hint="did you mean `b`?",
)


def test_a_finding_has_place_message_source_caret_and_hint():
    assert render(FINDING).plain.splitlines() == [
        "f.yaml:3:5: error: unknown key `a` [unknown-key]",
        "    3 |     a: 1",
        "      |     ^",
        "      = did you mean `b`?",
    ]


def test_a_finding_without_a_place_is_one_line():
    assert render(Finding(code="c", severity="warning", message="m")).plain == "warning: m [c]"


def test_a_long_source_line_is_cut_around_the_column():
    excerpt = "x" * 5000 + "HERE" + "y" * 5000
    lines = render(
        Finding(code="c", severity="error", message="m", file="f", line=1, column=5001, excerpt=excerpt)
    ).plain.splitlines()
    assert len(lines[1]) < 200
    assert lines[1][lines[2].index("^") :].startswith("HERE")


def test_control_characters_of_a_source_line_do_not_reach_the_terminal():
    finding = Finding(code="c", severity="error", message="m", file="f", line=1, column=1, excerpt="\x1b[2J\x07")
    assert "\x1b" not in render(finding).plain
    assert "\x07" not in render(finding).plain


def test_the_summary_counts_errors_and_warnings():
    warning = Finding(code="c", severity="warning", message="m")
    assert summary([FINDING, FINDING, warning]) == "2 errors, 1 warning"
    assert summary([]) == "no findings"


@pytest.mark.parametrize(("problem", "code"), [(NovalineError, 1), (UsageProblem, 2)])
def test_a_problem_ends_a_command_with_its_exit_status_on_stderr(problem, code, capsys):
    with pytest.raises(typer.Exit) as caught, reporting(json=False):
        raise problem.of("c", "went wrong", hint="do this")
    printed = capsys.readouterr()
    assert caught.value.exit_code == code
    assert printed.out == ""
    assert "went wrong" in printed.err
    assert "do this" in printed.err


def test_a_problem_in_json_is_one_document_on_stdout(capsys):
    with pytest.raises(typer.Exit), reporting(json=True):
        raise NovalineError([FINDING])
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"findings": [FINDING.as_json()]}
    assert printed.err == ""


def test_json_holds_finite_numbers_and_readable_text(capsys):
    print_json({"text": "größer"})
    assert "größer" in capsys.readouterr().out
    with pytest.raises(ValueError, match="Out of range"):
        print_json({"number": float("nan")})
