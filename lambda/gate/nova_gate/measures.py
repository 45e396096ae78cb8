"""What every evaluation of a run measured of base and candidate, beside what the gate decides on. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from novaline.evaluation.results import ResultsProblem

MOST_IN_SUMMARY: Final = 24
"""Metrics of all evaluations together that travel with the decision; `gate.json` has them all."""
_LONGEST_PROBLEM: Final = 300
OF_THE_TASK: Final = frozenset(
    {"rouge1", "rouge2", "rougeL", "exact_match", "quasi_exact_match", "f1_score", "f1_score_quasi", "bleu"}
)
"""What gen_qa computes by itself; processors and reward functions add to it."""

Measures = dict[str, dict[str, Any]]
"""Evaluation → `metrics` (name → subject → value), and `problem` where the results of a job could not be read."""


def measures(jobs: Sequence[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], Mapping[str, float]]) -> Measures:
    """The aggregates of every job, as `read` gives them.

    They decide nothing, so what cannot be read is told in its place and fails no run.
    """
    found: Measures = {}
    for job in jobs:
        evaluation = found.setdefault(job["evaluation"], {"metrics": {}})
        try:
            aggregates = read(job)
        except ResultsProblem as problem:
            evaluation["problem"] = str(problem)[:_LONGEST_PROBLEM]
            continue
        for name, value in aggregates.items():
            evaluation["metrics"].setdefault(name, {})[job["subject"]] = value
    return found


def brief(found: Measures) -> Measures:
    """The part for the summary: rewards and metrics of one's own, without their standard errors, and not too many."""
    left = MOST_IN_SUMMARY
    short: Measures = {}
    for evaluation, one in found.items():
        own = [name for name in one["metrics"] if name not in OF_THE_TASK and not name.endswith("_stderr")][:left]
        left -= len(own)
        if own or "problem" in one:
            short[evaluation] = {**one, "metrics": {name: one["metrics"][name] for name in own}}
    return short
