"""What a batch came to, as one line of log from which CloudWatch makes metrics: its embedded metric format.

Four metrics a reward, in the namespace `Novaline/Rewards` under the one dimension `Reward`: CloudWatch bills each
pair of a name and a dimension, and every statistic of `Score` (least, most, mean, percentiles) comes from one. Where a
judge is asked, three more: what it cost and how many of its verdicts were lost.
Source: the specification of the embedded metric format in the Amazon CloudWatch user guide.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from novaline.rewards.contract import SampleAnswer, was_scored

NAMESPACE: Final = "Novaline/Rewards"
_MOST_VALUES: Final = 100
"""Values that one line may hold for one metric."""
_UNITS: Final = {"Samples": "Count", "Unscorable": "Count", "Latency": "Milliseconds", "Score": "None"}
_SUMMED: Final = {
    "judge_lost": "JudgeLost", "judge_input_tokens": "JudgeInputTokens", "judge_output_tokens": "JudgeOutputTokens",
}  # fmt: skip
"""Measures of samples, by their names or by what follows the last dot of these, whose sums are told of a batch."""


def metric_lines(reward: str, answers: Sequence[SampleAnswer], *, seconds: float) -> Iterator[Mapping[str, object]]:
    """The lines for one batch that took so long: one, and another for every hundred scores more.

    `Score` has the rewards of the samples that were scored, not the fallbacks; `Latency` is that of the whole batch.
    """
    scores = [answer["aggregate_reward_score"] for answer in answers if was_scored(answer)]
    counts = {"Samples": len(answers), "Unscorable": len(answers) - len(scores), "Latency": round(seconds * 1000, 3)}
    counts |= _sums(answers)
    yield _line(reward, {**counts, "Score": scores[:_MOST_VALUES]} if scores else counts)
    for start in range(_MOST_VALUES, len(scores), _MOST_VALUES):
        yield _line(reward, {"Score": scores[start : start + _MOST_VALUES]})


def _sums(answers: Sequence[SampleAnswer]) -> dict[str, float]:
    """The sums of what judges measured; empty where none is asked."""
    found: dict[str, float] = {}
    for answer in answers:
        for metric in answer["metrics_list"]:
            name = metric["name"]
            if "judge_" in name and (total := _SUMMED.get(name.rpartition(".")[2])):
                found[total] = found.get(total, 0.0) + metric["value"]
    return found


def _line(reward: str, values: Mapping[str, object]) -> Mapping[str, object]:
    metrics = [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["Reward"]], "Metrics": metrics}
    return {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        "Reward": reward,
        **values,
    }
