"""How rollouts are scored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova_reward.contract import Rollout, Unscorable
from nova_reward.scoring import classification, normalised


@pytest.mark.parametrize(
    "answer",
    [
        "card_arrival",
        "Card Arrival",
        "  card-arrival.  ",
        '"card_arrival"',
        "Answer: card_arrival",
        "The customer waits for a card.\n\n**Answer:** card_arrival",
        "Label = card arrival",
        "Final answer: `card_arrival`",
        "<answer>card_arrival</answer>",
        "It could be lost_card.\n<answer>lost_card</answer>\nNo:\n<answer> card_arrival </answer>",
        r"So the intent is \boxed{card_arrival}",
        '{"label": "card_arrival"}',
        '```json\n{"intent": "card_arrival"}\n```',
        '<answer>{"label": "card_arrival"}</answer>',
        "The customer asks where the card is.\ncard_arrival",
        "The intent is: card_arrival",
        "Intent: card_arrival\n",
    ],
)
def test_a_right_label_counts_however_it_is_said(answer):
    assert classification(Rollout(answer, "card_arrival")).reward == 1.0


@pytest.mark.parametrize(
    "answer",
    [
        "lost_card",
        "",
        "   \n ",
        "card_arrival is what the customer first said, but\nAnswer: lost_card",
        "<answer>card_arrival</answer> wait <answer>lost_card</answer>",
        "not card_arrival",
        "card_arrival_estimate",
        '{"label": "lost_card"}',
        "class: lost_card",
    ],
)
def test_a_wrong_label_does_not_count(answer):
    assert classification(Rollout(answer, "card_arrival")).reward == 0.0


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("5.0", "5"),
        ("5", 5),
        ("Answer: 5", 5.0),
        ("1,000", "1000"),
        ("-0.50", -0.5),
        ("True", True),
        ("Straße", "STRASSE"),
        ("x", {"label": "X"}),
        ("x", {"answer": {"class": "x"}}),
        ("x", {"anything": "x"}),
    ],
)
def test_numbers_cases_and_wrapped_references_are_equal_to_what_they_mean(answer, reference):
    assert classification(Rollout(answer, reference)).reward == 1.0


def test_a_label_that_begins_with_the_word_of_a_mark_is_a_label():
    assert classification(Rollout("class action", "class_action")).reward == 1.0
    assert classification(Rollout("Intent: label maker", "label_maker")).reward == 1.0


@pytest.mark.parametrize("reference", [{}, {"a": 1, "b": 2}, [], "", "...", {"label": []}])
def test_a_reference_without_a_label_cannot_be_scored(reference):
    with pytest.raises(Unscorable):
        classification(Rollout("card_arrival", reference))


def test_whether_an_answer_was_marked_is_measured():
    assert classification(Rollout("Answer: a", "a")).measures == {"marked": 1.0}
    assert classification(Rollout("a", "a")).measures == {"marked": 0.0}


def test_huge_numbers_stay_text():
    assert normalised("1e999999999") == "1e999999999"


@given(st.text(max_size=200))
def test_every_label_equals_itself(label):
    if normalised(label):
        assert classification(Rollout(f"<answer>{label}</answer>", label)).reward in (0.0, 1.0)
        assert normalised(normalised(label)) == normalised(label)
