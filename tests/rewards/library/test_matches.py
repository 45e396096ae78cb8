"""Exact and quasi-exact match, token F1 and ROUGE-L, against what their sources publish."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novaline.rewards import Rollout, Unscorable
from novaline.rewards.kinds import build
from novaline.rewards.library.rouge_l import longest_common

EXACT, QUASI = build("exact-match", {}), build("quasi-exact-match", {})
F1, ROUGE = build("token-f1", {}), build("rouge-l", {})


@pytest.mark.parametrize(
    ("answer", "reference", "exact", "quasi"),
    [
        ("Paris", "Paris", 1, 1),
        (" Paris\n", "Paris", 1, 1),
        ("paris", "Paris", 0, 1),
        ("The Paris.", "paris", 0, 1),
        ("an  apple a day", "Apple day", 0, 1),
        ("U.S.A.", "USA", 0, 1),
        ("Paris, France", "Paris", 0, 0),
        ("Theatre", "atre", 0, 0),
        ("", "Paris", 0, 0),
        ("5", 5, 1, 1),
        ("true", True, 1, 1),
        ("b", ["a", "b"], 1, 1),
        ("A", "A", 1, 1),
        ("a.", "A", 0, 1),
        ("The", "A", 0, 0),
        ("B", "A", 0, 0),
    ],
)
def test_exact_and_quasi_exact_match_are_those_of_helm(answer, reference, exact, quasi):
    assert EXACT(Rollout(answer, reference)).reward == exact
    assert QUASI(Rollout(answer, reference)).reward == quasi


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        # What the evaluation script of SQuAD gives.
        ("Denver Broncos", "Denver Broncos", 1.0),
        ("the Denver Broncos!", "denver broncos", 1.0),
        ("Broncos", "Denver Broncos", 2 / 3),
        ("The Denver Broncos won the game", "Denver Broncos", 2 * (2 / 4) * 1 / (2 / 4 + 1)),
        ("yes yes yes", "yes", 0.5),
        ("Panthers", "Denver Broncos", 0.0),
        ("", "Denver Broncos", 0.0),
        ("Broncos", ["Denver Broncos", "Broncos"], 1.0),
    ],
)
def test_token_f1_is_that_of_squad(answer, reference, expected):
    assert F1(Rollout(answer, reference)).reward == pytest.approx(expected)


@pytest.mark.parametrize(
    ("answer", "reference", "precision", "recall", "f1"),
    [
        # The tests of google-research/rouge, rouge_scorer_test.py: testRougeL and its neighbours.
        ("testing", "testing one two", 1.0, 1 / 3, 1 / 2),
        # Lin (2004), section 3.1: the reference and its candidates S2 and S3.
        ("police kill the gunman", "police killed the gunman", 3 / 4, 3 / 4, 3 / 4),
        ("the gunman kill police", "police killed the gunman", 2 / 4, 2 / 4, 2 / 4),
        # Lin (2004), section 3.2: words of a sentence in common, with others in between.
        ("w1 w2 w6 w7 w8", "w1 w2 w3 w4 w5", 2 / 5, 2 / 5, 2 / 5),
        ("w1 w3 w8 w9 w5", "w1 w2 w3 w4 w5", 3 / 5, 3 / 5, 3 / 5),
        ("Testing, ONE-two", "testing one_two", 1.0, 1.0, 1.0),
        ("", "testing", 0.0, 0.0, 0.0),
    ],
)
def test_rouge_l_is_that_of_its_paper(answer, reference, precision, recall, f1):
    score = ROUGE(Rollout(answer, reference))
    assert score.reward == pytest.approx(f1)
    assert score.measures == pytest.approx({"precision": precision, "recall": recall})


@pytest.mark.parametrize("reward", [EXACT, QUASI, F1, ROUGE])
@pytest.mark.parametrize("reference", [None, "", " ", [], {}, [[]]])
def test_an_empty_reference_cannot_be_scored(reward, reference):
    with pytest.raises(Unscorable):
        reward(Rollout("x", reference))


def slow_longest_common(one, other):
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for at, wanted in enumerate(other, 1):
            before, row[at] = row[at], before + 1 if word == wanted else max(row[at], row[at - 1])
    return row[-1]


WORDS = st.lists(st.sampled_from("abcd"), max_size=30)


@settings(max_examples=300, derandomize=True)
@given(WORDS, WORDS)
def test_the_longest_common_subsequence_is_that_of_the_textbook(one, other):
    assert longest_common(one, other) == slow_longest_common(one, other)
