"""Which label an answer settles on."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novaline.rewards import Rollout, Unscorable
from novaline.rewards.kinds import build
from novaline.rewards.library.classification import words_of
from novaline.rewards.library.mentions import Prompt, mentioned

OPEN = build("classification", {})
QUALITY = build("classification", {"labels": ["HQ", "LQ_EDIT", "LQ_CLOSE"]})
INTENTS = build("classification", {"labels": ["card_arrival", "card_arrival_estimate", "lost_card"]})

SAID = [
    "card_arrival",
    "Card Arrival",
    "  card-arrival.  ",
    '"card_arrival"',
    "Answer: card_arrival",
    "The customer waits for a card.\n\n**Answer:** card_arrival",
    "**Answer:**\ncard_arrival",
    "Label = card arrival",
    "Final answer: `card_arrival`",
    "<answer>card_arrival</answer>",
    r"So the intent is \boxed{card_arrival}",
    '{"label": "card_arrival"}',
    '```json\n{"intent": "card_arrival"}\n```',
    '<answer>{"label": "card_arrival"}</answer>',
    "The customer asks where the card is.\ncard_arrival",
    "The intent is: card_arrival",
    "Intent: card_arrival\n",
    "<think>lost_card?</think><answer>card_arrival</answer>",
]


@pytest.mark.parametrize("answer", SAID)
@pytest.mark.parametrize("reward", [OPEN, INTENTS])
def test_a_right_label_counts_however_it_is_said(reward, answer):
    assert reward(Rollout(answer, "card_arrival")).reward == 1.0


@pytest.mark.parametrize("answer", SAID)
@pytest.mark.parametrize("reward", [OPEN, INTENTS])
def test_the_same_words_are_wrong_for_another_label(reward, answer):
    assert reward(Rollout(answer, "card_arrival_estimate")).reward == 0.0


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
        '{"label": ["card_arrival", "lost_card"]}',
        "class: lost_card",
    ],
)
@pytest.mark.parametrize("reward", [OPEN, INTENTS])
def test_a_wrong_label_does_not_count(reward, answer):
    assert reward(Rollout(answer, "card_arrival")).reward == 0.0


@pytest.mark.parametrize(
    "answer",
    [
        "HQ",
        "HQ.",
        "hq",
        "The answer is HQ",
        "This question is HQ, since it shows code.",
        "HQ, not LQ_EDIT",
        "It is not LQ_CLOSE but HQ.",
        "It might be LQ_EDIT, yet it has an example.\nHQ",
        "I would say \u201cHQ\u201d.",
        "This is HQ rather than LQ_EDIT.",
        "HQ instead of LQ_CLOSE",
        "Not LQ_CLOSE or LQ_EDIT, but HQ",
        "Neither LQ_EDIT nor LQ_CLOSE: HQ",
        "The answer is HQ. LQ_EDIT is wrong, because nothing has to be edited.",
        "The question isn't LQ_EDIT; it's HQ.",
        "HQ. No edits are needed.",
        "It is not vague, so it is HQ",
        "Is it LQ_EDIT? No, HQ.",
        "Without doubt HQ",
        "<think>LQ_EDIT, or LQ_CLOSE?</think>\nI'd say HQ.",
        "LQ_EDIT, I first thought.</think>HQ it is",
    ],
)
def test_labels_that_are_known_are_found_in_a_sentence(answer):
    assert QUALITY(Rollout(answer, "HQ")).reward == 1.0


@pytest.mark.parametrize(
    "answer",
    [
        "HQ LQ_EDIT LQ_CLOSE",
        "HQ, LQ_EDIT, LQ_CLOSE",
        "HQ/LQ_EDIT",
        "HQ or LQ_EDIT",
        "LQ_EDIT\nHQ",
        "HQ\nLQ_EDIT",
        "Answer: HQ\nAnswer: LQ_EDIT",
        "Answer: LQ_EDIT\nAnswer: HQ",
        "Label: HQ. Label: LQ_EDIT",
        "Answer: HQ Answer: LQ_EDIT Answer: LQ_CLOSE",
        '{"label": "HQ", "label": "LQ_EDIT"}',
        "<answer>HQ</answer><answer>LQ_CLOSE</answer>",
        "<answer>HQ LQ_CLOSE</answer>",
        '{"labels": ["HQ", "LQ_EDIT"]}',
        "not HQ",
        "This is not an HQ question.",
        "HQ is not right.",
        "HQs",
        "high quality",
        "Is it HQ?",
        "hardly HQ",
        "This is far from HQ.",
        "anything but HQ",
        "I wouldn't call this HQ.",
        "I can\u2019t say that this is HQ",
        "It lacks what would make it HQ",
        "non-HQ",
        "HQ is wrong",
        "HQ would be incorrect.",
        "HQ: no",
        "<think>HQ</think>",
        "<think>It is HQ",
    ],
)
def test_an_answer_that_names_several_labels_or_none_settles_on_none(answer):
    for reference in ("HQ", "LQ_EDIT", "LQ_CLOSE"):
        score = QUALITY(Rollout(answer, reference))
        assert (score.reward, score.measures["found"]) == (0.0, 0.0)


def test_a_label_in_words_that_are_copied_from_the_prompt_is_not_named():
    intents = build("classification", {"labels": ["alarm", "weather"]})
    prompt = "Please set an alarm for seven."
    for answer in (prompt, "set an alarm", "You say: please set an alarm for seven.", f"Answer: {prompt}"):
        assert intents(Rollout(answer, "alarm", prompt)).reward == 0.0
    for answer in ("alarm", "This is about alarm", f"{prompt}\nalarm", "It asks to set an alarm.\nAnswer: alarm"):
        assert intents(Rollout(answer, "alarm", prompt)).reward == 1.0


def test_words_that_an_answer_shares_with_the_prompt_by_chance_are_no_copy():
    prompt = "Decide whether the question is HQ, or classify it as LQ_EDIT or as LQ_CLOSE. Quality: HQ"
    for answer in ("I think the question is HQ.", "I would classify this as HQ.", "Quality: HQ", "as HQ"):
        assert QUALITY(Rollout(answer, "HQ", prompt)).reward == 1.0
    assert QUALITY(Rollout("HQ? No, LQ_EDIT.", "HQ", prompt)).reward == 0.0
    assert QUALITY(Rollout("HQ? No, LQ_EDIT.", "LQ_EDIT", prompt)).reward == 1.0


def test_a_prompt_is_read_once_however_often_an_answer_is_marked():
    read = []

    def words(text):
        read.append(text)
        return words_of(text)

    prompt = Prompt("set an alarm for seven", words)
    known = frozenset({("alarm",)})
    for _ in range(3):
        assert mentioned("it is about an alarm now", words, prompt, known, [1]) == {("alarm",)}
    assert read.count("set an alarm for seven") == 1


@pytest.mark.parametrize(
    "answer",
    [
        "HQ\u3002",
        "\u200bHQ",
        "\uff28\uff31",
        "$HQ$",
        r"\(HQ\)",
        "### HQ",
        "- HQ",
        "1. HQ",
        "\u00abHQ\u00bb",
        "Answer\uff1aHQ",
        r"\boxed{\text{HQ}}",
        "<|begin_of_solution|>HQ<|end_of_solution|>",
        "Classification: HQ",
        "<answer>HQ",
        "Answer: the label is HQ",
        "Prediction: HQ",
    ],
)
@pytest.mark.parametrize("reward", [OPEN, QUALITY])
def test_what_stands_around_a_label_and_how_it_is_set_does_not_matter(reward, answer):
    assert reward(Rollout(answer, "HQ")).reward == 1.0


def test_a_label_as_markdown_escapes_it_is_the_label():
    assert OPEN(Rollout(r"LQ\_EDIT", "LQ_EDIT")).reward == 1.0


@pytest.mark.parametrize(("label", "other"), [("C++", "C"), ("C#", "C"), ("-1", "1"), ("not_spam", "spam")])
def test_signs_that_tell_labels_apart_are_kept(label, other):
    reward = build("classification", {"labels": [label, other]})
    for right, wrong in ((label, other), (other, label)):
        for said in ("{}", "It is {}.", "Answer: {}"):
            assert reward(Rollout(said.format(right), right)).reward == 1.0
            assert reward(Rollout(said.format(right), wrong)).reward == 0.0


def test_labels_that_the_prompt_lists_may_be_named():
    prompt = "Answer with one of HQ, LQ_EDIT, LQ_CLOSE."
    assert QUALITY(Rollout("This one is LQ_EDIT, since it lacks code.", "LQ_EDIT", prompt)).reward == 1.0


def test_the_longest_label_at_a_place_is_the_one_that_is_named():
    assert INTENTS(Rollout("I think it is card arrival estimate here", "card_arrival_estimate")).reward == 1.0


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
        ("b", ["a", "b"]),
    ],
)
def test_numbers_cases_and_wrapped_references_are_equal_to_what_they_mean(answer, reference):
    assert OPEN(Rollout(answer, reference)).reward == 1.0


def test_signs_of_numbers_tell_labels_apart():
    sentiment = build("classification", {"labels": ["-1", "0", "1"]})
    assert sentiment(Rollout("The label is -1", "-1")).reward == 1.0
    assert sentiment(Rollout("1", "-1")).reward == 0.0


def test_the_words_yes_and_no_may_be_labels():
    verdict = build("classification", {"labels": ["yes", "no"]})
    assert verdict(Rollout("No.", "no")).reward == 1.0
    assert verdict(Rollout("The answer is no", "no")).reward == 1.0
    assert verdict(Rollout("yes and no", "no")).reward == 0.0


def test_a_label_that_begins_with_the_word_of_a_mark_is_a_label():
    assert OPEN(Rollout("class action", "class_action")).reward == 1.0
    assert OPEN(Rollout("Intent: label maker", "label_maker")).reward == 1.0


def test_a_field_of_the_reference_can_be_named():
    reward = build("classification", {"reference_field": "compliant"})
    assert reward(Rollout("no", {"compliant": "No", "explanation": "..."})).reward == 1.0


@pytest.mark.parametrize("reference", [None, {}, {"a": 1, "b": 2}, [], "", "...", {"label": []}, [None]])
def test_a_reference_without_a_label_cannot_be_scored(reference):
    with pytest.raises(Unscorable):
        OPEN(Rollout("card_arrival", reference))


def test_a_reference_that_is_none_of_the_labels_cannot_be_scored():
    with pytest.raises(Unscorable, match="none of the labels"):
        QUALITY(Rollout("HQ", "HQQ"))


def test_whether_an_answer_was_marked_is_measured():
    assert OPEN(Rollout("Answer: a", "a")).measures == {"marked": 1.0, "found": 1.0}
    assert OPEN(Rollout("a", "a")).measures == {"marked": 0.0, "found": 1.0}


def test_huge_numbers_stay_text():
    assert words_of("1e999999999") == ("1e999999999",)


@settings(max_examples=200, derandomize=True)
@given(st.text(max_size=60))
def test_reading_words_twice_changes_nothing(text):
    words = words_of(text)
    assert words_of(" ".join(words)) == words
