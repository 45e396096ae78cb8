"""Which held-out rows to ask, and whether the answers are those of the evaluated candidate. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
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
    """Up to ``rows`` questions spread evenly over the evaluation, pairing each data row with its recorded sample."""
    pairs = [(json.loads(row), json.loads(sample)) for row, sample in zip(_lines(data), _lines(samples), strict=True)]
    step = max(1, len(pairs) // rows)
    return tuple(
        Question(
            query=row["query"],
            system=row.get("system", ""),
            expected=sample["reference"],
            evaluated=sample["candidate"],
        )
        for row, sample in pairs[::step][:rows]
    )


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
