"""Answers scored by a reward function, as a container does it: in batches, some at once, every answer checked.

Events have the shape of training jobs: the row's own fields, an id for each rollout, messages whose content is a list
of parts, the model's turn said by `nova_assistant`. AWS documents neither what happens to an answer that breaks the
contract, nor what to a call that fails. Here such a call loses the scores of its batch and such an answer its own, the
log says so, and a step without any score fails the job.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from novaline.rehearsal.sagemaker.failures import FunctionFailure, JobFailure
from novaline.rehearsal.sagemaker.recipe import RewardSettings
from novaline.rewards.verdicts import check_answers

Invoke = Callable[[str, bytes], bytes]
"""Calls a function by its ARN; raises FunctionFailure when it raises or ends, JobFailure when it may not be called."""

_MOST_AT_ONCE = 4  # two processors serve all functions of a rehearsal
_MOST_TOLD = 5  # lines of the log about what was lost, in a whole job


@dataclass(slots=True, kw_only=True)
class RewardFunction:
    """A reward function as a job uses it. Counts what was asked of it, and what was lost."""

    settings: RewardSettings
    invoke: Invoke
    log: Callable[[str], None]
    calls: int = 0
    lost: int = 0
    unscorable: int = 0
    _told: int = field(default=0)

    def score(self, samples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | None]:
        """The function's answer to each sample, None for a lost one. Raises JobFailure when all of them are lost."""
        size = self.settings.batch_size
        batches = [list(samples[start : start + size]) for start in range(0, len(samples), size)]
        with ThreadPoolExecutor(min(_MOST_AT_ONCE, self.settings.concurrency, len(batches))) as pool:
            outcomes = list(pool.map(self._ask, batches))
        found: list[dict[str, Any] | None] = []
        reasons: list[str] = []
        for batch, (answers, problem) in zip(batches, outcomes, strict=True):
            kept, said = ([None] * len(batch), [problem]) if problem else _kept(batch, answers)
            reasons += said
            found += kept
        self._count(found, reasons, calls=len(batches))
        if found and all(answer is None for answer in found):
            raise JobFailure.algorithm(
                f"the reward function {self.settings.function_arn} gave no usable score for any of {len(found)} "
                f"answers: {reasons[0]}"
            )
        return found

    def _ask(self, batch: list[Mapping[str, Any]]) -> tuple[object, str]:
        """(what was answered, "" or why nothing was)."""
        try:
            content = self.invoke(self.settings.function_arn, json.dumps(batch, ensure_ascii=False).encode())
            return json.loads(content), ""
        except FunctionFailure as failure:
            return None, str(failure)
        except ValueError as problem:
            return None, f"its answer is no JSON: {problem}"

    def _count(self, found: Sequence[dict[str, Any] | None], reasons: Sequence[str], *, calls: int) -> None:
        self.calls += calls
        self.lost += sum(answer is None for answer in found)
        self.unscorable += sum(answer is not None and measures(answer).get("unscorable", 0) > 0 for answer in found)
        for reason in reasons:
            self._told += 1
            if self._told <= _MOST_TOLD:
                self.log(f"stand-in: lost scores: {reason}")


def sample(row: Mapping[str, Any], answer: str, *, identifier: str) -> dict[str, Any]:
    """A rollout in the shape of a training job's event."""
    turns = [_turn(turn) for turn in row["messages"]]
    return {**row, "id": identifier, "messages": [*turns, {"role": "nova_assistant", "content": _parts(answer)}]}


def measures(answer: Mapping[str, Any]) -> dict[str, float]:
    """The measures of an answer that keeps the contract, by name; a reward's own is among them."""
    return {metric["name"]: float(metric["value"]) for metric in answer.get("metrics_list", ())}


def _turn(turn: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**turn, "content": _parts(turn["content"])} if isinstance(turn.get("content"), str) else turn


def _parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


def _kept(batch: Sequence[Mapping[str, Any]], answers: object) -> tuple[list[dict[str, Any] | None], list[str]]:
    """Each sample's answer where it keeps the contract, and what is wrong with the others."""
    problems = check_answers(batch, answers)
    if not problems and isinstance(answers, list):
        return list(answers), []
    broken = {json.dumps(problem.id, default=str) for problem in problems}
    by_id: dict[str, dict[str, Any]] = {}
    for answer in answers if isinstance(answers, list) else ():
        if isinstance(answer, dict) and isinstance(answer.get("id"), str):
            by_id.setdefault(answer["id"], answer)
    kept = [None if json.dumps(one["id"]) in broken else by_id.get(one["id"]) for one in batch]
    return kept, [f"{len(problems)} breaches of the contract, such as: {problems[0].message}"]
