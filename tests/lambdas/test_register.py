import json
from datetime import UTC, datetime

from memory_stores import MemoryS3, MemoryTable

from nova_register.handler import register

NOW = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)
EVENT = {
    "run": "r",
    "name": "intents",
    "model": "nova-micro",
    "status": "rejected",
    "checkpoint": "s3://customer-escrow-111111111111-smtj-0a/x/",
    "gate": {"accepted": False, "verdict": "no difference shown", "reason": "…"},
}
DEPLOYMENT = {
    "arn": "arn:aws:bedrock:us-east-1:111111111111:custom-model-deployment/abcdefabcdef",
    "name": "intents",
    "model_arn": "arn:aws:bedrock:us-east-1:111111111111:custom-model/imported/abcdefabcdef",
    "time_to_live_hours": 72,
}


def run_register(**changes):
    s3, table = MemoryS3(), MemoryTable()
    answer = register({**EVENT, **changes}, artifact_bucket="artifacts", table="ledger", now=NOW, s3=s3, dynamodb=table)
    return answer, json.loads(s3.objects["artifacts", "runs/r/summary.json"][0]), table


def test_a_rejection_is_summed_up_and_recorded_without_a_deployment():
    answer, summary, table = run_register()
    assert answer == {"summary": "s3://artifacts/runs/r/summary.json"}
    assert (summary["status"], summary["deployment"], summary["expires"]) == ("rejected", None, None)
    assert table.puts == []
    values = table.updates[0]["ExpressionAttributeValues"]
    assert (values[":status"], values[":verdict"]) == ({"S": "rejected"}, {"S": "no difference shown"})


def test_a_deployment_is_recorded_with_the_end_of_its_time_to_live():
    _, summary, table = run_register(status="deployed", deployment=DEPLOYMENT, verification={"rows": 5})
    assert summary["expires"] == "2026-11-23T10:15:00+00:00"
    item = table.puts[0]["Item"]
    assert (item["run"], item["entry"]) == ({"S": "deployment#intents"}, {"S": "r"})
    assert item["expires"] == {"S": "2026-11-23T10:15:00+00:00"}


def test_a_deployment_that_is_kept_has_no_end():
    kept = {**DEPLOYMENT, "time_to_live_hours": None}
    _, summary, table = run_register(status="deployed", deployment=kept)
    assert summary["expires"] is None
    assert "expires" not in table.puts[0]["Item"]
