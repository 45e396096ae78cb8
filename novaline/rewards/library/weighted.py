"""Several rewards of the library as one: a weighted mean, a product, or the least of them.

A part with a `gate` must earn at least that much, or the whole is 0: `format` as a gate before `classification` makes
form a condition and not something to collect. A part that cannot be scored makes the whole unscorable. A judge among
the parts is asked last, and only about answers that passed the gates before it; several share the time of the batch.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from novaline.rewards.contract import (
    LONGEST_MEASURE_NAME,
    MOST_MEASURES,
    UNSCORABLE,
    BatchReward,
    Reward,
    Rollout,
    Score,
    Unscorable,
)
from novaline.rewards.kinds import UnknownKind, build, check_options
from novaline.rewards.options import OptionProblem, below


@dataclass(frozen=True, slots=True)
class Part:
    """One reward in the composition."""

    function: str = field(metadata={"doc": "a kind of the library"})
    options: Mapping[str, object] = field(default_factory=dict, metadata={"doc": "its options"})
    weight: float = field(default=1.0, metadata={"doc": "how much it counts; below 0 it is a penalty"})
    gate: float | None = field(default=None, metadata={"doc": "the least that it must earn, or the whole is 0"})


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set on a composition."""

    parts: Mapping[str, Part] = field(metadata={"doc": "rewards by names of your own, which the measures carry"})
    combine: Literal["sum", "product", "min"] = field(
        default="sum",
        metadata={
            "doc": "sum: weighted, divided by the sum of the positive weights; product, where a part below 0 is 0;"
            " or the least of them"
        },
    )

    def problems(self) -> Iterable[OptionProblem]:
        """What is wrong with each part, under its path, and with the weights."""
        if not self.parts:
            yield OptionProblem("parts", "is empty, expected at least one reward")
        if len(self.parts) >= MOST_MEASURES:
            yield OptionProblem("parts", f"has {len(self.parts)} rewards, expected fewer than {MOST_MEASURES}")
        for name, part in self.parts.items():
            if not name.replace("_", "").replace("-", "").isalnum() or not name.isascii() or len(name) > 40:
                yield OptionProblem(f"parts.{name}", "is no name: letters, digits, - and _, at most 40")
            if name in ("reward", UNSCORABLE):
                yield OptionProblem(f"parts.{name}", "is the name of a measure of the whole", "give it another one")
            try:
                for problem in check_options(part.function, part.options):
                    yield below(f"parts.{name}.options", problem)
            except UnknownKind as unknown:
                yield OptionProblem(f"parts.{name}.function", str(unknown))
            if self.combine != "sum" and part.weight != 1.0:
                yield OptionProblem(f"parts.{name}.weight", f"means nothing when combine is {self.combine}")
        if self.combine == "sum" and self.parts and not any(part.weight > 0 for part in self.parts.values()):
            yield OptionProblem("parts", "have no weight above 0, expected at least one")


def reward(options: Options) -> Reward:
    """See the module. Each part's reward is a measure under its name, and its measures are `name.measure`."""
    rewards = {name: build(part.function, part.options) for name, part in options.parts.items()}
    together = any(hasattr(one, "score_many") for one in rewards.values())
    return TogetherWeighted(options, rewards) if together else Weighted(options, rewards)


class Weighted:
    """The composition, one rollout at a time."""

    def __init__(self, options: Options, rewards: Mapping[str, Reward]) -> None:
        self._options = options
        self._rewards = rewards
        self._whole = sum(max(part.weight, 0.0) for part in options.parts.values())

    def __call__(self, rollout: Rollout) -> Score:
        """The score of one rollout. Raises what a part raises."""
        return self._composed({name: one(rollout) for name, one in self._rewards.items()})

    def _composed(self, scores: Mapping[str, Score]) -> Score:
        """The whole, of all parts or of those that show that a gate is not passed."""
        parts = self._options.parts
        rewards = [score.reward for score in scores.values()]
        if not all(self._passed(name, score) for name, score in scores.items()):
            found = 0.0
        elif self._options.combine == "sum":
            found = sum(parts[name].weight * score.reward for name, score in scores.items()) / self._whole
        elif self._options.combine == "min":
            found = min(rewards)
        else:
            found = 1.0
            for one in rewards:
                found *= max(one, 0.0)  # or two penalties would make a reward
        return Score(found, _measures(scores))

    def _passed(self, name: str, score: Score) -> bool:
        gate = self._options.parts[name].gate
        return gate is None or score.reward >= gate


