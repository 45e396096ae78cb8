"""The documents that end a run: its summary, and its items in the ledger. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any


def summary(event: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """What a person, or ``novaline status``, reads first about a finished run."""
    return {
        "run": event["run"],
        "name": event["name"],
        "model": event["model"],
        "status": event["status"],
        "finished": _stamp(now),
        "checkpoint": event["checkpoint"],
        "gate": event["gate"],
        "deployment": event.get("deployment"),
        "expires": expiry(event, now=now),
        "verification": event.get("verification"),
    }


def expiry(event: Mapping[str, Any], *, now: datetime) -> str | None:
    """When the deployment's time to live ends, as an ISO 8601 time in UTC; None when it is kept or there is none."""
    hours = (event.get("deployment") or {}).get("time_to_live_hours")
    return None if hours is None else _stamp(now + timedelta(hours=hours))


def run_update(event: Mapping[str, Any], *, summary_uri: str, now: datetime) -> dict[str, Any]:
    """UpdateItem of the run's own entry: its outcome, beside what was recorded when it started."""
    return {
        "Key": {"run": {"S": event["run"]}, "entry": {"S": "run"}},
        "UpdateExpression": "SET #status = :status, finished = :finished, summary = :summary, verdict = :verdict",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {
            ":status": {"S": event["status"]},
            ":finished": {"S": _stamp(now)},
            ":summary": {"S": summary_uri},
            ":verdict": {"S": event["gate"]["verdict"]},
        },
    }


def deployment_item(event: Mapping[str, Any], *, summary_uri: str, now: datetime) -> dict[str, Any]:
    """The entry that says which run stands behind a deployment since when."""
    deployment = event["deployment"]
    item = {
        "run": {"S": f"deployment#{deployment['name']}"},
        "entry": {"S": event["run"]},
        "deployment_arn": {"S": deployment["arn"]},
        "model_arn": {"S": deployment["model_arn"]},
        "since": {"S": _stamp(now)},
        "summary": {"S": summary_uri},
    }
    expires = expiry(event, now=now)
    return item if expires is None else {**item, "expires": {"S": expires}}


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
