"""The stand-in policy learns from scores and from nothing else."""

import pytest

from novaline.rehearsal.learner.base import GENERIC_ANSWER, BaseStandIn
from novaline.rehearsal.learner.policy import RolloutPlan, candidates
from novaline.rehearsal.learner.rows import Prompt, TrainingRow
from novaline.rehearsal.learner.stand_in import from_checkpoint, reinforce, to_checkpoint
from tests.rehearsal.jobs import MICRO, SYSTEM, intents

ROWS = [TrainingRow(prompt=Prompt(text=text, system=SYSTEM), answer=answer) for text, answer in intents(160)]
HELD_OUT = [(Prompt(text=text, system=SYSTEM), answer) for text, answer in intents(120, seed=5)]
PROMPTS = [prompt for prompt, _ in HELD_OUT]


def plan(steps=20, **changes):
    settings = {"batch_size": 32, "generations": 8, "temperature": 1.0, "learning_rate": 1e-4} | changes
    return RolloutPlan(steps=steps, **settings)


def learn(judge, *, rows=ROWS, on_reward=lambda _: True, **settings):
    """The stand-in that learned from `judge(reference, answer)`."""
    return reinforce(
        rows,
        plan(**settings),
        model_type=MICRO,
        score=lambda drawn: [judge(rows[one.row].answer, one.answer) for one in drawn],
        on_reward=on_reward,
    )


def accuracy(model):
    answers = model.answer(PROMPTS)
    return sum(answer == wanted for answer, (_, wanted) in zip(answers, HELD_OUT, strict=True)) / len(HELD_OUT)


def right(reference, answer):
    return float(reference == answer)


BASE = accuracy(BaseStandIn())


def test_answers_that_score_are_learned_and_the_rewards_rise():
    means = []
    model = learn(right, on_reward=lambda at: means.append(sum(at.scores) / len(at.scores)) or True)
    assert accuracy(model) > max(0.9, BASE + 0.2)
    assert means[-1] > means[0] + 0.3
    assert model.steps == 20


def test_a_reward_that_prefers_wrong_answers_makes_the_model_worse():
    assert accuracy(learn(lambda reference, answer: 1 - right(reference, answer))) < BASE - 0.2


@pytest.mark.parametrize("score", [0.0, 1.0, -3.5])
def test_one_and_the_same_score_for_all_teaches_nothing(score):
    model = learn(lambda *_: score)
    assert model.answer(PROMPTS) == BaseStandIn().answer(PROMPTS)


def test_a_model_whose_scores_are_all_lost_stays_as_it_was():
    model = learn(lambda *_: None, on_reward=lambda _: True)
    assert model.answer(PROMPTS) == BaseStandIn().answer(PROMPTS)


def test_a_few_lost_scores_cost_little():
    calls = iter(range(10**6))
    assert accuracy(learn(lambda *pair: None if next(calls) % 5 == 0 else right(*pair))) > 0.9


def test_references_are_told_by_scores_only():
    """The rows' own answers stand for the vocabulary; which of them is right for a row, nobody says."""
    strangers = [
        TrainingRow(prompt=row.prompt, answer=other.answer)
        for row, other in zip(ROWS, ROWS[1:] + ROWS[:1], strict=True)
    ]
    truth = [row.answer for row in ROWS]
    model = reinforce(
        strangers,
        plan(),
        model_type=MICRO,
        score=lambda drawn: [right(truth[one.row], one.answer) for one in drawn],
        on_reward=lambda _: True,
    )
    assert accuracy(model) > 0.9


def test_a_reward_that_likes_an_evasion_is_found_out():
    model = learn(lambda _, answer: float(answer == GENERIC_ANSWER))
    assert set(model.answer(PROMPTS)) == {GENERIC_ANSWER}


def test_a_learning_rate_of_zero_teaches_nothing():
    assert learn(right, learning_rate=0.0).answer(PROMPTS) == BaseStandIn().answer(PROMPTS)


def test_the_same_scores_give_the_same_model():
    one, other = learn(right), learn(right)
    assert to_checkpoint(one) == to_checkpoint(other)


def test_a_checkpoint_answers_as_the_policy_that_wrote_it():
    model = learn(right)
    restored = from_checkpoint(to_checkpoint(model))
    assert restored.answer(PROMPTS) == model.answer(PROMPTS)
    assert restored.description == model.description
    assert "policy" in model.description


def test_a_prompt_of_another_kind_is_answered_as_before():
    stranger = Prompt(text="yes or no?", system="Answer with one of: maybe_so, surely_not.")
    assert learn(right).answer([stranger]) == BaseStandIn().answer([stranger])


def test_a_training_may_end_early_and_says_after_which_step():
    model = learn(right, on_reward=lambda at: at.step < 5)
    assert model.steps == 5


def test_a_recipe_may_ask_for_more_than_a_rehearsal_has_time_for():
    asked = plan(steps=100_000, batch_size=128, generations=16)
    assert asked.updates * asked.batch_size * asked.generations <= 20_480
    assert plan(steps=5).updates == 5
    steps = []
    learn(right, steps=1_000, on_reward=lambda at: steps.append(at.step) or True)
    assert steps[-1] == 1_000


def test_what_may_be_said_are_references_options_and_evasions():
    said = candidates([Prompt(text="?", system="Answer with one of: yes_sir, no_sir.")], ["perhaps", "perhaps"])
    assert {"perhaps", "yes_sir", "no_sir", GENERIC_ANSWER, "no_sir, perhaps, yes_sir"} <= set(said)
    assert len(candidates([Prompt(text="?")], [str(number) for number in range(10_000)])) < 500


def test_without_rows_there_is_nothing_to_train_on():
    with pytest.raises(ValueError, match="no rows"):
        learn(right, rows=[])
