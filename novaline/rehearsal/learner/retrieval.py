"""The stand-in for data whose answers are texts: it answers as the most similar training prompt was answered."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from novaline.rehearsal.learner.features import Features, Matrix, fit
from novaline.rehearsal.learner.rows import OnProgress, Progress, TrainingPlan

_SEED = 20_240_601
_MOST_REPORTS = 100
_MOST_HELD_OUT = 200
_FAMILIAR = 0.25  # likeness of a prompt that a training which goes on is about
_AT_ONCE = 512  # queries compared at a time; bounds the memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """An index of training prompts with their answers."""

    answers: tuple[str, ...]
    features: Features
    index: Matrix  # one row per answer, one column per feature
    least: float = 0.0  # the likeness (cosine) that a prompt must exceed

    def nearest(self, texts: Sequence[str]) -> list[str | None]:
        """The answer of the most similar training prompt; None where none is similar enough."""
        found: list[str | None] = []
        for start in range(0, len(texts), _AT_ONCE):
            likeness = (self.features.transform(texts[start : start + _AT_ONCE]) @ self.index.T).toarray()
            best = likeness.argmax(axis=1)
            for row, column in enumerate(best):
                found.append(self.answers[column] if likeness[row, column] > self.least else None)
        return found


def train_retrieval(
    texts: Sequence[str],
    answers: Sequence[str],
    plan: TrainingPlan,
    on_progress: OnProgress,
    before: Sequence[str] | None = None,
) -> Retrieval:
    """Grows the index by a batch per step; rows that the recipe's steps never reach are not learned.

    Where training goes on from a trained stand-in, which gives the answers `before`, prompts that are like none of
    these are left to that one.

    The reported loss is the mean cosine distance between the retrieved and the wanted answer over a held-out slice
    (at most a tenth of the rows), measured before that slice joins the index. A learning rate has no meaning here.
    """
    features, prompts = fit(texts)
    _, wanted = fit(answers)
    order = np.random.default_rng(_SEED).permutation(len(texts))
    held = order[: min(_MOST_HELD_OUT, len(texts) // 10)]
    reached = order[len(held) :][: plan.steps * plan.batch_size]
    growth = _Growth(prompts=prompts, wanted=wanted, held=held)
    began = time.perf_counter()
    for report in range(1, (reports := min(_MOST_REPORTS, plan.steps)) + 1):
        step = max(1, round(report * plan.steps / reports))
        growth.add(reached[growth.size : step * plan.batch_size])
        on_progress(
            Progress(
                step=step,
                steps=plan.steps,
                loss=growth.loss,
                learning_rate=plan.rate_at(step),
                rows_per_second=growth.size / max(1e-6, time.perf_counter() - began),
            )
        )
    learned = np.concatenate([reached, held])
    least = 0.0 if before is None else _FAMILIAR
    found = tuple(answers[row] for row in learned)
    return Retrieval(answers=found, features=features, index=prompts[learned], least=least)


class _Growth:
    """The index while it grows: the best answer so far for each held-out prompt."""

    def __init__(self, *, prompts: Matrix, wanted: Matrix, held: npt.NDArray[np.int64]) -> None:
        self.size = 0
        self._prompts = prompts
        self._wanted = wanted
        self._held = held
        self._likeness = np.zeros(len(held), np.float32)
        self._distance = np.ones(len(held), np.float32)

    @property
    def loss(self) -> float:
        """Mean cosine distance on the held-out slice; 0 when the data are too few to hold any out."""
        return float(self._distance.mean()) if len(self._held) else 0.0

    def add(self, rows: npt.NDArray[np.int64]) -> None:
        """Add rows to the index."""
        self.size += len(rows)
        if not len(rows) or not len(self._held):
            return
        likeness = (self._prompts[self._held] @ self._prompts[rows].T).toarray()
        best = likeness.argmax(axis=1)
        value = likeness[np.arange(len(best)), best]
        better = np.flatnonzero(value > self._likeness)
        if not len(better):
            return
        self._likeness[better] = value[better]
        same = self._wanted[rows[best[better]]].multiply(self._wanted[self._held[better]])
        self._distance[better] = 1 - np.clip(np.asarray(sparse.csr_matrix(same).sum(axis=1)).ravel(), 0, 1)
