"""The trained stand-in: chooses how to learn from the rows, answers prompts, and travels as a checkpoint.

A checkpoint is two objects: `stand_in.json` (what it is, its labels or answers) and `stand_in.npz` (arrays, loaded
without pickle).
"""

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
from novaline.rehearsal.learner.retrieval import Retrieval, train_retrieval
from novaline.rehearsal.learner.rows import OnProgress, Prompt, TrainingPlan, TrainingRow

DESCRIPTION_OBJECT = "stand_in.json"
ARRAYS_OBJECT = "stand_in.npz"
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
        return f"stand-in, {what}, trained on {self.rows} rows in {self.steps} steps"

    def answer(self, prompts: Sequence[Prompt]) -> list[str]:
        """One answer per prompt."""
        if not prompts:
            return []
        texts = [_text(prompt, reads_system=self.reads_system) for prompt in prompts]
        if isinstance(self.learned, Classifier):
            return self.learned.predict(texts)
        if isinstance(self.learned, Policy):
            return self.learned.choose(texts, prompts)
        nearest = self.learned.nearest(texts)
        return [answer or zero_shot(prompt) for answer, prompt in zip(nearest, prompts, strict=True)]


def train(
    rows: Sequence[TrainingRow], plan: TrainingPlan, *, model_type: str, on_progress: OnProgress
) -> TrainedStandIn:
    """Learns from the rows as the plan says: labels by a linear classifier, texts by retrieval.

    Raises ValueError when there are no rows, and whatever `on_progress` raises. The same rows and plan always give the
    same stand-in.
    """
    if not rows:
        raise ValueError("there are no rows to train on")
    reads_system = len({row.prompt.system for row in rows}) > 1
    texts = [_text(row.prompt, reads_system=reads_system) for row in rows]
    answers = [row.answer for row in rows]
    how = train_classifier if _are_labels(answers) else train_retrieval
    learned = how(texts, answers, plan, on_progress)
    return TrainedStandIn(
        model_type=model_type, rows=len(rows), steps=plan.steps, learned=learned, reads_system=reads_system
    )


def reinforce(
    rows: Sequence[TrainingRow], plan: RolloutPlan, *, model_type: str, score: Scores, on_reward: OnReward
) -> TrainedStandIn:
    """Learns from scores. The rows' answers are what the policy may say, and are told it of no prompt.

    Raises ValueError when there are no rows, and whatever `score` and `on_reward` raise.
    """
    if not rows:
        raise ValueError("there are no rows to train on")
    prompts = [row.prompt for row in rows]
    reads_system = len({prompt.system for prompt in prompts}) > 1
    texts = [_text(prompt, reads_system=reads_system) for prompt in prompts]
    answers = candidates(prompts, [row.answer for row in rows if row.answer])
    learned, steps = train_policy(texts, prompts, answers, plan, score=score, on_reward=on_reward)
    return TrainedStandIn(
        model_type=model_type, rows=len(rows), steps=steps, learned=learned, reads_system=reads_system
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
    return {
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
            learned = Retrieval(answers=answers, features=features, index=index)
        return TrainedStandIn(
            model_type=about["model_type"],
            rows=about["rows"],
            steps=about["steps"],
            learned=learned,
            reads_system=about["reads_system"],
        )
    except (KeyError, TypeError, ValueError, OSError) as problem:
        raise ValueError(f"not a checkpoint of the stand-in: {problem}") from problem


def _are_labels(answers: Sequence[str]) -> bool:
    """Few distinct, short answers that come again and again are labels."""
    distinct = set(answers)
    few = len(distinct) <= min(_MOST_LABELS, max(2, len(answers) // 5))
    return few and all(len(answer) <= _LONGEST_LABEL for answer in distinct)


def _text(prompt: Prompt, *, reads_system: bool) -> str:
    return f"{prompt.system}\n{prompt.text}" if reads_system else prompt.text
