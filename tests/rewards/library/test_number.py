"""Which number an answer gives, and when two are the same."""

import pytest

from novaline.rewards import Rollout, Unscorable
from novaline.rewards.kinds import build

PLAIN = build("number", {})


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("5", "5.0"),
        ("5", 5),
        ("5.", 5),
        ("5,000/1,000", 5),
        ("5000 / 1000", "5"),
        ("The result is 1,000.", 1000),
        ("1,234,567.5", 1234567.5),
        ("1e3", 1000),
        ("1.5E-3", 0.0015),
        ("1.5 x 10^3", "1500"),
        (r"2 \times 10^{-2}", 0.02),
        ("3/4", 0.75),
        ("1 1/2 cups", 1.5),
        (r"\frac{3}{4}", 0.75),
        (r"-\dfrac{1}{2}", -0.5),
        ("1/3", "1/3"),
        ("$5", 5),
        ("\u20ac 1,200.50", 1200.5),
        ("-3", -3),
        ("\u22123", -3),
        ("5-3 = 2, so 3", 3),
        ("x=5", 5),
        ("10 apples and 5 pears", 5),
        (".5", 0.5),
        ("12:30", 30),
        ("100000000000000000001", 100000000000000000001),
        ("We add 3 and 4.\n#### 7", "3 + 4 = 7\n#### 7"),
        (r"\boxed{7} because 3 + 4 = 8 - 1", 7),
        ("<answer>7</answer> (not 8)", 7),
        ("The answer is 7, out of 10 tries\nthat took 3 days", "7"),
        ("Answer: 12 boxes of 3 = 36 (not 40)", 36),
        ("7", ["6", "7"]),
        ("5k", 5000),
        ("$70K", 70_000),
        ("5 million people", 5_000_000),
        ("2.5 billion", 2.5e9),
        ("minus 3", -3),
        ("negative 3 degrees", -3),
        ("\u20133", -3),
        ("5{,}000", 5000),
        ("5\\,000", 5000),
        ("5'000", 5000),
        ("5\u202f000", 5000),
        ("5_000", 5000),
        ("5\u00d710\u00b3", 5000),
        ("\u00bd", 0.5),
        ("2\u00bd cups", 2.5),
        (r"\frac12", 0.5),
        (r"\boxed{\text{5 apples}}", 5),
        ("It is 18, in the 2nd year", 18),
        ("the 3rd", 3),
        ("<think>6? No, 7.</think>5", 5),
        ("<think>6</think>The answer should be 5, not 6", 5),
        ("<|begin_of_thought|>6<|end_of_thought|><|begin_of_solution|>\\boxed{5}<|end_of_solution|>", 5),
        ("7", {"answer": 7}),
    ],
)
def test_the_same_number_counts_however_it_is_written(answer, reference):
    assert PLAIN(Rollout(answer, reference)).reward == 1.0


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("", 5),
        ("five", 5),
        ("5.1", 5),
        ("-5", 5),
        ("5 or 6", 5),
        ("5k", 5),
        ("5 million", 5),
        ("minus 3", 3),
        ("\u20133", 3),
        ("5.000.000", 5),
        ("300 K", 300_000),
        ("<think>5</think>", 5),
        ("<think>It is 5", 5),
        ("5</think> is wrong", 5),
        ("1,5", 5),
        ("1,2,3", 3),
        ("H2O", 2),
        ("v1.2.3", 3),
        ("3/0", 3),
        ("1/2/3", 3),
        ("100000000000000000001", 100000000000000000002),
        ("0.333", "1/3"),
        ("1e99999", 5),
        ("9" * 5000, 9),
    ],
)
def test_another_number_or_none_does_not_count(answer, reference):
    assert PLAIN(Rollout(answer, reference)).reward == 0.0


@pytest.mark.parametrize(
    ("answer", "reference", "reward"),
    [("50%", 0.5, 1), ("50 %", "50", 1), (r"50\%", "50%", 1), ("0.5", "50%", 1), ("0.5", 50, 0), ("5%", "50%", 0)],
)
def test_a_percent_sign_on_one_side_only_may_be_read_both_ways(answer, reference, reward):
    assert PLAIN(Rollout(answer, reference)).reward == reward


def test_units_are_worth_what_the_options_say():
    metres = build("number", {"units": {"m": 1, "km": 1000, "cm": 0.01, "m/s": 1}})
    assert metres(Rollout("3 km", "3000 m")).reward == 1.0
    assert metres(Rollout("300cm", 3)).reward == 1.0
    assert metres(Rollout("3 km", "3 m")).reward == 0.0
    assert metres(Rollout("3 apples", 3)).reward == 1.0
    assert metres(Rollout("3 m/s", 3)).reward == 1.0


def test_tolerances_are_absolute_or_a_share_of_the_reference():
    near = build("number", {"tolerance": 0.1})
    assert [near(Rollout(answer, 3)).reward for answer in ("3.1", "2.9", "3.11")] == [1.0, 1.0, 0.0]
    share = build("number", {"relative_tolerance": 0.01})
    assert [share(Rollout(answer, -200)).reward for answer in ("-202", "-198", "-202.1")] == [1.0, 1.0, 0.0]


def test_whether_there_was_a_number_is_measured():
    assert PLAIN(Rollout("none", 5)).measures == {"found": 0.0, "marked": 0.0}
    assert PLAIN(Rollout("Answer: 5", 5)).measures == {"found": 1.0, "marked": 1.0}


@pytest.mark.parametrize("reference", [None, "", "none", {}, []])
def test_a_reference_without_a_number_cannot_be_scored(reference):
    with pytest.raises(Unscorable):
        PLAIN(Rollout("5", reference))
