"""Rewards by name, and their options as people write them."""

from dataclasses import dataclass, field
from typing import Literal

import pytest

from novaline.rewards import Rollout
from novaline.rewards.kinds import KINDS, UnknownKind, build, check_options, options_of
from novaline.rewards.options import OptionProblem, WrongOptions, described, read_options

RULES = [name for name, kind in KINDS.items() if not kind.calls_model]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_options_of_which_each_is_explained(name):
    options = options_of(name)
    assert options
    assert all(option.doc for option in options)
    assert KINDS[name].summary


def test_the_kinds_that_the_documentation_promises_are_there():
    assert set(KINDS) == {
        "classification", "exact-match", "quasi-exact-match", "number", "json", "function-call", "pattern",
        "token-f1", "rouge-l", "length", "format", "weighted", "judge",
    }  # fmt: skip


def test_an_unknown_kind_is_refused_with_the_nearest():
    with pytest.raises(UnknownKind, match="did you mean classification"):
        build("clasification", {})


def test_wrong_options_are_refused_all_at_once():
    with pytest.raises(WrongOptions) as refused:
        build("number", {"tolerance": "1", "tolerence": 1})
    assert {problem.path for problem in refused.value.problems} == {"tolerance", "tolerence"}
    assert "options.tolerance" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "options", "paths"),
    [
        ("classification", {"labels": "HQ"}, ["labels"]),
        ("classification", {"labels": ["HQ", 5]}, ["labels[1]"]),
        ("classification", {"labels": ["HQ"]}, ["labels"]),
        ("classification", {"labels": ["card arrival", "card_arrival", "..."]}, ["labels[1]", "labels[2]"]),
        ("number", {"tolerance": -1, "units": {"m": 0}}, ["tolerance", "units.m"]),
        ("number", {"tolerance": float("nan")}, ["tolerance"]),
        ("number", {"units": {"m": "1"}}, ["units.m"]),
        ("json", {"compare": "none"}, [""]),
        ("json", {"compare": "same"}, ["compare"]),
        ("json", {"schema": {"typ": "object"}}, ["schema.typ"]),
        ("json", {"schema": []}, ["schema"]),
        ("pattern", {}, ["pattern"]),
        ("pattern", {"pattern": "("}, ["pattern"]),
        ("pattern", {"pattern": r"(a)\1"}, ["pattern"]),
        ("pattern", {"pattern": "a", "language": "sql"}, ["language"]),
        ("length", {}, ["most"]),
        ("length", {"most": True}, ["most"]),
        ("length", {"most": 3, "least": 5}, ["most"]),
        ("length", {"most": 3, "least": 0, "fade": -1}, ["least", "fade"]),
        ("length", {"most": 3, "unit": "tokens"}, ["unit"]),
        ("format", {}, [""]),
        ("format", {"tags": ["a", "a", "<b>"]}, ["tags[1]", "tags[2]"]),
        ("format", {"only_tags": True}, ["only_tags"]),
        ("format", {"contains": [" "], "code_fences": -1}, ["contains[0]", "code_fences"]),
        ("function-call", {"arguments": "some"}, ["arguments"]),
        ("weighted", {}, ["parts"]),
        ("weighted", {"parts": {}}, ["parts"]),
        ("weighted", {"parts": {"a": {}}}, ["parts.a.function"]),
        ("weighted", {"parts": {"a": {"function": "nubmer"}}}, ["parts.a.function"]),
        ("weighted", {"parts": {"a b": {"function": "number"}}}, ["parts.a b"]),
        ("weighted", {"parts": {"a": {"function": "number", "weight": -1}}}, ["parts"]),
        ("weighted", {"parts": {"reward": {"function": "number"}}}, ["parts.reward"]),
        ("weighted", {"parts": {"a": {"function": "number", "weight": 2}}, "combine": "min"}, ["parts.a.weight"]),
        (
            "weighted",
            {"parts": {"a": {"function": "weighted", "options": {"parts": {"b": {"function": "length"}}}}}},
            ["parts.a.options.parts.b.options.most"],
        ),
        ("exact-match", [], [""]),
        ("exact-match", {5: 1}, ["5"]),
    ],
)
def test_a_wrong_option_is_found_at_its_path(name, options, paths):
    problems = check_options(name, options)
    assert [problem.path for problem in problems] == paths
    assert all(problem.message for problem in problems)


@pytest.mark.parametrize("name", [name for name in RULES if name not in {"pattern", "length", "format", "weighted"}])
def test_rewards_that_compare_with_the_reference_need_no_options(name):
    assert check_options(name, {}) == []
    assert 0.0 <= build(name, {})(Rollout("5", "5")).reward <= 1.0


@dataclass(frozen=True)
class Inner:
    name: str = field(metadata={"doc": "x"})


@dataclass(frozen=True)
class Example:
    inner: Inner | None = None
    many: tuple[Inner, ...] = ()
    either: int | str = 0
    word: Literal["a", 1] = "a"
    anything: object = None
    share: float = 0.5


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({"inner": {"name": 5}}, ["inner.name"]),
        ({"inner": 5}, ["inner"]),
        ({"many": [{"name": "x"}, {}]}, ["many[1].name"]),
        ({"many": {"name": "x"}}, ["many"]),
        ({"either": 1.5}, ["either"]),
        ({"word": True}, ["word"]),
        ({"word": "1"}, ["word"]),
        ({"share": True}, ["share"]),
        ({"share": None}, ["share"]),
    ],
)
def test_paths_lead_into_nested_options(given, paths):
    options, problems = read_options(Example, given)
    assert options is None
    assert [problem.path for problem in problems] == paths


def test_options_are_read_as_their_types_say():
    options, problems = read_options(
        Example, {"inner": {"name": "x"}, "many": [{"name": "y"}], "either": "z", "anything": [1], "share": 1}
    )
    assert problems == []
    assert options == Example(Inner("x"), (Inner("y"),), "z", "a", [1], 1)


def test_options_are_described_for_people():
    option = described(Inner)[0]
    assert (option.name, option.takes, option.required, option.doc) == ("name", "text", True, "x")
    assert [one.takes for one in described(Example)] == [
        "a mapping",
        "a list (a mapping each)",
        "a whole number or text",
        "a or 1",
        "anything",
        "a number",
    ]


def test_a_problem_reads_as_a_sentence():
    assert (
        str(OptionProblem("a[1]", "is 5, expected text", "quote it")) == "options.a[1]: is 5, expected text (quote it)"
    )
    assert str(OptionProblem("", "are none")) == "options: are none"
