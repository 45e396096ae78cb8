import math
import random

import pytest

from novaline.rehearsal.sagemaker.scores import score


def test_equal_texts_score_the_highest():
    table = score(["The cat sat on the mat"] * 3, ["The cat sat on the mat"] * 3)
    expected = {"rouge1": 1, "rouge2": 1, "rougeL": 1, "exact_match": 1, "quasi_exact_match": 1, "f1_score": 1}
    assert expected.items() <= table.items()
    assert table["bleu"] == pytest.approx(100)
    assert table["bleu_stderr"] == pytest.approx(0)


def test_nothing_in_common_scores_nothing():
    table = score(["alpha beta"], ["gamma delta"])
    assert {value for name, value in table.items() if not name.endswith("_stderr")} == {0.0}


def test_quasi_metrics_pass_over_case_articles_and_marks():
    table = score(["The Answer!"], ["answer"])
    assert (table["exact_match"], table["quasi_exact_match"]) == (0, 1)
    assert (table["f1_score"], table["f1_score_quasi"]) == (0, 1)


def test_overlaps_are_f_measures_worked_out_by_hand():
    table = score(["the cat was here"], ["the cat is here now"])
    assert table["rouge1"] == pytest.approx(2 * 3 / 9)
    assert table["rouge2"] == pytest.approx(2 * 1 / 7)
    assert table["rougeL"] == pytest.approx(2 * 3 / 9)
    assert table["f1_score"] == pytest.approx(2 * 3 / 9)


def test_the_longest_common_subsequence_keeps_the_order():
    assert score(["b a"], ["a b"])["rougeL"] == pytest.approx(0.5)
    chance = random.Random(1)
    for _ in range(30):
        ours, theirs = ([chance.choice("abc") for _ in range(chance.randint(1, 12))] for _ in range(2))
        table = [[0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
        for i, a in enumerate(ours):
            for j, b in enumerate(theirs):
                table[i + 1][j + 1] = table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
        expected = 2 * table[-1][-1] / (len(ours) + len(theirs))
        assert score([" ".join(ours)], [" ".join(theirs)])["rougeL"] == pytest.approx(expected)


def test_the_error_of_a_share_is_that_of_a_mean():
    table = score(["a"] * 75 + ["b"] * 25, ["a"] * 100)
    assert table["exact_match"] == 0.75
    assert table["exact_match_stderr"] == pytest.approx(math.sqrt(0.75 * 0.25 / 99))


def test_bleu_is_between_for_what_is_partly_right_and_lower_for_what_is_too_short():
    reference = "the quick brown fox jumps over the lazy dog"
    part = score(["the quick brown fox sleeps under the lazy dog"], [reference])["bleu"]
    short = score(["the quick brown fox"], [reference])["bleu"]
    assert 0 < part < 100
    assert short == pytest.approx(100 * math.exp(1 - 9 / 4))


def test_single_words_have_a_bleu_too():
    assert score(["refund", "lost"], ["refund", "found"])["bleu"] == pytest.approx(50)


@pytest.mark.parametrize(("answers", "references"), [([], []), (["a"], [])])
def test_lists_that_do_not_pair_are_refused(answers, references):
    with pytest.raises(ValueError, match="answers for"):
        score(answers, references)
