"""One event in, one answer out, and never an exception: an evaluation that is paid for goes on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from novaline.rewards.contract import Metric, SampleAnswer, was_scored
from novaline.rewards.deadline import Deadline
from novaline.rewards.embedded_metrics import metric_lines
from novaline.rewards.processing.contract import (
    PREPROCESS,
    Answered,
    Asked,
    AskedAnswer,
    MetricsAnswer,
    NotAnEvent,
    Refusal,
    answered_in,
    asked_answer,
    asked_in,
    metrics_answer,
    refusal,
    stage_of,
)
from novaline.rewards.processing.settings import PLACE, UNSCORABLE, ProcessorSpec
from novaline.rewards.scoring import Log, Scorer, score_batch
from novaline.rewards.settings import load

Answer = AskedAnswer | MetricsAnswer | Refusal | list[SampleAnswer]


@dataclass(frozen=True, slots=True)
class Processor:
    """A processor that is ready: its declaration, and a scorer for each metric."""

    spec: ProcessorSpec
    scorers: Sequence[Scorer]


def load_processor(spec: ProcessorSpec, *, root: Path | None = None) -> Processor:
    """The processor that a spec describes. Raises what `load` of a reward raises."""
    return Processor(spec, tuple(load(metric, root=root) for metric in spec.metrics))


def process(event: object, processor: Processor, *, log: Log, deadline: Deadline | None = None) -> Answer:
    """The answer to one event of the evaluation container, by the event's shape.

    An array is a batch for a reward function. An object is one sample, before or after the model is asked. A sample
    that cannot be scored, or not before the deadline, gets each metric's fallback, 1 under `<metric>_unscorable`, and a
    line in the log. What is neither is refused with status 400 and the reason, as Amazon's own SDK does.
    """
    if isinstance(event, list) and processor.spec.reward_metric is not None:
        return _batch(event, processor, log, deadline)
    try:
        if stage_of(event) == PREPROCESS:
            return asked_answer(_asked(asked_in(event), processor.spec))
    except NotAnEvent as problem:
        log({"refused": str(problem)})
        return refusal(str(problem))
    try:
        return metrics_answer(_metrics(answered_in(event), processor, log, deadline))
    except NotAnEvent as problem:
        log({"unscorable": processor.spec.name, "reason": str(problem)})
        return metrics_answer(_fallbacks(processor))


def _asked(asked: Asked, spec: ProcessorSpec) -> Asked:
    prompt = asked.prompt if spec.prompt is None else spec.prompt.replace(PLACE, asked.prompt)
    return Asked(prompt=prompt, gold=asked.gold, system=asked.system if spec.system is None else spec.system)


def _metrics(answered: Answered, processor: Processor, log: Log, deadline: Deadline | None) -> dict[str, float]:
    """The sample as a reward function would get it, scored once a metric; the same names for every sample."""
    sample = {
        "id": processor.spec.name,
        "messages": [
            {"role": "user", "content": answered.prompt},
            {"role": "assistant", "content": answered.inference_output},
        ],
        "reference_answer": answered.gold,
    }
    found: dict[str, float] = {}
    for scorer, (answer,) in zip(processor.scorers, _scored([sample], processor, log, deadline), strict=True):
        found[scorer.name] = answer["aggregate_reward_score"]
        found[scorer.name + UNSCORABLE] = float(not was_scored(answer))
    return found


def _scored(
    samples: list[object], processor: Processor, log: Log, deadline: Deadline | None
) -> list[list[SampleAnswer]]:
    """The samples under each metric, in the order of the metrics; each logs what it came to."""
    scored = []
    for scorer in processor.scorers:
        began = time.perf_counter()
        answers = score_batch(samples, scorer, log=log, deadline=deadline)
        for line in metric_lines(f"{processor.spec.name}.{scorer.name}", answers, seconds=time.perf_counter() - began):
            log(line)
        scored.append(answers)
    return scored


def _fallbacks(processor: Processor) -> dict[str, float]:
    found: dict[str, float] = {}
    for scorer in processor.scorers:
        found |= {scorer.name: scorer.fallback, scorer.name + UNSCORABLE: 1.0}
    return found


def _batch(event: list[object], processor: Processor, log: Log, deadline: Deadline | None) -> list[SampleAnswer]:
    """Each sample under every metric; the one that is the reward counts, the others are told beside it."""
    scored = _scored(event, processor, log, deadline)
    names = [scorer.name for scorer in processor.scorers]
    reward = names.index(processor.spec.reward_metric or "")
    answers: list[SampleAnswer] = []
    for position in range(len(event)):
        metrics: list[Metric] = []
        for at, name in enumerate(names):
            answer = scored[at][position]
            value, unscorable = answer["aggregate_reward_score"], float(not was_scored(answer))
            metrics.append({"name": name, "value": value, "type": "Reward" if at == reward else "Metric"})
            metrics.append({"name": name + UNSCORABLE, "value": unscorable, "type": "Metric"})
        mine = scored[reward][position]
        answers.append({
            "id": mine["id"], "aggregate_reward_score": mine["aggregate_reward_score"], "metrics_list": metrics,
        })  # fmt: skip
    return answers
