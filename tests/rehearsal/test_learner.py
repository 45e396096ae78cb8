import io
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from novaline.rehearsal.learner.base import GENERIC_ANSWER, BaseStandIn, options_in, zero_shot
from novaline.rehearsal.learner.rows import Prompt, TrainingPlan, TrainingRow, count_tokens, cut_to_tokens
from novaline.rehearsal.learner.stand_in import from_checkpoint, to_checkpoint, train
from tests.rehearsal.jobs import MICRO, SYSTEM, intents


def plan(steps, *, batch=16, rate=1e-5):
    return TrainingPlan(steps=steps, batch_size=batch, learning_rate=rate, min_learning_rate=rate / 10, warmup_steps=2)


def rows(pairs, system=SYSTEM):
    return [TrainingRow(prompt=Prompt(text=query, system=system), answer=answer) for query, answer in pairs]


def learn(pairs, steps=20, *, system=SYSTEM, **settings):
    """(the stand-in, its reports)"""
    reports = []
    made = train(rows(pairs, system), plan(steps, **settings), model_type=MICRO, on_progress=reports.append)
    return made, reports


def accuracy(stand_in, pairs, system=SYSTEM):
    answers = stand_in.answer([Prompt(text=query, system=system) for query, _ in pairs])
    return sum(answer == wanted for answer, (_, wanted) in zip(answers, pairs, strict=True)) / len(pairs)


def shuffled(pairs):
    answers = [answer for _, answer in pairs]
    random.Random(3).shuffle(answers)
    return [(query, answer) for (query, _), answer in zip(pairs, answers, strict=True)]


def letters(count, *, seed=1):
    """Longer texts: a question about one of many things, answered by a sentence about that thing."""
    things = [
        f"{make} {thing}" for make in ("red", "blue", "old", "new") for thing in ("lamp", "chair", "radio", "kettle")
    ]
    chance = random.Random(seed)
    pairs = []
    for number in range(count):
        thing = things[number % len(things)]
        ask = chance.choice(["My {} is broken since Monday", "What about the {} I bought", "Where is my {}, I wonder"])
        pairs.append(
            (ask.format(thing), f"Dear customer {number}, your {thing} will be looked after by our {thing} team.")
        )
    return pairs


HELD_OUT = intents(200, seed=4)


def test_labels_are_learned_and_the_loss_falls():
    stand_in, reports = learn(intents(320))
    assert accuracy(stand_in, HELD_OUT) > 0.95
    assert reports[0].loss == pytest.approx(np.log(4), abs=1e-4)
    assert reports[-1].loss < reports[0].loss / 3
    assert [report.step for report in reports] == list(range(1, 21))


def test_shuffled_labels_teach_nothing():
    stand_in, reports = learn(shuffled(intents(320)))
    assert accuracy(stand_in, HELD_OUT) < 0.45
    assert reports[-1].loss > 0.8


def test_rows_that_the_recipe_never_reaches_are_not_learned():
    few, _ = learn(intents(320), 1, batch=2)
    assert accuracy(few, HELD_OUT) < 0.8


def test_more_epochs_mean_more_steps_and_a_lower_loss():
    _, one = learn(intents(160), 10)
    _, three = learn(intents(160), 30)
    assert (len(one), len(three)) == (10, 30)
    assert three[-1].loss < one[-1].loss


@pytest.mark.parametrize("rate", [1e-8, 1e-3, 1.0])
def test_no_learning_rate_breaks_the_stand_in(rate):
    stand_in, reports = learn(intents(320), rate=rate)
    assert accuracy(stand_in, HELD_OUT) > 0.9
    assert max(report.learning_rate for report in reports) == pytest.approx(rate)


def test_a_learning_rate_of_zero_teaches_nothing():
    stand_in, _ = learn(intents(320), rate=0.0)
    assert accuracy(stand_in, HELD_OUT) <= 0.25


def test_the_schedule_warms_up_and_decays_to_the_minimum():
    warming = TrainingPlan(steps=10, batch_size=1, learning_rate=1.0, min_learning_rate=0.1, warmup_steps=4)
    assert [warming.rate_at(step) for step in (1, 2, 4)] == [0.25, 0.5, 1.0]
    assert warming.rate_at(5) < 1.0
    assert warming.rate_at(10) == pytest.approx(0.1)


def test_a_hundred_thousand_steps_are_taken_in_larger_ones():
    _, reports = learn(intents(160), 100_000)
    assert len(reports) <= 2_000
    assert (reports[-1].step, reports[-1].steps) == (100_000, 100_000)


