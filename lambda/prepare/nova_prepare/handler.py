"""Prepare one stage: its request comes out of the claim, and the checkpoint that it starts from goes into it.

Input: ``{"run", "claim": {"uri", "version_id"}, "stage", "checkpoints": {stage: escrow URI}}``.
Output: ``{"base_name", "request", "next"}``: the training job, and the name of the next stage, "" after the last.
Errors: ``StageNotReady``.
Writes ``recipe.yaml`` of a stage that starts from another one into the run's folder. Admit has held that very version
of the claim against its digest.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from nova_prepare.stage import StageNotReady, checkpoint_for, fill_recipe, fill_request, find
from novaline.s3_uri import split_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@cache
def _s3() -> S3Client:
    import boto3  # noqa: PLC0415 - the runtime's own; imported when first needed

    return boto3.client("s3")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point."""
    return prepare(event, artifact_bucket=os.environ["ARTIFACT_BUCKET"], s3=_s3())


def prepare(event: dict[str, Any], *, artifact_bucket: str, s3: S3Client) -> dict[str, Any]:
    """Read the claim, write the stage's recipe where that had to wait for a checkpoint, and hand its job out."""
    bucket, key = split_s3_uri(event["claim"]["uri"])
    if bucket != artifact_bucket:
        msg = f"the claim lies in {bucket}; this environment reads claims from {artifact_bucket} only"
        raise StageNotReady(msg)
    claim = json.loads(s3.get_object(Bucket=bucket, Key=key, VersionId=event["claim"]["version_id"])["Body"].read())
    entry, following = find(claim, stage=event["stage"])
    job, checkpoint = entry["job"], checkpoint_for(entry, checkpoints=event["checkpoints"])
    if checkpoint is not None:
        _write_recipe(job, checkpoint=checkpoint, stage=entry["name"], s3=s3)
    return {
        "base_name": job["base_name"],
        "request": fill_request(job, checkpoint=checkpoint),
        "next": following,
    }


def _write_recipe(job: dict[str, Any], *, checkpoint: str, stage: str, s3: S3Client) -> None:
    bucket, key = split_s3_uri(job["recipe_template"])
    template = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8")
    recipe = fill_recipe(template, checkpoint=checkpoint, stage=stage)
    bucket, key = split_s3_uri(job["recipe"])
    s3.put_object(Bucket=bucket, Key=key, Body=recipe.encode("utf-8"), ContentType="application/yaml")
