"""1 while the answer's length lies in a band, falling evenly to 0 outside it; an empty answer earns 0.

Meant as a part of `weighted`: alone it rewards any text of that length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from novaline.rewards.contract import Reward, Rollout, Score
from novaline.rewards.options import OptionProblem

_COUNTS: Final[Mapping[str, Callable[[str], int]]] = {
    "characters": len,
    "words": lambda text: len(text.split()),
    "lines": lambda text: sum(1 for line in text.splitlines() if line.strip()),
}


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set on a length."""

    most: int = field(metadata={"doc": "the longest answer that still earns 1"})
    least: int = field(default=1, metadata={"doc": "the shortest answer that already earns 1"})
    fade: int = field(default=0, metadata={"doc": "so far outside the band the reward is 0; 0 is a step at its edges"})
    unit: Literal["characters", "words", "lines"] = field(
        default="words", metadata={"doc": "what is counted; words are what space separates, lines those with text"}
    )

    def problems(self) -> Iterable[OptionProblem]:
        """A band that is none."""
        if self.least < 1:
            yield OptionProblem("least", f"is {self.least}, expected 1 or more", "an empty answer earns nothing")
        if self.most < self.least:
            yield OptionProblem("most", f"is {self.most}, expected least ({self.least}) or more")
        if self.fade < 0:
            yield OptionProblem("fade", f"is {self.fade}, expected 0 or more")


def reward(options: Options) -> Reward:
    """See the module. The measure `length` is the answer's, in the unit of the options."""
    count = _COUNTS[options.unit]

    def score(rollout: Rollout) -> Score:
        length = count(rollout.answer.strip())
        outside = max(options.least - length, length - options.most, 0)
        if not length:
            found = 0.0
        elif not outside:
            found = 1.0
        else:
            found = max(0.0, 1.0 - outside / options.fade) if options.fade else 0.0
        return Score(found, {"length": float(length)})

    return score