def test_the_same_rows_give_the_same_stand_in():
    first, second = (to_checkpoint(learn(intents(160))[0]) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("pairs", [intents(160), letters(120)], ids=["labels", "texts"])
def test_a_checkpoint_restores_what_it_was_made_of_without_pickle(pairs):
    stand_in, _ = learn(pairs)
    objects = to_checkpoint(stand_in)
    restored = from_checkpoint(objects)
    prompts = [Prompt(text=query, system=SYSTEM) for query, _ in HELD_OUT + letters(40, seed=8)]
    assert restored.answer(prompts) == stand_in.answer(prompts)
    assert restored.description == stand_in.description
    assert restored.description.startswith("stand-in")
    with np.load(io.BytesIO(objects["stand_in.npz"]), allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)


@pytest.mark.parametrize(
    "objects", [{}, {"stand_in.json": b"{}"}, {"stand_in.json": b'{"stand_in": 1}', "stand_in.npz": b"no"}]
)
def test_what_is_no_checkpoint_is_said_to_be_none(objects):
    with pytest.raises(ValueError, match="not a checkpoint of the stand-in"):
        from_checkpoint(objects)


def test_texts_are_answered_as_the_nearest_training_prompt_was():
    stand_in, reports = learn(letters(160), 10)
    (answer,) = stand_in.answer([Prompt(text="where is my blue kettle please")])
    assert "your blue kettle will be looked after" in answer
    assert len(reports) == 10
    assert reports[-1].loss < 0.8 * reports[0].loss
    assert "retrieval index of 160 answers" in stand_in.description


def test_shuffled_texts_raise_the_loss():
    honest, mixed = (learn(pairs, 10)[1][-1].loss for pairs in (letters(160), shuffled(letters(160))))
    assert mixed > 2 * honest


def test_a_prompt_that_shares_no_word_gets_the_base_s_answer():
    stand_in, _ = learn(letters(80))
    assert stand_in.answer([Prompt(text="zzz qqq")]) == [GENERIC_ANSWER]
    assert stand_in.answer([]) == []


def test_system_texts_count_only_where_they_differ():
    same, _ = learn(intents(160))
    assert accuracy(same, HELD_OUT, system="something else entirely about lost cards") > 0.95
    by_system = [
        TrainingRow(prompt=Prompt(text="go on", system=f"tone {tone}"), answer=tone) for tone in ("calm", "angry") * 40
    ]
    differing = train(by_system, plan(20), model_type=MICRO, on_progress=lambda _: None)
    assert differing.answer([Prompt(text="go on", system="tone angry")]) == ["angry"]


def test_a_stop_in_the_middle_ends_the_training():
    class Stopped(Exception):
        pass

    def stop(progress):
        if progress.step == 3:
            raise Stopped

    with pytest.raises(Stopped):
        train(rows(intents(160)), plan(20), model_type=MICRO, on_progress=stop)
    with pytest.raises(ValueError, match="no rows"):
        train([], plan(1), model_type=MICRO, on_progress=print)


def test_threads_share_a_stand_in():
    stand_in, _ = learn(intents(160))
    alone = stand_in.answer([Prompt(text=query) for query, _ in HELD_OUT])
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda pair: stand_in.answer([Prompt(text=pair[0])])[0], HELD_OUT))
    assert together == alone


OPTION_LISTS = {
    "Pick one: refund, cancel order or track package.": ("refund", "cancel order", "track package"),
    "Labels:\n- refund: money back\n- cancel_order - stop it\nAnswer with one.": ("refund", "cancel_order"),
    "1. yes\n2. no\n3. perhaps": ("yes", "no", "perhaps"),
    "Reply with `lost_card`, “new card” or 'pin'.": ("lost_card", "new card", "pin"),
    "Choose lost_card when the card is gone, else stolen_card.": ("lost_card", "stolen_card"),
    "Be kind and brief.": (),
}


@pytest.mark.parametrize(("system", "options"), OPTION_LISTS.items())
def test_options_are_found_in_a_system_text(system, options):
    assert options_in(system) == options


def test_the_base_picks_the_option_that_shares_words_with_the_query():
    assert zero_shot(Prompt(text="please change my address", system=SYSTEM)) == "change_address"
    assert zero_shot(Prompt(text="cards! I have lost them", system=SYSTEM)) == "lost_card"
    cards = "One of: card_lost, card_new, card_pin."
    assert zero_shot(Prompt(text="a new card for my account", system=cards)) == "card_new"
    described = "- a1: the customer wants money back\n- b2: the customer asks for opening times"
    assert zero_shot(Prompt(text="at what time do you open", system=described)) == "b2"


def test_the_base_is_worse_than_what_learned_and_better_than_nothing():
    base = accuracy(BaseStandIn(), HELD_OUT)
    assert 0 < base < 0.7
    assert accuracy(learn(intents(320))[0], HELD_OUT) > base + 0.2


def test_the_base_without_options_is_polite_and_says_what_it_is():
    assert zero_shot(Prompt(text="Why?", system="Be kind.")) == GENERIC_ANSWER
    assert "stand-in" in GENERIC_ANSWER


def test_tokens_are_pieces_of_words_and_marks():
    assert count_tokens("Hello, internationalization!") == 6
    assert cut_to_tokens("one two three", 2) == "one two"
    assert cut_to_tokens("one two three", 3) == "one two three"
    assert cut_to_tokens("one", 0) == ""
