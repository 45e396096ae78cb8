"""Reinforcement fine-tuning and its evaluation: the stand-in answers, a reward function scores, the job learns.

What an evaluation by rewards leaves: the aggregates `lambda_reward_score` and `lambda_<measure>` (names from AWS's
samples), and one line for each prompt that is what the function answered (AWS's page on evaluating by rewards). Not
published, and so chosen here: that those lines stand in `inference_output.jsonl`, and the keys around the aggregates.
"""

import json
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from novaline.rehearsal.learner import stand_in
from novaline.rehearsal.learner.policy import Drawn, RewardProgress
from novaline.rehearsal.learner.rows import Prompt, cut_to_tokens
from novaline.rehearsal.sagemaker.gen_qa import results, results_file
from novaline.rehearsal.sagemaker.recipe import EvaluationSettings, RftSettings
from novaline.rehearsal.sagemaker.rewards import RewardFunction, measures, sample
from novaline.rehearsal.sagemaker.rft_rows import RftRow

_TASK = "custom|rft_eval_rft_eval|0"
_MOST_STEP_LINES = 100
_PATIENCE_SECONDS = 30.0
"""A reward that takes its time (a judge) is not asked for longer: the steps that are left are not taken."""


@dataclass(slots=True, kw_only=True)
class RewardLines:
    """Writes the log lines from which reward curves are read, and ends a training whose reward takes too long."""

    log: Callable[[str], None]
    check: Callable[[], None]
    last: dict[str, float] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)
    _next: int = 1

    def __call__(self, at: RewardProgress) -> bool:
        """See `OnReward`."""
        self.check()
        self.last = {
            "critic/rewards/mean": statistics.fmean(at.scores),
            "critic/rewards/max": max(at.scores),
            "critic/rewards/min": min(at.scores),
        }
        late = time.monotonic() - self._began > _PATIENCE_SECONDS and at.step < at.steps
        if at.step >= self._next or at.step == at.steps or late:
            self._next = at.step + max(1, at.steps // _MOST_STEP_LINES)
            shown = {name: f"{value:.4f}" for name, value in self.last.items()} | {
                "actor/lr": f"{at.learning_rate:.3e}",
                "global_step": str(at.step),
                "lost_samples": str(at.lost),
                "samples_per_second": f"{at.rollouts_per_second:.1f}",
            }
            told = ", ".join(f"{name}={value}" for name, value in shown.items())
            self.log(f"stand-in: step {at.step}/{at.steps} [{told}]")
        if late:
            self.log(f"stand-in: ends after {_PATIENCE_SECONDS:.0f} s, for the reward function takes its time")
        return not late


def train_by_reward(
    rows: Sequence[RftRow],
    settings: RftSettings,
    *,
    model_type: str,
    reward: RewardFunction,
    lines: RewardLines,
    before: stand_in.TrainedStandIn | None = None,
) -> stand_in.TrainedStandIn:
    """The stand-in `before`, or the untrained one, after the recipe's steps.

    Raises JobFailure when the function gives no score, or is denied.
    """
    plan = settings.plan
    lines.log(
        f"stand-in: {len(rows)} prompts, {plan.steps} steps of {plan.batch_size} prompts with {plan.generations} "
        f"answers each; {plan.updates} updates are made of them"
    )

    def score(drawn: Sequence[Drawn]) -> list[float | None]:
        lines.check()
        samples = [
            sample(
                rows[one.row].content,
                cut_to_tokens(one.answer, settings.max_new_tokens),
                identifier=f"row-{one.row}-{place}",
            )
            for place, one in enumerate(drawn)
        ]
        return [None if found is None else float(found["aggregate_reward_score"]) for found in reward.score(samples)]

    model = stand_in.reinforce(
        [row.training_row for row in rows],
        plan,
        model_type=model_type,
        score=score,
        on_reward=lines,
        before=before,
    )
    lines.log(
        f"stand-in: {reward.calls} calls of the reward function; {reward.unscorable} answers that it could not score, "
        f"{reward.lost} lost scores"
    )
    return model


def evaluate_by_reward(
    rows: Sequence[RftRow],
    answer: Callable[[Sequence[Prompt]], list[str]],
    settings: EvaluationSettings,
    *,
    model: str,
    reward: RewardFunction,
    now: datetime,
) -> tuple[dict[str, bytes], dict[str, float]]:
    """(files by name below `eval_results`, table of metrics) of a model's answers, by what the function says of them.

    A lost answer is in neither.
    """
    answers = [cut_to_tokens(text, settings.max_new_tokens) for text in answer([row.prompt for row in rows])]
    samples = [
        sample(row.content, text, identifier=str(row.content.get("id") or f"row-{number}"))
        for number, (row, text) in enumerate(zip(rows, answers, strict=True))
    ]
    found = [one for one in reward.score(samples) if one is not None]
    table = _mean("lambda_reward_score", [float(one["aggregate_reward_score"]) for one in found])
    named = [measures(one) for one in found]
    for name in dict.fromkeys(name for one in named for name in one):
        table |= _mean(f"lambda_{name}", [one[name] for one in named if name in one])
    files = {
        results_file(now): results(table, task=_TASK, model=model, rows=len(rows)),
        "inference_output.jsonl": b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in found),
    }
    return files, table


def _mean(name: str, values: Sequence[float]) -> dict[str, float]:
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return {name: statistics.fmean(values), f"{name}_stderr": error}
