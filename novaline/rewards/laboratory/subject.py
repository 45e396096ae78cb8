"""What is examined: anything that takes an event and answers it, and how long that took."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from novaline.rewards.contract import NotABatch
from novaline.rewards.deadline import Deadline
from novaline.rewards.scoring import Scorer, score_batch

LONGEST_CALL_SECONDS = 900
"""No function of Lambda runs longer."""
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back. `failure` says why nothing did; `reasons` why a sample was not scored, by its id."""

    answers: object
    seconds: float
    failure: str | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


class Subject(Protocol):
    """A reward function, wherever it runs."""

    @property
    def name(self) -> str:
        """What a person calls it."""
        ...

    @property
    def where(self) -> str:
        """Where it runs, in words."""
        ...

    @property
    def calls_model(self) -> bool:
        """Whether every sample asks a model: that costs money, and its verdicts may differ."""
        ...

    def score(self, event: Sequence[object]) -> Reply:
        """The answer to one event."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSubject:
    """A reward in this process, scored as the function does it, in no more than the function's time."""

    scorer: Scorer
    calls_model: bool = False
    timeout_seconds: float = LONGEST_CALL_SECONDS

    @property
    def name(self) -> str:
        """The reward's name."""
        return self.scorer.name

    @property
    def where(self) -> str:
        """Here."""
        return "local code"

    def score(self, event: Sequence[object]) -> Reply:
        """Scores an event, which is copied first: what a reward does to a sample must not reach the next call."""
        given = copy.deepcopy(list(event))
        lines: list[Mapping[str, object]] = []
        told = replace(self.scorer, log_prompts=True)  # the words of an error, which stay in this process
        began = time.perf_counter()
        try:
            answers = score_batch(given, told, log=lines.append, deadline=Deadline(self.timeout_seconds))
        except NotABatch as problem:
            return Reply(answers=None, seconds=time.perf_counter() - began, failure=str(problem))
        seconds = time.perf_counter() - began
        return Reply(answers=answers, seconds=seconds, reasons={str(line.get("id")): _reason(line) for line in lines})


def _reason(line: Mapping[str, object]) -> str:
    """`KeyError 'label' at tone.py:12`, or the words of Unscorable."""
    told, where = line.get("told"), line.get("where")
    text = str(line.get("reason")) + (f": {told}" if told else "") + (f" (at {where})" if where else "")
    return " ".join(text.split())[:_LONGEST_REASON]
