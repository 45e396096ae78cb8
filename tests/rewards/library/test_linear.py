"""Regular expressions mean what Python's mean, and take linear time."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novaline.rewards.library.linear import WrongPattern, read_pattern

ATOMS = st.sampled_from(
    ["a", "b", ".", r"\w", r"\W", r"\d", r"\s", "[ab]", "[^a]", r"\b", "^", "$", r"\B", r"\A", r"\Z", r"[a-c\d]", "\n"]
)
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        inner.map(lambda one: f"(?:{one})*"),
        inner.map(lambda one: f"({one})?"),
        inner.map(lambda one: f"(?:{one})+?"),
        inner.map(lambda one: f"(?:{one}){{1,3}}"),
    ),
    max_leaves=6,
)


@settings(max_examples=2000, derandomize=True, deadline=None)
@given(PATTERNS, st.text("aAbB1 \n_", max_size=8), st.tuples(*[st.booleans()] * 4))
def test_a_pattern_matches_where_pythons_engine_says_so(pattern, text, settings):
    whole, ignore_case, multi_line, dot_all = settings
    if not text and r"\B" in pattern:
        return  # what \B says of an empty text differs between versions of Python
    flags = (re.IGNORECASE * ignore_case) | (re.MULTILINE * multi_line) | (re.DOTALL * dot_all)
    expected = (re.fullmatch if whole else re.search)(pattern, text, flags) is not None
    matcher = read_pattern(pattern, whole=whole, ignore_case=ignore_case, multi_line=multi_line, dot_all=dot_all)
    assert matcher.matches(text) is expected
    assert matcher.matches(text) is expected, "likewise with what it remembers"


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^\d{4}-\d{2}-\d{2}$", "2024-01-31", True),
        (r"(?i)select\s+\*", "SELECT  *", True),
        (r"(?P<year>\d+)", "in 1999", True),
        (r"[^\W\d_]+", "12_é", True),
        (r"(?a)\w", "é", False),
        (r"(?i)stra(ss|ß)e", "STRAßE", True),
        ("", "", True),
        ("a{0}", "", True),
        ("(?:(?:(?:a{0}){99999}){99999}){99999}b", "b", True),
    ],
)
def test_patterns_that_people_write_are_understood(pattern, text, found):
    assert read_pattern(pattern).matches(text) is found


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a|aa)+$b", "(.*)*x", "a*a*a*a*a*b", "(x+x+)+y"])
def test_patterns_that_explode_elsewhere_are_over_at_once(pattern):
    assert not read_pattern(pattern).matches("a" * 100_000)


def test_what_is_remembered_stays_bounded():
    matcher = read_pattern("a.z")
    text = "".join(map(chr, range(0x4E00, 0x9FFF))) * 4
    assert not matcher.matches(text)
    assert matcher.matches(text + "aßz")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"(a)\1", "linear time"),
        (r"(?P<x>a)(?P=x)", "linear time"),
        ("(?=a)", "linear time"),
        ("(?!a)b", "linear time"),
        ("(?<!a)b", "linear time"),
        ("(a)?(?(1)b|c)", "linear time"),
        ("a++", "linear time"),
        ("(?>a)", "linear time"),
        ("(?i:a)b", "flags"),
        ("(", "no regular expression"),
        ("[", "no regular expression"),
        ("a{5000}", "too large"),
        ("(a{100}){100}", "too large"),
        ("a{1,99999999}", "too large"),
    ],
)
def test_what_cannot_be_matched_in_linear_time_is_refused_when_it_is_read(pattern, message):
    with pytest.raises(WrongPattern, match=message):
        read_pattern(pattern)
