"""One case, asked until there is a verdict, or until attempts or time are over: then it is lost, and that is an error.

A lost verdict is never a score of the judge's: it is an Unscorable, for which the reward function answers with its
declared fallback, and it is counted under its own measure, because silent zeros teach a model that the judge was busy.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from novaline.rewards.contract import Score, Unscorable
from novaline.rewards.judging.question import Case, Grading, Marks, converse_request, is_cut
from novaline.rewards.judging.verdict import NoVerdict, reply_in, tokens_in, verdict_in

_FIRST_PAUSE: Final = 0.5  # seconds, doubled with each attempt
_LONGEST_PAUSE: Final = 20.0  # seconds

Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Sends one request of Converse and gives the response. Raises Refused."""


class Refused(Exception):
    """The service gave no reply. `again` tells whether asking once more may help."""

    def __init__(self, code: str, *, again: bool) -> None:
        super().__init__(code)
        self.code = code
        self.again = again


class VerdictLost(Unscorable):
    """There is no verdict on this case; `measures` counts it, with what the attempts cost all the same."""

    def __init__(self, message: str, measures: Mapping[str, float]) -> None:
        super().__init__(message)
        self.measures = measures


@dataclass(frozen=True, slots=True)
class Pace:
    """Time and chance, as a test may replace them."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


@dataclass(slots=True)
class Spent:
    """What one case has cost so far."""

    calls: int = 0
    read: int = 0
    written: int = 0
    cut: bool = False

    def measures(self, *, lost: bool) -> dict[str, float]:
        """As measures beside a score: tokens and calls, so that cost can be summed."""
        return {
            "judge_lost": float(lost),
            "judge_calls": float(self.calls),
            "judge_input_tokens": float(self.read),
            "judge_output_tokens": float(self.written),
            "judge_cut": float(self.cut),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """How a case is brought to a verdict."""

    grading: Grading
    attempts: int
    seconds: float
    """For one verdict, from its first attempt on: none begins later."""
    ask: Ask
    pace: Pace = field(default_factory=Pace)

    def score(self, case: Case, *, until: float) -> Score:
        """The verdict as a reward from 0 (worst on the scale) to 1 (best). Raises VerdictLost.

        No attempt begins after `until`, on the clock of `pace`. An empty answer is the worst without being asked about.
        """
        until = min(until, self.pace.now() + self.seconds)
        spent = Spent(cut=is_cut(case, self.grading))
        if not case.answer.strip():
            return Score(0.0, spent.measures(lost=False))
        reason = "no time was left to ask"
        while spent.calls < self.attempts and self.pace.now() < until:
            try:
                found = self._verdict(case, spent)
            except NoVerdict as problem:
                reason = str(problem)
            except Refused as problem:
                reason = problem.code
                if not problem.again:
                    break
                if not self._pause(spent.calls, until):
                    reason += ", and no time was left to ask again"
                    break
            else:
                lowest, highest = self.grading.lowest, self.grading.highest
                return Score((found - lowest) / (highest - lowest), spent.measures(lost=False))
        raise VerdictLost(f"no verdict after {_times(spent.calls)}: {reason}", spent.measures(lost=True))

    def _verdict(self, case: Case, spent: Spent) -> float:
        """One attempt, with marks of its own."""
        marks = Marks.fresh()
        spent.calls += 1
        response = self.ask(converse_request(case, self.grading, marks))
        read, written = tokens_in(response)
        spent.read += read
        spent.written += written
        return verdict_in(reply_in(response), self.grading, marks)

    def _pause(self, attempt: int, until: float) -> bool:
        """Waits before the next attempt, longer each time and never in step with others; False if time would be up."""
        if attempt >= self.attempts:
            return True
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (attempt - 1))
        pause = longest * (0.5 + self.pace.chance() / 2)
        if self.pace.now() + pause >= until:
            return False
        self.pace.sleep(pause)
        return True


def _times(calls: int) -> str:
    return "1 attempt" if calls == 1 else f"{calls} attempts"
