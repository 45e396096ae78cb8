"""Compare base and candidate on the evaluation that the gate names.

Input: ``{"run", "gate": {"evaluation", "metric", "margin", "confidence"}, "jobs": [{"evaluation", "subject",
"job_name", "output_path"}]}``.
Output: the decision in a kilobyte: accepted, verdict, reason, metric, rows, base and candidate metrics,
difference, p_value.
Errors: ``ResultsProblem`` (an archive is not what an evaluation writes), ``PairingProblem`` (different rows).
Writes ``gate.json`` (the evidence) and ``samples.jsonl`` (both answers to every row) into the run's folder.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import IO, TYPE_CHECKING, Any, cast

from nova_gate.comparison import compare
from novaline.evaluation.results import EvaluationResults, ResultsProblem, read_results
from novaline.s3_uri import join_s3_uri, split_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@cache
def _s3() -> S3Client:
    import boto3  # noqa: PLC0415 - the runtime's own; imported when first needed

    return boto3.client("s3")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point."""
    return decide_run(event, artifact_bucket=os.environ["ARTIFACT_BUCKET"], s3=_s3())


def decide_run(event: dict[str, Any], *, artifact_bucket: str, s3: S3Client) -> dict[str, Any]:
    """Read both archives, decide, and write the evidence."""
    gate = event["gate"]
    base = _results(event, evaluation=gate["evaluation"], subject="base", s3=s3)
    candidate = _results(event, evaluation=gate["evaluation"], subject="candidate", s3=s3)
    comparison = compare(base, candidate, gate=gate)
    folder = f"runs/{event['run']}"
    s3.put_object(
        Bucket=artifact_bucket,
        Key=f"{folder}/samples.jsonl",
        Body=comparison.samples_jsonl(),
        ContentType="application/jsonl",
    )
    s3.put_object(
        Bucket=artifact_bucket,
        Key=f"{folder}/gate.json",
        Body=json.dumps(comparison.evidence(jobs=event["jobs"]), indent=2, sort_keys=True).encode(),
        ContentType="application/json",
    )
    return comparison.summary()


def _results(event: dict[str, Any], *, evaluation: str, subject: str, s3: S3Client) -> EvaluationResults:
    jobs = [job for job in event["jobs"] if job["evaluation"] == evaluation and job["subject"] == subject]
    if len(jobs) != 1:
        msg = f"the run has {len(jobs)} jobs for evaluation {evaluation} of the {subject}, expected one"
        raise ResultsProblem(msg)
    job = jobs[0]
    archive = join_s3_uri(job["output_path"].removeprefix("s3://"), job["job_name"], "output/output.tar.gz")
    bucket, key = split_s3_uri(archive)
    return read_results(cast("IO[bytes]", s3.get_object(Bucket=bucket, Key=key)["Body"]), name=archive)
