"""Compare base and candidate on the evaluation that the gate names.

Input: ``{"run", "gate": {"evaluation", "metric", "margin", "confidence"}, "jobs": [{"evaluation", "subject",
"job_name", "output_path"}]}``.
Output: the decision in some kilobytes: accepted, verdict, reason, metric, rows, base and candidate metrics,
difference, p_value; and `measures`, what reward functions and processors said in any evaluation of the run.
Errors: ``ResultsProblem`` (an archive is not what an evaluation writes), ``PairingProblem`` (different rows).
Writes ``gate.json`` (the evidence) and ``samples.jsonl`` (both answers to every row) into the run's folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import IO, TYPE_CHECKING, Any, cast

from nova_gate.comparison import compare
from nova_gate.measures import brief, measures
from novaline.evaluation.results import EvaluationResults, ResultsProblem, read_aggregates, read_results
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
    known = {(gate["evaluation"], "base"): base.aggregates, (gate["evaluation"], "candidate"): candidate.aggregates}
    found = measures(
        event["jobs"], lambda job: known.get((job["evaluation"], job["subject"])) or _aggregates(job, s3=s3)
    )
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
        Body=json.dumps(comparison.evidence(jobs=event["jobs"], measures=found), indent=2, sort_keys=True).encode(),
        ContentType="application/json",
    )
    return {**comparison.summary(), "measures": brief(found)}


def _results(event: dict[str, Any], *, evaluation: str, subject: str, s3: S3Client) -> EvaluationResults:
    jobs = [job for job in event["jobs"] if job["evaluation"] == evaluation and job["subject"] == subject]
    if len(jobs) != 1:
        msg = f"the run has {len(jobs)} jobs for evaluation {evaluation} of the {subject}, expected one"
        raise ResultsProblem(msg)
    archive, body = _archive(jobs[0], s3=s3)
    return read_results(body, name=archive)


def _aggregates(job: Mapping[str, Any], *, s3: S3Client) -> Mapping[str, float]:
    """The aggregates of a job that decides nothing. Raises ResultsProblem, also when its archive cannot be had."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - the runtime's own, as boto3

    try:
        archive, body = _archive(job, s3=s3)
    except ClientError as problem:
        raise ResultsProblem(f"the output of {job['job_name']} cannot be read: {problem}") from problem
    return read_aggregates(body, name=archive)


def _archive(job: Mapping[str, Any], *, s3: S3Client) -> tuple[str, IO[bytes]]:
    archive = join_s3_uri(job["output_path"].removeprefix("s3://"), job["job_name"], "output/output.tar.gz")
    bucket, key = split_s3_uri(archive)
    return archive, cast("IO[bytes]", s3.get_object(Bucket=bucket, Key=key)["Body"])