class TogetherWeighted(Weighted):
    """The composition with a part that scores batches, such as a judge."""

    def __init__(self, options: Options, rewards: Mapping[str, Reward]) -> None:
        super().__init__(options, rewards)
        self._rules = [name for name, one in rewards.items() if not hasattr(one, "score_many")]
        judged = (name for name in rewards if name not in self._rules)
        self._judged = sorted(judged, key=lambda name: options.parts[name].gate is None)  # gates first

    def __call__(self, rollout: Rollout) -> Score:
        """The score of one rollout. Raises what a part raises."""
        (found,) = self.score_many([rollout], seconds=None)
        if isinstance(found, Exception):
            raise found
        return found

    def score_many(self, rollouts: Sequence[Rollout], *, seconds: float | None) -> Sequence[Score | Exception]:
        """One score, or the reason why there is none, a rollout, in their order.

        The parts that score batches are asked one after the other, and have equal shares of the time that is left.
        """
        end = None if seconds is None else time.monotonic() + seconds
        scores: list[dict[str, Score]] = [{} for _ in rollouts]
        lost: dict[int, Exception] = {}
        for at, rollout in enumerate(rollouts):
            for name in self._rules:
                self._take(name, _outcome(self._rewards[name], rollout), at, scores, lost)
        for turn, name in enumerate(self._judged):
            asked = [at for at in range(len(rollouts)) if at not in lost and self._open(scores[at])]
            if not asked:
                break
            left = None if end is None else max(0.0, end - time.monotonic()) / (len(self._judged) - turn)
            many = cast("BatchReward", self._rewards[name]).score_many([rollouts[at] for at in asked], seconds=left)
            for at, outcome in zip(asked, many, strict=True):
                self._take(name, outcome, at, scores, lost)
        return [lost[at] if at in lost else self._composed(scores[at]) for at in range(len(rollouts))]

    def _open(self, scores: Mapping[str, Score]) -> bool:
        return all(self._passed(name, score) for name, score in scores.items())

    def _take(
        self,
        name: str,
        outcome: Score | Exception,
        at: int,
        scores: Sequence[dict[str, Score]],
        lost: dict[int, Exception],
    ) -> None:
        """Keeps what one part said of one rollout; the first reason why there is no score is the one that counts."""
        if not isinstance(outcome, Exception):
            scores[at][name] = outcome
        elif at not in lost:
            lost[at] = _named(name, outcome, scores[at])


def _outcome(reward: Reward, rollout: Rollout) -> Score | Exception:
    try:
        return reward(rollout)
    except Exception as problem:  # one rollout must not cost the others their score
        return problem


def _named(name: str, problem: Exception, scores: Mapping[str, Score]) -> Exception:
    """Why a part has no score, with what it measured all the same under its name, beside what the others did."""
    if not isinstance(problem, Unscorable):
        return problem
    found = Unscorable(f"{name}: {problem}")
    mine = {f"{name}.{key}": value for key, value in problem.measures.items()}
    found.measures = _fitting(mine | dict(_measures(scores)))
    return found


def _measures(scores: Mapping[str, Score]) -> Mapping[str, float]:
    """The rewards of the parts, and their measures as far as there is room for them."""
    inner = {f"{name}.{key}": value for name, score in scores.items() for key, value in score.measures.items()}
    return _fitting({name: score.reward for name, score in scores.items()} | inner)


def _fitting(measures: Mapping[str, float]) -> Mapping[str, float]:
    """Those that an answer can carry: names grow with each composition in another."""
    fitting = [(name, value) for name, value in measures.items() if len(name) <= LONGEST_MEASURE_NAME]
    return dict(fitting[:MOST_MEASURES])
