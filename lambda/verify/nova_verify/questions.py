"""Which held-out rows to ask, and whether the answers are those of the evaluated candidate. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from novaline.evaluation.metrics import quasi_exact_match

LEAST_AGREEMENT = 0.5
_TEXT_LIMIT = 500


class VerificationFailed(Exception):
    """The deployed model does not answer, or not as the candidate that the gate accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A held-out row: what is asked, the reference, and what the candidate answered when it was evaluated."""

    query: str
    system: str
    expected: str
    evaluated: str


def pick(data: Iterable[bytes], samples: Iterable[bytes], *, rows: int) -> tuple[Question, ...]:
    """Up to ``rows`` questions spread evenly over the dataset, each with what the candidate answered to it.

    A row's sample is found by what it asks, because an evaluation may write its samples in any order: the reference is
    the row's, and the prompt holds its query. Raises VerificationFailed for a row that was not evaluated.
    """
    held_out = [json.loads(row) for row in _lines(data)]
    evaluated = [json.loads(sample) for sample in _lines(samples)]
    step = max(1, len(held_out) // rows)
    return tuple(
        Question(
            query=row["query"],
            system=row.get("system", ""),
            expected=row["response"],
            evaluated=_sample_of(row, evaluated)["candidate"],
        )
        for row in held_out[::step][:rows]
    )


def _sample_of(row: Mapping[str, Any], evaluated: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    for sample in evaluated:
        if sample["reference"] == row["response"] and row["query"] in sample["prompt"]:
            return sample
    msg = f"the evaluation answered {len(evaluated)} rows, none of which asks {row['query'][:80]!r}: other data?"
    raise VerificationFailed(msg)


def _lines(lines: Iterable[bytes]) -> Iterable[bytes]:
    return (line for line in lines if line.strip())


def judge(questions: Sequence[Question], answers: Sequence[str]) -> dict[str, Any]:
    """The transcript and the share of answers that agree with the evaluation; VerificationFailed below the half."""
    agreeing = [quasi_exact_match(a, q.evaluated) for q, a in zip(questions, answers, strict=True)]
    agreement = sum(agreeing) / len(agreeing)
    if agreement < LEAST_AGREEMENT:
        msg = (
            f"only {sum(agreeing)} of {len(agreeing)} answers of the deployed model agree with those that the gate "
            f"accepted; for instance {questions[0].query[:80]!r} gave {answers[0][:80]!r}, "
            f"evaluated {questions[0].evaluated[:80]!r}: is another model behind the deployment?"
        )
        raise VerificationFailed(msg)
    transcript = [
        {
            "query": question.query[:_TEXT_LIMIT],
            "expected": question.expected[:_TEXT_LIMIT],
            "evaluated": question.evaluated[:_TEXT_LIMIT],
            "answer": answer[:_TEXT_LIMIT],
        }
        for question, answer in zip(questions, answers, strict=True)
    ]
    return {"rows": len(questions), "agreement": agreement, "transcript": transcript}
