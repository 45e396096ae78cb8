"""Whether what a reward function returned is an answer to the batch that it was given; stricter than AWS's verifiers.

Those let NaN, `true`, `"0.5"`, missing and repeated ids pass, and training then learns from them.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from novaline.rewards.contract import id_of

Code = Literal[
    "not-a-list",
    "count",
    "not-an-object",
    "id-missing",
    "id-unknown",
    "id-repeated",
    "id-unanswered",
    "order",
    "score-missing",
    "score-not-a-number",
    "score-not-finite",
    "metrics",
]


@dataclass(frozen=True, slots=True)
class AnswerProblem:
    """One breach of the contract. `position` counts the answers, or the samples for `id-unanswered`, from 0."""

    code: Code
    position: int | None
    id: object
    message: str


def check_answers(samples: Sequence[object], answers: object) -> list[AnswerProblem]:
    """Everything that is wrong with the answers to these samples; empty when the contract is kept."""
    if not isinstance(answers, list):
        return [AnswerProblem("not-a-list", None, None, f"the answer is {_named(answers)}, expected an array")]
    ids = [id_of(sample, position) for position, sample in enumerate(samples)]
    problems = []
    if len(answers) != len(samples):
        message = f"{len(answers)} answers for {len(samples)} samples"
        problems.append(AnswerProblem("count", None, None, message))
    problems += _identity(ids, answers)
    for position, answer in enumerate(answers):
        if isinstance(answer, Mapping):
            problems += _numbers(position, answer)
    return problems


def _identity(ids: Sequence[object], answers: Sequence[object]) -> Iterator[AnswerProblem]:
    """What is wrong with who is answered: each id as often as it was asked, and in that order."""
    open_ids = Counter(map(_key, ids))
    asked = set(open_ids)
    in_order = True
    for position, answer in enumerate(answers):
        if not isinstance(answer, Mapping):
            yield AnswerProblem("not-an-object", position, None, f"the answer is {_named(answer)}, expected an object")
            continue
        if answer.get("id") is None:
            yield AnswerProblem("id-missing", position, None, "the answer has no id")
            continue
        found = answer["id"]
        key = _key(found)
        if key not in asked:
            yield AnswerProblem("id-unknown", position, found, f"no sample has the id {key}")
        elif not open_ids[key]:
            yield AnswerProblem("id-repeated", position, found, f"{key} is answered more often than it was asked")
        else:
            open_ids[key] -= 1
            in_order = in_order and position < len(ids) and _key(ids[position]) == key
    unanswered = False
    for position, one in reversed(list(enumerate(ids))):
        if open_ids[_key(one)]:
            open_ids[_key(one)] -= 1
            unanswered = True
            yield AnswerProblem("id-unanswered", position, one, f"the sample {_key(one)} is not answered")
    if not in_order and not unanswered and len(ids) == len(answers):
        yield AnswerProblem("order", None, None, "the answers stand in another order than the samples")


def _numbers(position: int, answer: Mapping[str, object]) -> Iterator[AnswerProblem]:
    found = answer.get("id")
    if "aggregate_reward_score" not in answer:
        yield AnswerProblem("score-missing", position, found, "the answer has no aggregate_reward_score")
    else:
        score = answer["aggregate_reward_score"]
        if not _is_number(score):
            message = f"aggregate_reward_score is {_named(score)}, expected a number"
            yield AnswerProblem("score-not-a-number", position, found, message)
        elif not _is_finite(score):
            message = f"aggregate_reward_score is {_named(score)}, expected a finite number"
            yield AnswerProblem("score-not-finite", position, found, message)
    metrics = answer.get("metrics_list", [])
    if not isinstance(metrics, list):
        message = f"metrics_list is {_named(metrics)}, expected an array"
        yield AnswerProblem("metrics", position, found, message)
        return
    for at, metric in enumerate(metrics):
        message = _metric(metric)
        if message:
            yield AnswerProblem("metrics", position, found, f"metrics_list[{at}]{message}")


def _metric(metric: object) -> str:
    """What is wrong with one metric, or nothing."""
    if not isinstance(metric, Mapping):
        return f" is {_named(metric)}, expected an object"
    name, value, kind = metric.get("name"), metric.get("value"), metric.get("type")
    if not isinstance(name, str) or not name:
        return f".name is {_named(name)}, expected text"
    if not _is_number(value) or not _is_finite(value):
        return f".value is {_named(value)}, expected a finite number"
    if kind not in ("Metric", "Reward"):
        return f".type is {_named(kind)}, expected Metric or Reward"
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_finite(value: object) -> bool:
    assert isinstance(value, int | float)
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond what a float holds
        return False


def _key(found: object) -> str:
    """An id as JSON, so that 1, true and "1" stay three."""
    return json.dumps(found, sort_keys=True, default=str)


def _named(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
