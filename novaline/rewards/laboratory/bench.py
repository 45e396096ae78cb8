"""Has answers scored in batches, as training would, and keeps account of what goes wrong on the way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from novaline.rewards.laboratory.rows import Row
from novaline.rewards.laboratory.samples import Answer, Shape, event_bytes, sample_of
from novaline.rewards.laboratory.subject import Subject
from novaline.rewards.verdicts import check_answers

_MOST_BYTES: Final = 4_000_000
"""Of an event: a call of Lambda carries 6 MB."""
UNSCORABLE: Final = "unscorable"
"""The measure that tells a fallback from a score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One answer's reward, None where nothing usable came back. `fallback` says that the sample was not scored.

    It is None for a function that does not tell: one that Novaline did not make.
    """

    row: int
    reward: float | None
    fallback: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One way in which the contract was broken, with its first case."""

    code: str
    message: str
    where: str
    count: int


@dataclass(slots=True)
class Bench:
    """Scores answers to rows. `batch` is how many samples a call takes at most."""

    subject: Subject
    rows: Sequence[Row]
    batch: int
    samples: int = 0
    calls: int = 0
    _breaches: dict[str, Breach] = field(default_factory=dict)
    _reasons: Counter[str] = field(default_factory=Counter)
    _first: dict[str, str] = field(default_factory=dict)
    _last: Mapping[str, str] = field(default_factory=dict)

    @property
    def breaches(self) -> tuple[Breach, ...]:
        """What broke the contract so far."""
        return tuple(self._breaches.values())

    @property
    def reasons(self) -> list[tuple[str, int, str]]:
        """Why samples were not scored: (reason, how often, the first row), the commonest first."""
        return [(reason, count, self._first[reason]) for reason, count in self._reasons.most_common()]

    def score(
        self, made: Sequence[tuple[int, Answer]], *, shape: Shape = "training job", counted: bool = True
    ) -> list[Scored]:
        """The rewards of answers to rows, in their order. Reasons of fallbacks are kept when they are `counted`."""
        found: list[Scored] = []
        for chunk in self._chunks(made, shape):
            event = [sample for _, sample in chunk]
            where = f"a batch of {len(event)} in the shape of {'Bedrock' if shape == 'Bedrock' else 'a training job'}"
            answers = self.answers(event, where=where)
            for (row, sample), answer in zip(chunk, answers, strict=True):
                scored = _read(row, answer)
                found.append(scored)
                if counted and scored.fallback:
                    self._remember(row, str(sample["id"]))
        return found

    def answers(self, event: Sequence[object], *, where: str) -> list[object]:
        """What came back for each sample, in their order; None for a sample that was not answered."""
        reply = self.subject.score(event)
        self.samples += len(event)
        self.calls += 1
        self._last = reply.reasons
        if reply.failure is not None:
            self.breach("batch-lost", f"the whole batch was lost: {reply.failure}", where)
            return [None] * len(event)
        for problem in check_answers(event, reply.answers):
            self.breach(problem.code, problem.message, where)
        return _in_order(event, reply.answers)

    def breach(self, code: str, message: str, where: str) -> None:
        """Notes a breach of the contract; of each code the first case is kept."""
        seen = self._breaches.get(code)
        count = 1 if seen is None else seen.count + 1
        first = seen or Breach(code=code, message=message, where=where, count=1)
        self._breaches[code] = Breach(code=code, message=first.message, where=first.where, count=count)

    def _remember(self, row: int, sample_id: str) -> None:
        reason = self._last.get(sample_id, "the function's log says why")
        self._reasons[reason] += 1
        self._first.setdefault(reason, self.rows[row].name)

    def _chunks(
        self, made: Sequence[tuple[int, Answer]], shape: Shape
    ) -> Iterator[list[tuple[int, dict[str, object]]]]:
        chunk: list[tuple[int, dict[str, object]]] = []
        size = 0
        for number, (row, answer) in enumerate(made):
            sample = sample_of(self.rows[row], answer, f"{row}#{number}", shape)
            large = event_bytes([sample])
            if chunk and (len(chunk) >= self.batch or size + large > _MOST_BYTES):
                yield chunk
                chunk, size = [], 0
            chunk.append((row, sample))
            size += large
        if chunk:
            yield chunk


def _in_order(event: Sequence[object], answers: object) -> list[object]:
    """The answers by the ids of the samples, so that a wrong order is one breach and not many wrong scores."""
    if not isinstance(answers, list):
        return [None] * len(event)
    by_id = {repr(answer.get("id")): answer for answer in answers if isinstance(answer, Mapping)}
    return [by_id.get(repr(sample.get("id"))) if isinstance(sample, Mapping) else None for sample in event]


def _read(row: int, answer: object) -> Scored:
    if not isinstance(answer, Mapping):
        return Scored(row=row, reward=None, fallback=None)
    found = answer.get("aggregate_reward_score")
    reward = float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
    if reward is not None and not math.isfinite(reward):
        reward = None
    return Scored(row=row, reward=reward, fallback=_fallback(answer.get("metrics_list")))


def _fallback(metrics: object) -> bool | None:
    if isinstance(metrics, list):
        for metric in metrics:
            if isinstance(metric, Mapping) and metric.get("name") == UNSCORABLE:
                return bool(metric.get("value"))
    return None
