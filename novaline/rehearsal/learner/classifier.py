"""The stand-in for data whose answers are labels: a linear softmax model, trained by gradient descent."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from novaline.rehearsal.learner.features import Features, Floats, Matrix, fit
from novaline.rehearsal.learner.policy import Policy, pull_to
from novaline.rehearsal.learner.rows import OnProgress, Progress, TrainingPlan

_SEED = 20_240_601
_MOST_UPDATES = 2_000  # a recipe may ask for 100,000 steps; the stand-in then takes larger ones
_MOST_PASSES = 8  # over the data, whatever the recipe asks for: more changes nothing but the time
_USUAL_RATE = 1e-5  # the recipes' default learning rate, at which the stand-in's own step is 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """A trained linear classifier: texts in, labels out."""

    labels: tuple[str, ...]
    features: Features
    weights: Floats  # one row per feature, one column per label
    bias: Floats  # labels

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The likeliest label of each text."""
        scores = self.features.transform(texts) @ self.weights + self.bias
        return [self.labels[index] for index in scores.argmax(axis=1)]


def train_classifier(
    texts: Sequence[str],
    answers: Sequence[str],
    plan: TrainingPlan,
    on_progress: OnProgress,
    before: Sequence[str] | None = None,
) -> Classifier | Policy:
    """Trains in the steps of the plan; every reported loss is the cross-entropy of that step's rows before it is taken.

    `before` are what a trained stand-in says to the texts, where training goes on from one: what is learned then is how
    to depart from it.

    A very small or very large learning rate changes little: the stand-in's steps are normalized per weight (AdaGrad),
    and the rate enters by its fourth root, within bounds. A rate of zero teaches nothing.
    """
    labels = tuple(sorted(set(answers)))
    position = {label: index for index, label in enumerate(labels)}
    wanted = np.array([position[answer] for answer in answers], dtype=np.int32)
    features, matrix = fit(texts)
    descent = _Descent(inputs=matrix.shape[1], outputs=len(labels))
    pull = pull_to(len(labels))
    own = None if before is None else np.array([position.get(answer, len(labels)) for answer in before])
    schedule = schedule_of(len(texts), plan)
    began = time.perf_counter()
    seen = 0
    for step, rows in schedule:
        rate = plan.rate_at(step)
        head_start = None if own is None else _head_start(own[rows], outputs=len(labels), pull=pull)
        loss = descent.step(matrix[rows], wanted[rows], own_rate(rate), head_start)
        seen += len(rows)
        speed = seen / max(1e-6, time.perf_counter() - began)
        on_progress(Progress(step=step, steps=plan.steps, loss=loss, learning_rate=rate, rows_per_second=speed))
    # Half precision here and not when storing, so that a restored model answers exactly as this one.
    weights = descent.weights.astype(np.float16).astype(np.float32)
    if before is None:
        return Classifier(labels=labels, features=features, weights=weights, bias=descent.bias)
    return Policy(answers=labels, features=features, weights=weights, bias=descent.bias, pull=pull)


def _head_start(own: npt.NDArray[np.int64], *, outputs: int, pull: float) -> Floats:
    """What each answer is worth before anything is learned; the last column stands for every other answer."""
    worth = np.zeros((len(own), outputs + 1), np.float32)
    worth[:, outputs] = -np.inf
    worth[np.arange(len(own)), own] = pull
    return worth


class _Descent:
    """The weights while they are learned."""

    def __init__(self, *, inputs: int, outputs: int) -> None:
        self.weights: Floats = np.zeros((inputs, outputs), np.float32)
        self.bias: Floats = np.zeros(outputs, np.float32)
        self._squares: Floats = np.full((inputs, outputs), 0.01, np.float32)

    def step(
        self, batch: Matrix, wanted: npt.NDArray[np.int32], rate: float, head_start: Floats | None = None
    ) -> float:
        """One step; only the weights of features that occur in the batch move. Returns the loss before it."""
        scores = batch @ self.weights + self.bias
        if head_start is not None:
            scores = head_start + np.pad(scores, ((0, 0), (0, 1)))
        scores -= scores.max(axis=1, keepdims=True)
        chances = np.exp(scores)
        chances /= chances.sum(axis=1, keepdims=True)
        every = np.arange(len(wanted))
        loss = float(-np.log(chances[every, wanted] + 1e-12).mean())
        chances[every, wanted] -= 1
        chances = chances[:, : self.weights.shape[1]]
        used = np.unique(batch.indices)
        slope = batch[:, used].T @ chances
        self._squares[used] += slope * slope
        self.weights[used] -= rate * slope / np.sqrt(self._squares[used])
        self.bias -= 0.1 * rate * chances.mean(axis=0)
        return loss


def schedule_of(rows: int, plan: TrainingPlan) -> list[tuple[int, npt.NDArray[np.int64]]]:
    """(step of the recipe, the rows of that step) for every update that the stand-in makes."""
    wanted = min(plan.steps * plan.batch_size, _MOST_PASSES * rows)
    updates = max(1, min(plan.steps, _MOST_UPDATES, math.ceil(wanted / min(plan.batch_size, rows))))
    size = math.ceil(wanted / updates)
    random = np.random.default_rng(_SEED)
    passes = math.ceil(updates * size / rows)
    order = np.concatenate([random.permutation(rows) for _ in range(passes)])
    batches = (order[update * size : min((update + 1) * size, wanted)] for update in range(updates))
    return [
        (max(1, round((update + 1) * plan.steps / updates)), batch)
        for update, batch in enumerate(batches)
        if len(batch)
    ]


def own_rate(rate: float) -> float:
    """The step of the stand-in at a recipe's learning rate."""
    return 0.0 if rate <= 0 else min(2.0, max(0.1, (rate / _USUAL_RATE) ** 0.25))
