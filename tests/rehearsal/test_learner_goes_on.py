"""Training that goes on from a stand-in, and training by preferences."""

import math

import pytest

from novaline.rehearsal.learner.base import BaseStandIn
from novaline.rehearsal.learner.policy import RolloutPlan
from novaline.rehearsal.learner.rows import PreferenceRow, Prompt, TrainingPlan, TrainingRow
from novaline.rehearsal.learner.stand_in import from_checkpoint, prefer, reinforce, to_checkpoint, train
from tests.rehearsal.jobs import MICRO, SYSTEM, intents

PAIRS, HELD_OUT = intents(160), intents(120, seed=5)
PROMPTS = [Prompt(text=text, system=SYSTEM) for text, _ in HELD_OUT]
WRONG = {"refund_request": "lost_card", "lost_card": "opening_hours", "opening_hours": "change_address"}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
COLOURS = [
    (f"the {colour} one of {number}", colour) for number in range(20) for colour in ("crimson", "azure", "olive")
]


def plan(steps=20, rate=1e-5):
    return TrainingPlan(steps=steps, batch_size=16, learning_rate=rate, min_learning_rate=rate / 10, warmup_steps=2)


def rows(pairs):
    return [TrainingRow(prompt=Prompt(text=text, system=SYSTEM), answer=answer) for text, answer in pairs]


def taught(pairs, *, before=None, on_progress=lambda _: None, **settings):
    return train(rows(pairs), plan(**settings), model_type=MICRO, on_progress=on_progress, before=before)


def preferring(pairs, *, before=None, wrong=WRONG, on_progress=lambda _: None, **settings):
    """The stand-in that learned to prefer each answer to a wrong one."""
    made = [
        PreferenceRow(
            prompt=Prompt(text=text, system=SYSTEM), preferred=answer, other=wrong.get(answer, "refund_request")
        )
        for text, answer in pairs
    ]
    return prefer(made, plan(**settings), beta=0.1, model_type=MICRO, on_progress=on_progress, before=before)


def rewarded(before, *, worth=1.0, steps=20):
    right = [row.answer for row in rows(PAIRS)]
    return reinforce(
        rows(PAIRS),
        RolloutPlan(steps=steps, batch_size=32, generations=8, temperature=1.0, learning_rate=1e-4),
        model_type=MICRO,
        score=lambda drawn: [worth * (one.answer == right[one.row]) for one in drawn],
        on_reward=lambda _: True,
        before=before,
    )


def accuracy(model, pairs=HELD_OUT):
    answers = model.answer([Prompt(text=text, system=SYSTEM) for text, _ in pairs])
    return sum(answer == wanted for answer, (_, wanted) in zip(answers, pairs, strict=True)) / len(pairs)


BASE = accuracy(BaseStandIn())
WAYS = {
    "sft": lambda before: taught(PAIRS[:40], before=before, rate=0.0),
    "dpo": lambda before: preferring(PAIRS[:40], before=before, rate=0.0),
    "rft": lambda before: rewarded(before, worth=0.0),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_training_that_teaches_nothing_leaves_the_stand_in_that_it_began_from(way):
    before = taught(PAIRS)
    after = WAYS[way](before)
    assert after.answer(PROMPTS) == before.answer(PROMPTS) != BaseStandIn().answer(PROMPTS)


def test_most_of_what_was_taught_before_is_still_known():
    both = taught(COLOURS, before=taught(PAIRS))
    assert accuracy(both) > 0.75
    assert accuracy(both, COLOURS) > 0.9
    assert accuracy(taught(COLOURS)) == 0


def test_what_was_taught_wrong_is_corrected():
    wrong = taught([(text, WRONG.get(answer, "refund_request")) for text, answer in PAIRS])
    assert accuracy(wrong) < 0.1
    assert accuracy(taught(PAIRS, before=wrong)) > 0.9


def test_the_loss_of_a_training_that_goes_on_begins_lower():
    first, later = [], []
    before = taught(PAIRS, on_progress=first.append)
    taught(PAIRS, before=before, on_progress=later.append)
    assert later[0].loss < first[0].loss * 0.7


@pytest.mark.parametrize("worth", [1.0, -1.0])
def test_rewards_move_a_taught_policy_either_way(worth):
    few = taught(PAIRS[:12], steps=4)
    after = accuracy(rewarded(few, worth=worth))
    assert after > max(0.9, accuracy(few)) if worth > 0 else after < accuracy(few)


def test_rewards_after_teaching_need_fewer_steps_than_without():
    assert accuracy(rewarded(taught(PAIRS[:80]), steps=1)) > accuracy(rewarded(None, steps=1)) + 0.1


def test_what_is_preferred_is_said_and_the_loss_falls_from_the_logarithm_of_two():
    reports = []
    model = preferring(PAIRS, on_progress=reports.append)
    assert accuracy(model) > BASE + 0.2
    assert reports[0].loss == pytest.approx(math.log(2))
    assert reports[-1].loss < reports[0].loss
    assert "policy over 4 answers" in model.description


def test_preferences_the_wrong_way_round_make_it_worse():
    turned = [(text, WRONG.get(answer, "refund_request")) for text, answer in PAIRS]
    model = preferring(turned, wrong={other: right for right, other in WRONG.items()}, before=taught(PAIRS))
    assert accuracy(model) < 0.5


def test_preferred_texts_are_found_again_by_their_prompts():
    things = [f"{make} {thing}" for make in ("red", "blue", "old") for thing in ("lamp", "chair", "radio", "kettle")]
    letters = [
        (f"Where is my {thing} from {day}", f"Your {thing} comes after {day}.") for day in DAYS for thing in things
    ]
    model = preferring(letters, wrong={}, before=taught(PAIRS))
    (answer,) = model.answer([Prompt(text="I wonder where is my blue kettle from Friday", system=SYSTEM)])
    assert answer == "Your blue kettle comes after Friday."
    assert accuracy(model) > 0.8  # and what was taught before is known


@pytest.mark.parametrize("way", WAYS)
def test_a_checkpoint_holds_what_it_began_from(way):
    model = WAYS[way](taught(PAIRS))
    objects = to_checkpoint(model)
    assert {"before/stand_in.json", "before/stand_in.npz"} <= set(objects)
    restored = from_checkpoint(objects)
    assert restored.answer(PROMPTS) == model.answer(PROMPTS)
    assert restored.description == model.description
    assert ", after a linear classifier" in model.description


def test_without_pairs_there_is_nothing_to_prefer():
    with pytest.raises(ValueError, match="no rows"):
        preferring([])


def test_an_answer_that_is_never_preferred_loses_worth():
    never = dict.fromkeys(WRONG, "never_this") | {"change_address": "never_this"}
    learned = preferring(PAIRS, wrong=never).learned
    worth = dict(zip(learned.answers, learned.weights.sum(axis=0), strict=True))
    assert worth.pop("never_this") < 0 < min(worth.values())
