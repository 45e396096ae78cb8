"""Whether training can learn from a reward function, by what it returned for the rollouts of a trial. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from nova_trial.rollouts import Kind, Rollout
from novaline.rewards.verdicts import check_answers

_MOST_PROBLEMS = 3
_KINDS: tuple[Kind, ...] = ("reference", "wrong", "empty")


class RewardTrialFailed(Exception):
    """The reward function is not fit to train with; the message says what it did, and nothing was trained."""


def judge(
    name: str, asked: Sequence[Rollout], samples: Sequence[Mapping[str, Any]], answers: object, *, logged: str = ""
) -> dict[str, Any]:
    """What the scores tell, for the run's record. Raises RewardTrialFailed.

    `logged` is what the function logged about samples that it could not score. Refused: answers that break the
    contract; no reference that could be scored; one and the same score for every answer, right or wrong. The last is
    not sure where references are objects or missing: `undecided` then says so, and the run goes on.
    """
    problems = check_answers(samples, answers)
    if problems or not isinstance(answers, list):
        said = list(dict.fromkeys(problem.message for problem in problems))
        more = [f"and {len(said) - _MOST_PROBLEMS} more"] if len(said) > _MOST_PROBLEMS else []
        shown = "; ".join([*said[:_MOST_PROBLEMS], *more])
        raise RewardTrialFailed(f"the reward function {name} breaks the contract: {shown}")
    scores = {answer["id"]: float(answer["aggregate_reward_score"]) for answer in answers}
    lost = {answer["id"] for answer in answers if _is_unscorable(answer)}
    _refuse_lost(name, asked, lost, logged)
    undecided = _refuse_constant(name, asked, scores)
    means = {kind: [scores[rollout.id] for rollout in asked if rollout.kind == kind] for kind in _KINDS}
    return {
        "samples": len(asked),
        "unscorable": len(lost),
        "mean_scores": {kind: round(statistics.fmean(found), 6) for kind, found in means.items() if found},
        "undecided": undecided,
    }


def _refuse_lost(name: str, asked: Sequence[Rollout], lost: set[Any], logged: str) -> None:
    """Nothing that should be scored can be: every reference falls back, or every answer that says something."""
    should = [rollout for rollout in asked if rollout.kind == "reference"]
    what = "not even the references themselves"
    if not should:
        should, what = [rollout for rollout in asked if rollout.answer], "whatever the answer says"
    if all(rollout.id in lost for rollout in should):
        because = f": {logged}" if logged else ""
        raise RewardTrialFailed(
            f"the reward function {name} could score none of {len(should)} real answers, {what}, and gave its "
            f"fallback{because}"
        )


def _refuse_constant(name: str, asked: Sequence[Rollout], scores: Mapping[Any, float]) -> bool:
    """True where every answer has the same score, and no reference is surely right."""
    different = set(scores.values())
    if len(different) > 1:
        return False
    if any(rollout.sure for rollout in asked):
        raise RewardTrialFailed(
            f"the reward function {name} gives {different.pop():g} to every one of {len(asked)} answers, the "
            "references as well as wrong and empty ones: there is nothing to learn from it"
        )
    return True


def _is_unscorable(answer: Mapping[str, Any]) -> bool:
    """Whether a function of Novaline says that it gave its fallback."""
    metrics = answer.get("metrics_list", ())
    return any(metric["name"] == "unscorable" and metric["value"] > 0 for metric in metrics)
