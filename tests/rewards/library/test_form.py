"""Patterns, length and format."""

import pytest

from novaline.rewards import Rollout
from novaline.rewards.kinds import build


def rewards(kind, options, *answers):
    reward = build(kind, options)
    return [reward(Rollout(answer)).reward for answer in answers]


def test_a_pattern_is_looked_for_anywhere_or_must_match_all():
    assert rewards("pattern", {"pattern": r"\d{4}"}, "in 1999", "in 199", "") == [1, 0, 0]
    assert rewards("pattern", {"pattern": r"\d{4}", "whole": True}, " 1999\n", "in 1999") == [1, 0]


def test_a_pattern_may_be_unwanted_but_silence_does_not_earn_for_that():
    assert rewards("pattern", {"pattern": "sorry", "ignore_case": True, "absent": True}, "Sure.", "SORRY", "") == [
        1,
        0,
        0,
    ]


def test_a_pattern_may_be_looked_for_in_the_one_code_fence():
    options = {"pattern": "select", "inside": "code", "language": "sql", "ignore_case": True}
    right = "Here:\n```sql\nSELECT 1\n```\nand\n```\nselect\n```"
    assert rewards("pattern", options, right, "select", "```\nselect\n```", f"{right}\n```sql\nselect\n```") == [
        1,
        0,
        0,
        0,
    ]


def test_a_length_in_the_band_earns_one_and_fades_outside():
    options = {"least": 2, "most": 4, "fade": 4}
    assert rewards("length", options, "", "a", "a b", "a b c d", "a b c d e f", "a " * 9) == [0, 0.75, 1, 1, 0.5, 0]
    assert rewards("length", {"most": 3, "unit": "characters"}, " abc ", "abcd") == [1, 0]
    assert rewards("length", {"most": 2, "unit": "lines"}, "a\n\nb\n", "a\nb\nc") == [1, 0]


THOUGHT = {"tags": ["think", "answer"], "only_tags": True}


@pytest.mark.parametrize(
    ("answer", "reward"),
    [
        ("<think>a</think>\n<answer>b</answer>", 1),
        ("<think>a</think> so <answer>b</answer>", 2 / 3),
        ("<answer>b</answer><think>a</think>", 1 / 3),
        ("<think>a</think>", 1 / 3),
        ("<think> </think><answer>b</answer>", 1 / 3),
        ("<think>a</think><answer>b</answer><answer>c</answer>", 1 / 3),
        ("<think>a<answer>b</answer></think>", 1 / 3),
        ("</think>a<think><answer>b</answer>", 1 / 3),
        ("b", 0),
        ("", 0),
    ],
)
def test_tags_stand_once_in_their_order_with_text_inside(answer, reward):
    assert rewards("format", THOUGHT, answer) == [pytest.approx(reward)]


def test_sections_stand_in_their_order_with_text_below():
    options = {"sections": ["## Cause", "## Fix"]}
    right = "## Cause\nx\n\n## Fix\ny"
    assert rewards("format", options, right, "## Fix\ny\n## Cause\nx", "## Cause\n## Fix\ny", "## Cause", "x") == [
        1, 0.5, 0.5, 0, 0,
    ]  # fmt: skip


def test_texts_may_be_wanted_and_forbidden_and_one_broken_rule_may_cost_all():
    options = {"contains": ["Regards"], "forbidden": ["as an AI"], "code_fences": 0}
    answers = ("Regards", "As an AI: Regards", "```\nx\n```", "")
    assert rewards("format", options, *answers) == [1, pytest.approx(2 / 3), pytest.approx(1 / 3), 0]
    assert rewards("format", {**options, "all_or_nothing": True}, *answers) == [1, 0, 0, 0]
