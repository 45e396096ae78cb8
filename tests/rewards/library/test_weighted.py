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


class Asked:
    """A judge that remembers what it was asked, and how much time it was given."""

    def __init__(self, give=lambda _: Score(1.0, {"judge_lost": 0.0})):
        self.give, self.answers, self.seconds = give, [], []

    def score_many(self, rollouts, *, seconds):
        self.answers.append([rollout.answer for rollout in rollouts])
        self.seconds.append(seconds)
        return [self.give(rollout) for rollout in rollouts]


def composed(parts, judges):
    options = Options(parts=parts)
    return TogetherWeighted(options, {
        name: judges.get(name) or build(part.function, part.options) for name, part in parts.items()
    })  # fmt: skip


def test_a_judge_is_asked_only_about_what_passed_the_gates_wherever_they_stand():
    judge = Asked()
    parts = {"helpful": Part("judge"), "form": Part("exact-match", gate=1.0, weight=0.0)}
    reward = composed(parts, {"helpful": judge})
    outcomes = reward.score_many([Rollout("a", "a"), Rollout("b", "a"), Rollout("c", None)], seconds=None)
    assert judge.answers == [["a"]]
    assert [one.reward for one in outcomes[:2]] == [1.0, 0.0]
    assert outcomes[1].measures == {"form": 0.0}
    assert isinstance(outcomes[2], Unscorable)


def test_a_judge_that_is_a_gate_is_asked_before_the_others():
    strict = Asked(lambda rollout: Score(float(rollout.answer == "a")))
    kind = Asked()
    parts = {"kind": Part("judge"), "strict": Part("judge", gate=0.5)}
    reward = composed(parts, {"kind": kind, "strict": strict})
    assert [one.reward for one in reward.score_many([Rollout("a"), Rollout("b")], seconds=None)] == [1.0, 0.0]
    assert (strict.answers, kind.answers) == ([["a", "b"]], [["a"]])
    assert reward(Rollout("b")).reward == 0.0


def test_judges_share_the_time_of_the_batch():
    first, second = Asked(), Asked()
    reward = composed({"first": Part("judge"), "second": Part("judge")}, {"first": first, "second": second})
    reward.score_many([Rollout("a")], seconds=10.0)
    assert 4.5 < first.seconds[0] <= 5.0
    assert 9.0 < second.seconds[0] <= 10.0, "what the first left over"


def test_what_a_lost_verdict_cost_is_told_with_what_the_other_judge_did():
    lost = Unscorable("no verdict")
    lost.measures = {"judge_lost": 1.0, "judge_input_tokens": 70.0}
    judges = {"one": Asked(lambda _: Score(1.0, {"judge_input_tokens": 30.0})), "two": Asked(lambda _: lost)}
    (found,) = composed({name: Part("judge") for name in judges}, judges).score_many([Rollout("a")], seconds=None)
    assert str(found) == "two: no verdict"
    assert found.measures == {
        "two.judge_lost": 1.0, "two.judge_input_tokens": 70.0, "one": 1.0, "one.judge_input_tokens": 30.0,
    }  # fmt: skip


def test_two_penalties_make_no_reward_of_a_product():
    penalty = {"parts": {"right": RIGHT, "any": {**SHORT, "weight": -0.5}}}
    parts = {name: {"function": "weighted", "options": penalty} for name in ("one", "two")}
    assert rewards({"parts": parts, "combine": "product"}, "b", "a") == [0.0, 0.25]


def test_names_of_measures_in_compositions_of_compositions_stay_within_what_an_answer_can_carry():
    nested = {"function": "classification"}
    for level in range(3):
        nested = {"function": "weighted", "options": {"parts": {f"p{level}" + "x" * 36: nested}}}
    score = build("weighted", nested["options"])(Rollout("a", "a"))
    assert answer_of("1", score)["aggregate_reward_score"] == 1.0
