"""The trained stand-in: chooses how to learn from the rows, answers prompts, and travels as a checkpoint.

A checkpoint is two objects: `stand_in.json` (what it is, its labels or answers) and `stand_in.npz` (arrays, loaded
without pickle). One that was trained further holds the checkpoint that it began from below `before/`: it answers as
that one does wherever it has learned nothing else.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from novaline.rehearsal.learner.base import zero_shot
from novaline.rehearsal.learner.classifier import Classifier, train_classifier
from novaline.rehearsal.learner.features import Features
from novaline.rehearsal.learner.policy import OnReward, Policy, RolloutPlan, Scores, candidates, train_policy
from novaline.rehearsal.learner.preference import train_preferences
from novaline.rehearsal.learner.retrieval import Retrieval, train_retrieval
from novaline.rehearsal.learner.rows import OnProgress, PreferenceRow, Prompt, TrainingPlan, TrainingRow

DESCRIPTION_OBJECT = "stand_in.json"
ARRAYS_OBJECT = "stand_in.npz"
BEFORE = "before/"
_FORMAT = 1
_MOST_LABELS = 500
_LONGEST_LABEL = 120  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedStandIn:
    """A customized stand-in. Deterministic, immutable and safe to share between threads."""

    model_type: str  # of the base that it stands for: "amazon.nova-micro-v1:0:128k"
    rows: int
    steps: int
    learned: Classifier | Policy | Retrieval
    reads_system: bool  # whether system texts differed between the rows, so that they tell something
    before: TrainedStandIn | None = None  # what the training began from; None for the untrained stand-in

    @property
    def description(self) -> str:
        """What it is, in a line for a log."""
        match self.learned:
            case Classifier(labels=labels):
                what = f"a linear classifier of {len(labels)} labels"
            case Policy(answers=answers):
                what = f"a policy over {len(answers)} answers"
            case Retrieval(answers=answers):
                what = f"a retrieval index of {len(answers)} answers"
        trained = f"stand-in, {what}, trained on {self.rows} rows in {self.steps} steps"
        return (
            trained if self.before is None else f"{trained}, after {self.before.description.removeprefix('stand-in, ')}"
        )

    def answer(self, prompts: Sequence[Prompt]) -> list[str]:
        """One answer per prompt."""
        if not prompts:
            return []
        texts = [_text(prompt, reads_system=self.reads_system) for prompt in prompts]
        if isinstance(self.learned, Classifier):
            return self.learned.predict(texts)
        began = answers_of(self.before, prompts)
        if isinstance(self.learned, Policy):
            return self.learned.choose(texts, began)
        return [answer or own for answer, own in zip(self.learned.nearest(texts), began, strict=True)]


def answers_of(model: TrainedStandIn | None, prompts: Sequence[Prompt]) -> list[str]:
    """What a stand-in says, the untrained one for None."""
    return [zero_shot(prompt) for prompt in prompts] if model is None else model.answer(prompts)


def train(
    rows: Sequence[TrainingRow],
    plan: TrainingPlan,
    *,
    model_type: str,
    on_progress: OnProgress,
    before: TrainedStandIn | None = None,
) -> TrainedStandIn:
    """Learns from the rows as the plan says: labels by a linear classifier, texts by retrieval. Goes on from `before`.

    Raises ValueError when there are no rows, and whatever `on_progress` raises. The same rows and plan always give the
    same stand-in.
    """
    prompts, texts, reads_system = _asked(rows)
    answers = [row.answer for row in rows]
    how = train_classifier if _are_labels(answers) else train_retrieval
    learned = how(texts, answers, plan, on_progress, None if before is None else before.answer(prompts))
    return TrainedStandIn(
        model_type=model_type,
        rows=len(rows),
        steps=plan.steps,
        learned=learned,
        reads_system=reads_system,
        before=before,
    )


def prefer(
    rows: Sequence[PreferenceRow],
    plan: TrainingPlan,
    *,
    beta: float,
    model_type: str,
    on_progress: OnProgress,
    before: TrainedStandIn | None = None,
) -> TrainedStandIn:
    """Learns which answer to prefer: of labels by their margin, of texts by retrieval of what was preferred.

    Raises ValueError when there are no rows, and whatever `on_progress` raises.
    """
    prompts, texts, reads_system = _asked(rows)
    preferred, other = [row.preferred for row in rows], [row.other for row in rows]
    learned: Policy | Retrieval
    if _are_labels([*preferred, *other]):
        learned = train_preferences(texts, preferred, other, plan, beta=beta, on_progress=on_progress)
    else:
        began = None if before is None else before.answer(prompts)
        learned = train_retrieval(texts, preferred, plan, on_progress, began)
    return TrainedStandIn(
        model_type=model_type,
        rows=len(rows),
        steps=plan.steps,
        learned=learned,
        reads_system=reads_system,
        before=before,
    )


def reinforce(
    rows: Sequence[TrainingRow],
    plan: RolloutPlan,
    *,
    model_type: str,
    score: Scores,
    on_reward: OnReward,
    before: TrainedStandIn | None = None,
) -> TrainedStandIn:
    """Learns from scores. The rows' answers are what the policy may say, and are told it of no prompt.

    Raises ValueError when there are no rows, and whatever `score` and `on_reward` raise.
    """
    prompts, texts, reads_system = _asked(rows)
    began = answers_of(before, prompts)
    answers = candidates(prompts, [row.answer for row in rows if row.answer], began)
    learned, steps = train_policy(texts, began, answers, plan, score=score, on_reward=on_reward)
    return TrainedStandIn(
        model_type=model_type, rows=len(rows), steps=steps, learned=learned, reads_system=reads_system, before=before
    )


def to_checkpoint(stand_in: TrainedStandIn) -> dict[str, bytes]:
    """The objects of a checkpoint, by name."""
    learned = stand_in.learned
    arrays = {"columns": learned.features.columns, "idf": learned.features.weights}
    if not isinstance(learned, Retrieval):
        arrays |= {"weights": learned.weights.astype(np.float16), "bias": learned.bias}
    else:
        index = learned.index
        arrays |= {"data": index.data, "indices": index.indices, "indptr": index.indptr}
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    description = {
        "stand_in": _FORMAT,
        "note": "A stand-in of a rehearsal; no Nova model, and no measure of one.",
        "kind": type(learned).__name__.lower(),
        "model_type": stand_in.model_type,
        "rows": stand_in.rows,
        "steps": stand_in.steps,
        "reads_system": stand_in.reads_system,
        "letters": learned.features.letters,
        "answers": learned.labels if isinstance(learned, Classifier) else learned.answers,
    }
    if isinstance(learned, Policy):
        description["pull"] = learned.pull
    if isinstance(learned, Retrieval):
        description["least"] = learned.least
    earlier = {} if stand_in.before is None else to_checkpoint(stand_in.before)
    return {
        **{f"{BEFORE}{name}": content for name, content in earlier.items()},
        DESCRIPTION_OBJECT: json.dumps(description, ensure_ascii=False).encode(),
        ARRAYS_OBJECT: packed.getvalue(),
    }


def from_checkpoint(objects: Mapping[str, bytes]) -> TrainedStandIn:
    """The stand-in that `to_checkpoint` wrote. Raises ValueError when the objects are not such a checkpoint."""
    try:
        about = json.loads(objects[DESCRIPTION_OBJECT])
        if about["stand_in"] != _FORMAT:
            raise ValueError(f"format {about['stand_in']}, expected {_FORMAT}")
        with np.load(io.BytesIO(objects[ARRAYS_OBJECT])) as stored:
            arrays = {name: stored[name] for name in stored.files}
        features = Features(columns=arrays["columns"], weights=arrays["idf"], letters=about["letters"])
        answers = tuple(about["answers"])
        learned: Classifier | Policy | Retrieval
        if about["kind"] in ("classifier", "policy"):
            weights, bias = arrays["weights"].astype(np.float32), arrays["bias"]
            if about["kind"] == "classifier":
                learned = Classifier(labels=answers, features=features, weights=weights, bias=bias)
            else:
                learned = Policy(answers=answers, features=features, weights=weights, bias=bias, pull=about["pull"])
        else:
            parts = (arrays["data"], arrays["indices"], arrays["indptr"])
            index = sparse.csr_matrix(parts, shape=(len(answers), len(features.columns)))
            learned = Retrieval(answers=answers, features=features, index=index, least=about["least"])
        earlier = {name.removeprefix(BEFORE): objects[name] for name in objects if name.startswith(BEFORE)}
        return TrainedStandIn(
            model_type=about["model_type"],
            rows=about["rows"],
            steps=about["steps"],
            learned=learned,
            reads_system=about["reads_system"],
            before=from_checkpoint(earlier) if earlier else None,
        )
    except (KeyError, TypeError, ValueError, OSError) as problem:
        raise ValueError(f"not a checkpoint of the stand-in: {problem}") from problem


def _are_labels(answers: Sequence[str]) -> bool:
    """Few distinct, short answers that come again and again are labels."""
    distinct = set(answers)
    few = len(distinct) <= min(_MOST_LABELS, max(2, len(answers) // 5))
    return few and all(len(answer) <= _LONGEST_LABEL for answer in distinct)


def _asked(rows: Sequence[TrainingRow] | Sequence[PreferenceRow]) -> tuple[list[Prompt], list[str], bool]:
    """(prompts, what is learned from, whether system texts are a part of it). Raises ValueError without rows."""
    if not rows:
        raise ValueError("there are no rows to train on")
    prompts = [row.prompt for row in rows]
    reads_system = len({prompt.system for prompt in prompts}) > 1
    return prompts, [_text(prompt, reads_system=reads_system) for prompt in prompts], reads_system


def _text(prompt: Prompt, *, reads_system: bool) -> str:
    return f"{prompt.system}\n{prompt.text}" if reads_system else prompt.text
