"""Labels: what counts as one, and what is told of them."""

import pytest

from novaline.datasets.stats.labels import LONGEST_LABEL, MOST_LABELS, LabelCounter


def labels(answers):
    counter = LabelCounter()
    for start in range(0, len(answers), 100):
        counter.add(answers[start : start + 100])
    return counter.labels()


def test_answers_that_repeat_are_labels_the_commonest_first():
    found = labels(["b"] * 5 + [" a "] * 4 + ["a"] * 3 + ["c"])
    assert found.counts == (("a", 7), ("b", 5), ("c", 1))
    assert found.commonest_share == pytest.approx(7 / 13)
    assert found.imbalance == 7


def test_free_text_is_no_label():
    assert labels([f"answer {number}" for number in range(50)]) is None
    assert labels(["x" * (LONGEST_LABEL + 1)] * 50) is None
    assert labels([]) is None
    assert labels(["", " "] * 10) is None


def test_a_few_long_answers_leave_labels_what_they_are():
    long = "x" * (LONGEST_LABEL + 1)
    found = labels(["a"] * 50 + ["b"] * 49 + [long] * 5)
    assert (found.counts, found.others) == ((("a", 50), ("b", 49)), 5)
    assert labels(["a"] * 50 + ["b"] * 44 + [long] * 6) is None


def test_as_many_labels_are_counted_as_promised_and_no_more():
    assert len(labels([str(number) for number in range(MOST_LABELS)] * 3).counts) == MOST_LABELS
    assert labels([str(number) for number in range(MOST_LABELS + 1)] * 3) is None


def test_equally_common_labels_are_as_many_in_effect():
    assert labels(["a", "b", "c", "d"] * 5).effective == pytest.approx(4)
    assert labels(["a"] * 97 + ["b"] * 3).effective < 1.2


def test_labels_that_are_spelled_in_two_ways_are_told():
    found = labels(["track_order", "Track order", "track-order", "TRACK_ORDER", "refund"] * 4)
    assert [sorted(group) for group in found.spellings()] == [
        ["TRACK_ORDER", "Track order", "track-order", "track_order"]
    ]
    assert labels(["a", "b"] * 5).spellings() == ()
