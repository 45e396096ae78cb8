"""Base and candidate side by side: pairing, decision, and the documents that keep it. Pure."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from novaline.evaluation.gate import Decision, decide
from novaline.evaluation.metrics import BINARY_METRICS
from novaline.evaluation.results import EvaluationResults, Sample


class PairingProblem(Exception):
    """Base and candidate did not answer the same rows in the same order, so they cannot be compared in pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The paired samples of one evaluation, and what the gate decided on them."""

    base: EvaluationResults
    candidate: EvaluationResults
    decision: Decision

    def summary(self) -> dict[str, Any]:
        """The decision for the workflow and the notification: about a kilobyte."""
        decision = self.decision
        return {
            "accepted": decision.accepted,
            "verdict": decision.verdict,
            "reason": decision.reason,
            "metric": decision.metric,
            "rows": decision.counts.rows,
            "base": shares(self.base),
            "candidate": shares(self.candidate),
            "difference": asdict(decision.difference),
            "p_value": decision.p_value,
            "margin": decision.margin,
        }

    def evidence(self, *, jobs: Sequence[Mapping[str, Any]], measures: Mapping[str, Any]) -> dict[str, Any]:
        """All that the decision rests on: paired counts, intervals, both jobs' own aggregates, and the jobs.

        `measures` is what the other evaluations say, on which nothing rests.
        """
        return {
            **self.summary(),
            "counts": asdict(self.decision.counts),
            "intervals": {"base": asdict(self.decision.base), "candidate": asdict(self.decision.candidate)},
            "method": {"test": "McNemar, exact, two-sided", "interval": "Newcombe 1998, method 10 (paired)"},
            "measures": measures,
            "job_aggregates": {"base": dict(self.base.aggregates), "candidate": dict(self.candidate.aggregates)},
            "jobs": [{key: job[key] for key in ("evaluation", "subject", "job_name", "output_path")} for job in jobs],
        }

    def samples_jsonl(self) -> bytes:
        """One line a row: the prompt, the reference and both answers with whether the gate's metric holds."""
        metric = BINARY_METRICS[self.decision.metric]
        lines = []
        for number, (base, candidate) in enumerate(zip(self.base.samples, self.candidate.samples, strict=True)):
            row = {
                "row": number,
                "prompt": base.prompt,
                "reference": base.reference,
                "base": base.answer,
                "candidate": candidate.answer,
                "base_right": metric(base.answer, base.reference),
                "candidate_right": metric(candidate.answer, candidate.reference),
            }
            lines.append(json.dumps(row, ensure_ascii=False))
        return ("\n".join(lines) + "\n").encode("utf-8")


def compare(base: EvaluationResults, candidate: EvaluationResults, *, gate: Mapping[str, Any]) -> Comparison:
    """Pair both models' samples and decide. Raises PairingProblem when they did not answer the same rows."""
    candidate = _in_order_of(base, candidate)
    metric = BINARY_METRICS[gate["metric"]]
    decision = decide(
        metric=gate["metric"],
        base=[metric(sample.answer, sample.reference) for sample in base.samples],
        candidate=[metric(sample.answer, sample.reference) for sample in candidate.samples],
        margin=gate["margin"],
        confidence=gate["confidence"],
    )
    return Comparison(base=base, candidate=candidate, decision=decision)


def _in_order_of(base: EvaluationResults, candidate: EvaluationResults) -> EvaluationResults:
    """The candidate's results in the order of the base's: a job may write its rows in any order.

    Rows are known by prompt and reference; of a row that comes several times, the first pairs with the first.
    """
    if len(base.samples) != len(candidate.samples):
        msg = f"the base answered {len(base.samples)} rows, the candidate {len(candidate.samples)}"
        raise PairingProblem(msg)
    waiting: dict[tuple[str, str], deque[Sample]] = defaultdict(deque)
    for sample in candidate.samples:
        waiting[sample.prompt, sample.reference].append(sample)
    paired = []
    for number, sample in enumerate(base.samples, start=1):
        same = waiting[sample.prompt, sample.reference]
        if not same:
            msg = f"row {number} of the base has no counterpart of the candidate: {sample.prompt[:80]!r}"
            raise PairingProblem(msg)
        paired.append(same.popleft())
    return EvaluationResults(samples=tuple(paired), aggregates=candidate.aggregates)


def shares(results: EvaluationResults) -> dict[str, float]:
    """The share of rows on which each binary metric holds."""
    rows = len(results.samples)
    return {
        name: sum(metric(sample.answer, sample.reference) for sample in results.samples) / rows
        for name, metric in BINARY_METRICS.items()
    }
