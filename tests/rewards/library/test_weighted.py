"""Several rewards as one."""

import pytest

from novaline.rewards import Rollout, Score, Unscorable
from novaline.rewards.contract import answer_of
from novaline.rewards.kinds import build
from novaline.rewards.library.weighted import Options, Part, TogetherWeighted
from novaline.rewards.scoring import Scorer, score_batch

RIGHT = {"function": "exact-match"}
SHORT = {"function": "length", "options": {"most": 2}}


def rewards(options, *answers, reference="a"):
    reward = build("weighted", options)
    return [reward(Rollout(answer, reference)).reward for answer in answers]


def test_a_sum_is_weighted_by_what_the_parts_count():
    parts = {"right": {**RIGHT, "weight": 3}, "short": SHORT}
    assert rewards({"parts": parts}, "a", "b", "a b c", "") == [1.0, 0.25, 0.0, 0.0]


def test_a_weight_below_zero_is_a_penalty():
    parts = {"right": RIGHT, "long": {"function": "length", "options": {"least": 3, "most": 99}, "weight": -0.5}}
    assert rewards({"parts": parts}, "a", "a b c") == [1.0, -0.5]


def test_a_product_and_the_least_need_all_parts():
    parts = {"right": RIGHT, "short": {"function": "length", "options": {"least": 2, "most": 3, "fade": 2}}}
    assert rewards({"parts": parts, "combine": "product"}, "a", "b c") == [0.5, 0.0]
    assert rewards({"parts": parts, "combine": "min"}, "a", "b c") == [0.5, 0.0]


def test_a_gate_that_is_not_passed_makes_the_whole_nothing():
    parts = {"right": RIGHT, "form": {"function": "format", "options": {"contains": ["!"]}, "gate": 1, "weight": 0}}
    assert rewards({"parts": parts}, "a", "a!", reference="a") == [0.0, 0.0]
    assert rewards({"parts": parts}, "a!", reference="a!") == [1.0]


def test_every_part_is_measured_under_its_name():
    score = build("weighted", {"parts": {"label": {"function": "classification"}, "short": SHORT}})(Rollout("a", "a"))
    assert score.measures == {
        "label": 1.0, "short": 1.0, "label.marked": 0.0, "label.found": 1.0, "short.length": 1.0,
    }  # fmt: skip


def test_a_part_that_cannot_be_scored_makes_the_whole_unscorable():
    with pytest.raises(Unscorable):
        rewards({"parts": {"right": RIGHT}}, "a", reference=None)


def test_a_composition_of_many_parts_fits_into_an_answer():
    parts = {f"p{number}": {"function": "classification"} for number in range(49)}
    score = build("weighted", {"parts": parts})(Rollout("a", "a"))
    assert len(answer_of("x", score)["metrics_list"]) == 52


class Judge:
    """Scores batches, as a judge does."""

    def __call__(self, rollout):
        raise AssertionError("batches are scored at once")

    def score_many(self, rollouts, *, seconds):
        return [Unscorable("lost") if rollout.answer == "lost" else Score(0.5, {"tokens": 7.0}) for rollout in rollouts]


def test_a_part_that_scores_batches_is_given_the_batch():
    options = Options(parts={"right": Part("exact-match"), "judge": Part("judge")})
    reward = TogetherWeighted(options, {"right": build("exact-match", {}), "judge": Judge()})
    samples = [
        {"id": answer, "messages": [{"role": "assistant", "content": answer}], "reference_answer": reference}
        for answer, reference in (("a", "a"), ("lost", "a"), ("b", "a"), ("a", None))
    ]
    answers = score_batch(samples, Scorer(name="x", reward=reward), log=lambda _: None)
    assert [answer["aggregate_reward_score"] for answer in answers] == [0.75, 0.0, 0.25, 0.0]
    assert {one["name"]: one["value"] for one in answers[0]["metrics_list"]}["judge.tokens"] == 7.0


def test_a_composition_without_a_judge_scores_one_by_one():
    assert not hasattr(build("weighted", {"parts": {"right": RIGHT}}), "score_many")
