"""The runs of an environment, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from novaline.requests.resources import Resources
from novaline.runs.clients import Clients
from novaline.runs.problems import explained
from novaline.runs.status import STATES, RunState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_AT_ONCE = 100
"""Keys of one BatchGetItem, by its API reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRun:
    """One run. `name`, `model`, `result` and `worst_case_usd` are the ledger's, None for what it does not hold."""

    run: str
    status: RunState
    started: datetime
    ended: datetime | None
    name: str | None = None
    model: str | None = None
    result: str | None = None
    worst_case_usd: float | None = None

    def as_json(self) -> dict[str, object]:
        """The run as `novaline runs --json` prints it."""
        return {
            "run": self.run,
            "status": self.status,
            "started": _iso(self.started),
            "ended": None if self.ended is None else _iso(self.ended),
            "name": self.name,
            "model": self.model,
            "result": self.result,
            "worst_case_usd": self.worst_case_usd,
        }


def newest_runs(clients: Clients, resources: Resources, *, limit: int) -> tuple[ListedRun, ...]:
    """At most `limit` runs: Step Functions keeps those of the last 90 days."""
    with explained(f"listing the runs of {resources.environment}"):
        found = list(islice(_executions(clients, resources), limit))
        entries = _entries(clients, resources, [execution["name"] for execution in found])
    return tuple(_listed(execution, entries.get(execution["name"], {})) for execution in found)


def _executions(clients: Clients, resources: Resources) -> Iterator[Mapping[str, Any]]:
    pages = clients.states.get_paginator("list_executions").paginate(stateMachineArn=resources.state_machine_arn)
    for page in pages:
        yield from cast("list[dict[str, Any]]", page["executions"])


def _entries(clients: Clients, resources: Resources, runs: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The ledger's entries of these runs, by run; what DynamoDB leaves for later is asked for again."""
    found: dict[str, Mapping[str, Any]] = {}
    keys = [{"run": {"S": run}, "entry": {"S": "run"}} for run in runs]
    while keys:
        asked: Any = {resources.ledger_table: {"Keys": keys[:_AT_ONCE]}}
        answer = clients.dynamodb.batch_get_item(RequestItems=asked)
        found |= {item["run"]["S"]: item for item in answer["Responses"].get(resources.ledger_table, ())}
        later: Any = answer.get("UnprocessedKeys", {})
        keys = [*later.get(resources.ledger_table, {}).get("Keys", ()), *keys[_AT_ONCE:]]
    return found


def _listed(execution: Mapping[str, Any], entry: Mapping[str, Any]) -> ListedRun:
    status, cost = STATES[execution["status"]], entry.get("worst_case_usd", {}).get("N")
    return ListedRun(
        run=execution["name"],
        status=status,
        started=execution["startDate"],
        ended=execution.get("stopDate"),
        name=entry.get("name", {}).get("S"),
        model=entry.get("model", {}).get("S"),
        result=entry.get("status", {}).get("S") if status == "succeeded" else None,
        worst_case_usd=None if cost is None else float(cost),
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
