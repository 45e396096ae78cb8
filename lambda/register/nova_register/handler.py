"""Write a run's summary and close its entry in the ledger.

Input: ``{"run", "name", "model", "status": "deployed" | "rejected" | "evaluated", "checkpoint", "gate",
"deployment"?, "verification"?}``.
Output: ``{"summary": "s3://…/summary.json"}``.
Writes ``summary.json`` into the run's folder, the entry ``run`` of the run, and for a deployment the entry of this run
under ``deployment#<name>``, which tells what has stood behind a deployment since when, and on what evidence.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from nova_register.records import deployment_item, run_update, summary
from novaline.s3_uri import join_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client


@cache
def _clients() -> tuple[S3Client, DynamoDBClient]:
    import boto3  # noqa: PLC0415 - the runtime's own; imported when first needed

    return boto3.client("s3"), boto3.client("dynamodb")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point."""
    s3, dynamodb = _clients()
    return register(
        event,
        artifact_bucket=os.environ["ARTIFACT_BUCKET"],
        table=os.environ["LEDGER_TABLE"],
        now=datetime.now(UTC),
        s3=s3,
        dynamodb=dynamodb,
    )


def register(
    event: dict[str, Any],
    *,
    artifact_bucket: str,
    table: str,
    now: datetime,
    s3: S3Client,
    dynamodb: DynamoDBClient,
) -> dict[str, Any]:
    """Summary first, ledger second: an entry that says "deployed" always has its summary."""
    key = f"runs/{event['run']}/summary.json"
    body = json.dumps(summary(event, now=now), indent=2, ensure_ascii=False).encode("utf-8")
    s3.put_object(Bucket=artifact_bucket, Key=key, Body=body, ContentType="application/json")
    uri = join_s3_uri(artifact_bucket, key)
    if event.get("deployment"):
        dynamodb.put_item(TableName=table, Item=deployment_item(event, summary_uri=uri, now=now))
    dynamodb.update_item(TableName=table, **run_update(event, summary_uri=uri, now=now))
    return {"summary": uri}
