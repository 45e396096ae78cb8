"""Several rewards of the library as one: a weighted mean, a product, or the least of them.

A part with a `gate` must earn at least that much, or the whole is 0: `format` as a gate before `classification` makes
form a condition and not something to collect. A part that cannot be scored makes the whole unscorable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from novaline.rewards.contract import MOST_MEASURES, UNSCORABLE, Reward, Rollout, Score
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
        metadata={"doc": "sum: weighted, divided by the sum of the positive weights; product; or the least of them"},
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
        parts = self._options.parts
        rewards = [score.reward for score in scores.values()]
        if any(part.gate is not None and scores[name].reward < part.gate for name, part in parts.items()):
            found = 0.0
        elif self._options.combine == "sum":
            found = sum(parts[name].weight * score.reward for name, score in scores.items()) / self._whole
        elif self._options.combine == "min":
            found = min(rewards)
        else:
            found = 1.0
            for one in rewards:
                found *= one
        return Score(found, _measures(scores))


class TogetherWeighted(Weighted):
    """The composition with a part that scores batches, such as a judge."""

    def score_many(self, rollouts: Sequence[Rollout], *, seconds: float | None) -> Sequence[Score | Exception]:
        """One score, or the reason why there is none, a rollout, in their order."""
        columns = {name: _column(one, rollouts, seconds) for name, one in self._rewards.items()}
        return [self._row({name: column[at] for name, column in columns.items()}) for at in range(len(rollouts))]

    def _row(self, outcomes: Mapping[str, Score | Exception]) -> Score | Exception:
        scores = {}
        for name, outcome in outcomes.items():
            if isinstance(outcome, Exception):
                return outcome
            scores[name] = outcome
        return self._composed(scores)


def _column(reward: Reward, rollouts: Sequence[Rollout], seconds: float | None) -> Sequence[Score | Exception]:
    score_many = getattr(reward, "score_many", None)
    if score_many is not None:
        found: Sequence[Score | Exception] = score_many(rollouts, seconds=seconds)
        return found
    return [_outcome(reward, rollout) for rollout in rollouts]


def _outcome(reward: Reward, rollout: Rollout) -> Score | Exception:
    try:
        return reward(rollout)
    except Exception as problem:  # one rollout must not cost the others their score
        return problem


def _measures(scores: Mapping[str, Score]) -> Mapping[str, float]:
    """The rewards of the parts, and their measures as far as there is room for them."""
    found = {name: score.reward for name, score in scores.items()}
    inner = {f"{name}.{key}": value for name, score in scores.items() for key, value in score.measures.items()}
    return found | dict(list(inner.items())[: MOST_MEASURES - len(found)])
