from datetime import timedelta
from types import SimpleNamespace

import pytest
from fake_aws import RESOURCES, T0, Pages, refusal

from novaline.findings import NovalineError
from novaline.runs.listing import newest_runs


def execution(number, status="SUCCEEDED"):
    ended = {} if status == "RUNNING" else {"stopDate": T0 + timedelta(hours=1)}
    return {"name": f"run-{number}", "status": status, "startDate": T0, **ended}


def entry(number, **more):
    item = {"run": {"S": f"run-{number}"}, "entry": {"S": "run"}, "name": {"S": "intents"}, "model": {"S": "nova-lite"}}
    return item | {"worst_case_usd": {"N": "12.5"}} | {name: {"S": value} for name, value in more.items()}


class Ledger:
    """DynamoDB that answers at most three keys of a request at once."""

    def __init__(self, *items):
        self.items = {item["run"]["S"]: item for item in items}
        self.asked = []

    def batch_get_item(self, *, RequestItems):  # noqa: N803 - DynamoDB's name
        ((table, asked),) = RequestItems.items()
        keys = asked["Keys"]
        self.asked.append(len(keys))
        assert 0 < len(keys) <= 100
        found = [self.items[key["run"]["S"]] for key in keys[:3] if key["run"]["S"] in self.items]
        left = {table: {"Keys": keys[3:]}} if keys[3:] else {}
        return {"Responses": {table: found}, "UnprocessedKeys": left}


def listed(executions, ledger, *, limit=20):
    pages = Pages([{"executions": executions[:2]}, {"executions": executions[2:]}])
    clients = SimpleNamespace(states=SimpleNamespace(get_paginator=lambda _: pages), dynamodb=ledger)
    return newest_runs(clients, RESOURCES, limit=limit)


def test_each_run_tells_how_it_stands_and_what_the_ledger_holds_of_it():
    executions = [execution(3, "RUNNING"), execution(2), execution(1, "FAILED")]
    running, rejected, failed = listed(
        executions, Ledger(entry(3, status="running"), entry(2, status="rejected"), entry(1, status="failed"))
    )
    assert (running.status, running.result, running.ended) == ("running", None, None)
    assert (rejected.status, rejected.result, rejected.model) == ("succeeded", "rejected", "nova-lite")
    assert (failed.status, failed.result) == ("failed", None)
    assert rejected.as_json() == {
        "run": "run-2",
        "status": "succeeded",
        "started": "2026-11-20T10:15:00Z",
        "ended": "2026-11-20T11:15:00Z",
        "name": "intents",
        "model": "nova-lite",
        "result": "rejected",
        "worst_case_usd": 12.5,
    }


def test_a_run_that_the_ledger_does_not_know_was_never_admitted():
    (found,) = listed([execution(1, "FAILED")], Ledger())
    assert (found.status, found.name, found.model, found.worst_case_usd) == ("failed", None, None, None)


def test_no_more_are_listed_than_were_asked_for_and_what_dynamodb_leaves_is_asked_again():
    ledger = Ledger(*(entry(number, status="deployed") for number in range(8)))
    found = listed([execution(number) for number in range(8)], ledger, limit=7)
    assert [(one.run, one.result) for one in found] == [(f"run-{number}", "deployed") for number in range(7)]
    assert ledger.asked == [7, 4, 1]


def test_an_environment_without_runs_lists_none():
    assert listed([], Ledger()) == ()


def test_a_refusal_is_told():
    def refuse(**_):
        raise refusal("AccessDeniedException", "not authorized to perform: states:ListExecutions")

    clients = SimpleNamespace(
        states=SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=refuse)), dynamodb=Ledger()
    )
    with pytest.raises(NovalineError, match="ListExecutions"):
        newest_runs(clients, RESOURCES, limit=1)
