"""Collect a training job's checkpoint.

Input: ``{"run", "stage", "job_name", "output_path", "evaluations"}``; output_path is the request's S3OutputPath, and
only the last stage comes with evaluations.
Output: ``{"checkpoint", "jobs"}``: the escrow URI, and the evaluation jobs of base and candidate.
Errors: ``CheckpointMissing``.
Writes ``checkpoints/<stage>.json`` and the candidate's ``recipe.yaml`` into the run's folder.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import IO, TYPE_CHECKING, Any, cast

from nova_collect.checkpoint import escrow_checkpoint, evaluation_jobs, fill_recipe, read_manifest
from novaline.s3_uri import join_s3_uri, split_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@cache
def _s3() -> S3Client:
    import boto3  # noqa: PLC0415 - the runtime's own; imported when first needed

    return boto3.client("s3")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point."""
    return collect(event, account=os.environ["ACCOUNT"], artifact_bucket=os.environ["ARTIFACT_BUCKET"], s3=_s3())


def collect(event: dict[str, Any], *, account: str, artifact_bucket: str, s3: S3Client) -> dict[str, Any]:
    """Stream the manifest out of the job's archive, check the checkpoint, record it, and write what depends on it."""
    archive = join_s3_uri(event["output_path"].removeprefix("s3://"), event["job_name"], "output/output.tar.gz")
    bucket, key = split_s3_uri(archive)
    manifest = read_manifest(cast("IO[bytes]", s3.get_object(Bucket=bucket, Key=key)["Body"]), name=archive)
    checkpoint = escrow_checkpoint(manifest, account=account, name=archive)
    record = {"stage": event["stage"], "job": event["job_name"], "checkpoint": checkpoint, "manifest": manifest}
    s3.put_object(
        Bucket=artifact_bucket,
        Key=f"runs/{event['run']}/checkpoints/{event['stage']}.json",
        Body=json.dumps(record, indent=2, sort_keys=True).encode(),
        ContentType="application/json",
    )
    for evaluation in event["evaluations"]:
        _write_recipe(evaluation["candidate"], checkpoint=checkpoint, s3=s3)
    return {"checkpoint": checkpoint, "jobs": evaluation_jobs(event["evaluations"], checkpoint=checkpoint)}


def _write_recipe(candidate: dict[str, Any], *, checkpoint: str, s3: S3Client) -> None:
    bucket, key = split_s3_uri(candidate["recipe_template"])
    template = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8")
    bucket, key = split_s3_uri(candidate["recipe"])
    recipe = fill_recipe(template, checkpoint=checkpoint)
    s3.put_object(Bucket=bucket, Key=key, Body=recipe.encode("utf-8"), ContentType="application/yaml")
