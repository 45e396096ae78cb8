"""Flaws are counted by kind in a ledger that stays small; excerpts show where something is, and where they were cut."""

import pytest

from novaline.datasets.flaws import LONGEST_EXCERPT, MOST_KINDS, Flaw, FlawLedger, excerpt


def test_however_many_kinds_of_warnings_there_are_none_becomes_an_error():
    ledger = FlawLedger()
    for number in range(3 * MOST_KINDS):
        ledger.add(Flaw("odd", f"kind {number}", "warning"), line=number + 1, offset=0)
    assert len(ledger.seen) == MOST_KINDS + 1
    assert {flaw.severity for flaw in ledger.seen} == {"warning"}
    ledger.add(Flaw("bad", "another kind"), line=999, offset=0)
    assert [(flaw.code, flaw.severity) for flaw, seen in ledger if seen.lines == [999]] == [("more-flaws", "error")]
    assert sum(seen.count for _, seen in ledger) == 3 * MOST_KINDS + 1


def test_a_short_line_is_shown_whole():
    assert excerpt(b'{"text": "a"}') == '{"text": "a"}'
    assert excerpt("ä".encode() * LONGEST_EXCERPT) == "ä" * LONGEST_EXCERPT
    assert excerpt(b"") == ""


def test_what_was_cut_off_is_marked_at_that_end():
    line = "".join(f"{number:04} " for number in range(400)).encode()
    assert excerpt(line).startswith("0000 0001 ")
    assert excerpt(line).endswith("…")
    middle = excerpt(line, 1001)
    assert (middle[0], middle[-1], len(middle)) == ("…", "…", LONGEST_EXCERPT)
    assert "0200" in middle
    end = excerpt(line, len(line))
    assert (end[0], end[-5:]) == ("…", "0399 ")
    assert excerpt(line, 1001, before=4).startswith("…199 0200")


@pytest.mark.parametrize("column", [101, 102, 103, 104, 105])
def test_no_character_is_cut_in_two(column):
    assert "\ufffd" not in excerpt("🙂".encode() * 300, column, before=50)
