"""Findings know their place, and errors carry all of them."""

import pytest

from novaline.findings import Finding, NovalineError, UsageProblem, errors_in, nearest


def test_a_place_is_as_long_as_what_is_known():
    finding = Finding(code="c", severity="error", message="m", file="f", line=3, column=4)
    assert finding.place == "f:3:4"
    assert Finding(code="c", severity="error", message="m", file="f").place == "f"
    assert Finding(code="c", severity="error", message="m").place == ""


def test_an_error_of_one_finding_reads_as_that_finding():
    with pytest.raises(NovalineError, match=r"^f:1: wrong$"):
        raise NovalineError.of("c", "wrong", file="f", line=1)
    assert str(NovalineError.of("c", "wrong")) == "wrong"


def test_wrong_usage_is_an_error_with_another_exit_status():
    problem = UsageProblem.of("c", "m")
    assert isinstance(problem, NovalineError)
    assert (problem.exit_code, NovalineError.of("c", "m").exit_code) == (2, 1)


def test_warnings_are_no_errors():
    warning = Finding(code="c", severity="warning", message="m")
    assert errors_in([warning]) == ()


def test_the_nearest_word_is_close_or_none():
    assert nearest("Nova-Mikro", ["nova-micro", "nova-2-lite"]) == "nova-micro"
    assert nearest("zebra", ["nova-micro"]) is None
    assert nearest("", []) is None
