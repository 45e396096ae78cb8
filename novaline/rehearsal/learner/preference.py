"""The stand-in for direct preference optimization: it learns which of two answers to prefer, beside a reference.

The reference is the stand-in before it, whose answer keeps its `pull`. What is learned is the margin over it, so that
the loss is that of the method: minus the logarithm of how likely the preferred answer wins, by `beta` times the margin.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from novaline.rehearsal.learner.classifier import own_rate, schedule_of
from novaline.rehearsal.learner.features import Floats, fit
from novaline.rehearsal.learner.policy import Policy, pull_to
from novaline.rehearsal.learner.rows import OnProgress, Progress, TrainingPlan


def train_preferences(
    texts: Sequence[str],
    preferred: Sequence[str],
    other: Sequence[str],
    plan: TrainingPlan,
    *,
    beta: float,
    on_progress: OnProgress,
) -> Policy:
    """The policy after the plan's steps; every reported loss is that of the step's pairs before it is taken.

    Steps are normalized per weight (AdaGrad), so that `beta` and the learning rate change less than they do elsewhere:
    a small `beta` lets the margin grow for longer. A rate of zero teaches nothing.
    """
    answers = tuple(sorted({*preferred, *other}))
    position = {answer: index for index, answer in enumerate(answers)}
    better = np.array([position[answer] for answer in preferred])
    worse = np.array([position[answer] for answer in other])
    features, matrix = fit(texts)
    weights: Floats = np.zeros((matrix.shape[1], len(answers)), np.float32)
    squares: Floats = np.full(weights.shape, 0.01, np.float32)
    began, seen = time.perf_counter(), 0
    for step, rows in schedule_of(len(texts), plan):
        batch, every = matrix[rows], np.arange(len(rows))
        worth = batch @ weights
        margin = beta * (worth[every, better[rows]] - worth[every, worse[rows]])
        loss = float(np.logaddexp(0, -margin).mean())
        slope: Floats = np.zeros(worth.shape, np.float32)
        unsure = 1 / (1 + np.exp(margin))
        slope[every, better[rows]] += unsure
        slope[every, worse[rows]] -= unsure
        used = np.unique(batch.indices)
        gradient = batch[:, used].T @ slope
        squares[used] += gradient * gradient
        weights[used] += own_rate(plan.rate_at(step)) * gradient / np.sqrt(squares[used])
        seen += len(rows)
        on_progress(
            Progress(
                step=step,
                steps=plan.steps,
                loss=loss,
                learning_rate=plan.rate_at(step),
                rows_per_second=seen / max(1e-6, time.perf_counter() - began),
            )
        )
    # Half precision here and not when storing, so that a restored model answers exactly as this one.
    return Policy(
        answers=answers,
        features=features,
        weights=weights.astype(np.float16).astype(np.float32),
        bias=np.zeros(len(answers), np.float32),
        pull=pull_to(len(answers)),
    )
