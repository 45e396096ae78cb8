import json

import pytest
from job_archives import evaluation_archive
from memory_stores import MemoryS3

from nova_gate.comparison import PairingProblem
from nova_gate.handler import decide_run
from novaline.evaluation.results import ResultsProblem

GATE = {"evaluation": "holdout", "metric": "exact_match", "margin": 0.02, "confidence": 0.95}
JOBS = [
    {
        "evaluation": "holdout",
        "subject": subject,
        "job_name": f"{subject}-r0-d0",
        "output_path": "s3://artifacts/runs/r/evaluations",
    }
    for subject in ("base", "candidate")
]


def gate(base: list, candidate: list, *, jobs: list = JOBS) -> tuple[dict, MemoryS3]:
    s3 = MemoryS3()
    for subject, rows in (("base", base), ("candidate", candidate)):
        key = f"runs/r/evaluations/{subject}-r0-d0/output/output.tar.gz"
        s3.put_object(Bucket="artifacts", Key=key, Body=evaluation_archive(rows))
    return decide_run({"run": "r", "gate": GATE, "jobs": jobs}, artifact_bucket="artifacts", s3=s3), s3


def rows(answers: str) -> list:
    return [(f"question {number}", "yes", "yes" if mark == "+" else "no") for number, mark in enumerate(answers)]


def test_a_better_candidate_is_accepted_with_its_evidence():
    summary, s3 = gate(rows("-" * 60 + "+" * 20), rows("+" * 75 + "-" * 5))
    assert summary["accepted"]
    assert summary["base"]["exact_match"] == 0.25
    assert len(json.dumps(summary)) < 2048
    evidence = json.loads(s3.objects["artifacts", "runs/r/gate.json"][0])
    assert evidence["counts"] == {"both_right": 15, "only_candidate": 60, "only_base": 5, "both_wrong": 0}
    assert evidence["job_aggregates"]["base"] == {"exact_match": 0.5, "exact_match_stderr": 0.1}
    samples = [json.loads(line) for line in s3.objects["artifacts", "runs/r/samples.jsonl"][0].splitlines()]
    assert samples[0] == {
        "row": 0,
        "prompt": "question 0",
        "reference": "yes",
        "base": "no",
        "candidate": "yes",
        "base_right": False,
        "candidate_right": True,
    }


def test_an_equal_candidate_is_not_accepted():
    summary, _ = gate(rows("+-" * 40), rows("+-" * 40))
    assert not summary["accepted"]


def test_different_numbers_of_rows_cannot_be_paired():
    with pytest.raises(PairingProblem, match="the base answered 3 rows, the candidate 2"):
        gate(rows("+++"), rows("++"))


def test_rows_in_another_order_are_paired_by_what_they_ask():
    _, s3 = gate(rows("+--"), list(reversed(rows("--+"))))
    samples = [json.loads(line) for line in s3.objects["artifacts", "runs/r/samples.jsonl"][0].splitlines()]
    assert [(s["prompt"], s["base_right"], s["candidate_right"]) for s in samples] == [
        ("question 0", True, False),
        ("question 1", False, False),
        ("question 2", False, True),
    ]


def test_other_rows_cannot_be_paired():
    with pytest.raises(PairingProblem, match="row 2 of the base has no counterpart"):
        gate(rows("+++"), [*rows("+")[:1], *rows("++++")[2:]])


def test_a_missing_evaluation_job_is_named():
    with pytest.raises(ResultsProblem, match="0 jobs for evaluation holdout of the candidate"):
        gate(rows("+"), rows("+"), jobs=JOBS[:1])
