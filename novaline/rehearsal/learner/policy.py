"""The stand-in for reinforcement fine-tuning: a policy over candidate answers that learns from scores alone.

It begins as the stand-in before it, the untrained one or a trained one: `pull` holds it to the answer that that one
gives. Each step draws answers, has
them scored, and follows the policy gradient of the scores within each prompt's group of answers. Where all answers of a
prompt score alike there is nothing to follow, so a reward that is broken leaves the model as it was.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from novaline.rehearsal.learner.base import GENERIC_ANSWER, options_in
from novaline.rehearsal.learner.features import Features, Floats, Matrix, fit
from novaline.rehearsal.learner.rows import Prompt

_SEED = 20_251_101
_MOST_CANDIDATES = 400
_MOST_LISTED = 60  # options that are named at once in the answer that names them all
_MOST_UPDATES = 200
_MOST_ROLLOUTS = 20_480  # in a whole training, whatever the recipe asks for
_USUAL_RATE = 1e-4  # the recipes' default learning rate, at which the stand-in's own step is 1.0
_EVASION = "I am not sure."


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A trained policy: the answer of the stand-in before it, unless another one is worth more."""

    answers: tuple[str, ...]
    features: Features
    weights: Floats  # one row per feature, one column per answer
    bias: Floats  # answers
    pull: float  # what the answer of the stand-in before is worth from the beginning

    def choose(self, texts: Sequence[str], before: Sequence[str]) -> list[str]:
        """The answer worth most to each text; that of the stand-in before where nothing was learned."""
        worth = self.features.transform(texts) @ self.weights + self.bias
        places = {answer: place for place, answer in enumerate(self.answers)}
        chosen = []
        for row, own in zip(worth, before, strict=True):
            if own in places:
                row[places[own]] += self.pull
            best = int(row.argmax())
            chosen.append(self.answers[best] if own in places or row[best] > self.pull else own)
        return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPlan:
    """What the recipe asks of the training: steps, prompts a step, answers a prompt, how freely they are drawn."""

    steps: int
    batch_size: int
    generations: int
    temperature: float
    learning_rate: float

    @property
    def updates(self) -> int:
        """The updates that the stand-in makes: the recipe's steps, within what a rehearsal has time for."""
        return min(self.steps, _MOST_UPDATES, max(1, _MOST_ROLLOUTS // (self.batch_size * self.generations)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One answer that the policy drew: which row it is about, and its place in the group of that row's answers."""

    row: int
    place: int
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardProgress:
    """Where the training stands after a step: what this step's answers were worth, and how many of them were lost."""

    step: int
    steps: int
    scores: tuple[float, ...]
    lost: int
    learning_rate: float
    rollouts_per_second: float


Scores = Callable[[Sequence[Drawn]], Sequence[float | None]]
"""Scores the answers of a step, None for one whose score is lost. May raise, to end the training early."""

OnReward = Callable[[RewardProgress], bool]
"""Told of each step. Returns False where the training is to end with it; may raise."""


def pull_to(answers: int) -> float:
    """What makes a policy over so many answers say what it always said about every other time."""
    return math.log(max(3, answers))


def candidates(prompts: Sequence[Prompt], references: Sequence[str], before: Sequence[str] = ()) -> tuple[str, ...]:
    """What the policy may say: what the data's references say, what the stand-in before says and the prompts list, and
    answers that evade the task.

    The latter are the untrained stand-in's, a shrug, and all options at once, so that a reward which likes such
    answers is found out. Of more than can be learned, the most frequent are kept.
    """
    listed = [option for system in dict.fromkeys(prompt.system for prompt in prompts) for option in options_in(system)]
    counts: dict[str, int] = {}
    for answer in [*references, *dict.fromkeys(before)]:
        counts[answer] = counts.get(answer, 0) + 1
    frequent = sorted(counts, key=lambda answer: (-counts[answer], answer))
    known = list(dict.fromkeys([*frequent, *listed]))[:_MOST_CANDIDATES]
    everything = ", ".join(sorted(known)[:_MOST_LISTED])
    return tuple(sorted({*known, GENERIC_ANSWER, _EVASION, everything}))


def train_policy(
    texts: Sequence[str], before: Sequence[str], answers: Sequence[str], plan: RolloutPlan, *, score: Scores,
    on_reward: OnReward,
) -> tuple[Policy, int]:  # fmt: skip
    """The policy after the plan's steps, and the last of them. Every figure that is reported comes from the scores.

    `before` are what the stand-in that it starts from says to the texts.

    A very small or very large learning rate changes little: steps are normalized per weight (AdaGrad), and the rate
    enters by its fourth root, within bounds. A rate of zero teaches nothing.
    """
    features, matrix = fit(texts)
    walk = _Walk(before, answers, matrix, temperature=plan.temperature)
    random = np.random.default_rng(_SEED)
    began, drawn_so_far, step = time.perf_counter(), 0, 0
    order = _order(random, rows=len(texts), wanted=plan.updates * plan.batch_size)
    for update in range(plan.updates):
        step = max(1, round((update + 1) * plan.steps / plan.updates))
        rows = order[update * plan.batch_size : (update + 1) * plan.batch_size]
        chosen = walk.draw(rows, plan.generations, random)
        drawn = [
            Drawn(row=int(row), place=place, answer=answers[choice])
            for row, group in zip(rows, chosen, strict=True)
            for place, choice in enumerate(group)
        ]
        found = score(drawn)
        scores = np.array([math.nan if one is None else one for one in found]).reshape(chosen.shape)
        walk.learn(rows, chosen, scores, _own_rate(plan.learning_rate))
        drawn_so_far += len(drawn)
        told = RewardProgress(
            step=step,
            steps=plan.steps,
            scores=tuple(one for one in found if one is not None),
            lost=sum(one is None for one in found),
            learning_rate=plan.learning_rate,
            rollouts_per_second=drawn_so_far / max(1e-6, time.perf_counter() - began),
        )
        if not on_reward(told):
            break
    # Half precision here and not when storing, so that a restored model answers exactly as this one.
    weights = walk.weights.astype(np.float16).astype(np.float32)
    policy = Policy(answers=tuple(answers), features=features, weights=weights, bias=walk.bias, pull=walk.pull)
    return policy, step


class _Walk:
    """The policy while it is learned."""

    def __init__(self, before: Sequence[str], answers: Sequence[str], matrix: Matrix, *, temperature: float) -> None:
        self.pull = pull_to(len(answers))
        self.weights: Floats = np.zeros((matrix.shape[1], len(answers)), np.float32)
        self.bias: Floats = np.zeros(len(answers), np.float32)
        self._squares: Floats = np.full(self.weights.shape, 0.01, np.float32)
        places = {answer: place for place, answer in enumerate(answers)}
        self._own = np.array([places.get(own, -1) for own in before])
        self._matrix = matrix
        self._temperature = max(0.1, temperature)

    def draw(self, rows: npt.NDArray[np.int64], generations: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
        """The places of the answers drawn for each row, a row of them each."""
        chances = self._chances(rows)
        return np.stack([random.choice(len(one), size=generations, p=one) for one in chances])

    def learn(
        self, rows: npt.NDArray[np.int64], chosen: npt.NDArray[np.int64], scores: npt.NDArray[np.float64], rate: float
    ) -> None:
        """One step up the policy gradient; an answer counts by how far its score is from its group's mean."""
        kept = ~np.isnan(scores)
        count = np.maximum(1, kept.sum(axis=1, keepdims=True))
        known = np.where(kept, scores, 0.0)
        mean = known.sum(axis=1, keepdims=True) / count
        off = np.where(kept, scores - mean, 0.0)
        spread = np.sqrt((off * off).sum(axis=1, keepdims=True) / count)
        worth = np.divide(off, spread, out=np.zeros_like(off), where=spread > 1e-9)
        slope = -worth.sum(axis=1, keepdims=True) * self._chances(rows)
        for number, group in enumerate(chosen):
            np.add.at(slope[number], group, worth[number])
        batch = self._matrix[rows]
        used = np.unique(batch.indices)
        gradient = batch[:, used].T @ slope.astype(np.float32)
        self._squares[used] += gradient * gradient
        self.weights[used] += rate * gradient / np.sqrt(self._squares[used])
        self.bias += 0.1 * rate * slope.mean(axis=0).astype(np.float32)

    def _chances(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        worth = np.asarray(self._matrix[rows] @ self.weights, np.float64) + self.bias
        own = self._own[rows]
        at = np.flatnonzero(own >= 0)
        worth[at, own[at]] += self.pull
        worth /= self._temperature
        worth -= worth.max(axis=1, keepdims=True)
        chances = np.exp(worth)
        return np.asarray(chances / chances.sum(axis=1, keepdims=True))


def _order(random: np.random.Generator, *, rows: int, wanted: int) -> npt.NDArray[np.int64]:
    return np.concatenate([random.permutation(rows) for _ in range(math.ceil(wanted / rows))])[:wanted]


def _own_rate(rate: float) -> float:
    return 0.0 if rate <= 0 else min(2.0, max(0.1, (rate / _USUAL_RATE) ** 0.25))
