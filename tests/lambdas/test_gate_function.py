import json

import pytest
from job_archives import evaluation_archive, tar_gz
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


def of_reward(subject: str) -> dict:
    return {**JOBS[0], "evaluation": "reward", "subject": subject, "job_name": f"reward-{subject}-r0-d0"}


def with_reward(base: bytes | None, candidate: bytes | None) -> tuple[dict, dict]:
    """The decision and the evidence of a run that evaluates its reward as well, from these archives."""
    s3 = MemoryS3()
    archives = {"base-r0-d0": evaluation_archive(rows("+-"), aggregates={"exact_match": 0.5, "polite": 0.25}),
                "candidate-r0-d0": evaluation_archive(rows("++"), aggregates={"exact_match": 1.0, "polite": 0.75}),
                "reward-base-r0-d0": base, "reward-candidate-r0-d0": candidate}  # fmt: skip
    for name, archive in archives.items():
        if archive is not None:
            s3.put_object(Bucket="artifacts", Key=f"runs/r/evaluations/{name}/output/output.tar.gz", Body=archive)
    jobs = [*JOBS, of_reward("base"), of_reward("candidate")]
    summary = decide_run({"run": "r", "gate": GATE, "jobs": jobs}, artifact_bucket="artifacts", s3=s3)
    return summary, json.loads(s3.objects["artifacts", "runs/r/gate.json"][0])


def scores(**aggregates: float) -> bytes:
    """What an evaluation by rewards leaves: its lines are no pairs of answer and reference."""
    table = json.dumps({"results": {"all": aggregates}}).encode()
    lines = b'{"id": "1", "aggregate_reward_score": 1.0}\n'
    return tar_gz({"r/eval_results/inference_output.jsonl": lines, "r/eval_results/results_1.json": table})


def test_what_rewards_and_own_metrics_came_to_travels_with_the_decision():
    summary, evidence = with_reward(
        scores(lambda_reward_score=0.1, lambda_reward_score_stderr=0.01), scores(lambda_reward_score=0.9)
    )
    assert summary["measures"] == {
        "holdout": {"metrics": {"polite": {"base": 0.25, "candidate": 0.75}}},
        "reward": {"metrics": {"lambda_reward_score": {"base": 0.1, "candidate": 0.9}}},
    }
    assert evidence["measures"]["holdout"]["metrics"]["exact_match"] == {"base": 0.5, "candidate": 1.0}
    assert evidence["measures"]["reward"]["metrics"]["lambda_reward_score_stderr"] == {"base": 0.01}


@pytest.mark.parametrize(
    ("candidate", "says"), [(None, "cannot be read"), (b"nothing", "gzipped tar"), (scores(), "with metrics")]
)
def test_an_evaluation_that_decides_nothing_and_cannot_be_read_is_told_and_fails_no_run(candidate, says):
    summary, _ = with_reward(scores(lambda_reward_score=0.1), candidate)
    assert says in summary["measures"]["reward"]["problem"]
    assert summary["measures"]["reward"]["metrics"] == {"lambda_reward_score": {"base": 0.1}}
    assert summary["verdict"]


def test_the_decision_stays_small_however_much_is_measured():
    many = {f"a_metric_with_a_name_of_forty_eight_characters_{number:x}": number / 7 for number in range(100)}
    summary, evidence = with_reward(scores(**many), scores(**many))
    assert len(json.dumps(summary)) < 6 * 1024
    assert len(evidence["measures"]["reward"]["metrics"]) == 100
