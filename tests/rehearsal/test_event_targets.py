"""Deliveries of the embedded AWS: a rule needs the function's permission, a schedule its role's."""

import json

import pytest

from novaline.rehearsal import event_targets
from novaline.rehearsal.aws_call import AwsError
from novaline.rehearsal.clients import Credentials

FUNCTION = "arn:aws:lambda:us-east-1:111111111111:function:f"
ROLE = "arn:aws:iam::111111111111:role/schedule"
RULE = {"Arn": "arn:aws:events:us-east-1:111111111111:rule/ended", "EventBusName": "default"}
SCHEDULE = {"Arn": "arn:aws:scheduler:us-east-1:111111111111:schedule/default/sweep", "GroupName": "default"}


class Roles:
    account = "111111111111"

    def __init__(self, *denied: str) -> None:
        self.denied = denied
        self.asked: list[tuple[str, ...]] = []

    def check_trust(self, role_arn, service_principal, source_arn=None):
        self.ask("trust", role_arn, service_principal, source_arn)

    def session(self, role_arn, service_principal):
        return Credentials(access_key_id=f"key of {role_arn}", secret_access_key="s")

    def require_of_key(self, access_key, action, resource, context=None):
        self.ask(action, access_key, resource)

    def ask(self, what, *words):
        self.asked.append((what, *words))
        if what in self.denied:
            raise AwsError("AccessDenied", f"no {what}")


def test_a_schedule_invokes_a_function_under_its_role_for_its_group():
    roles = Roles()
    assert event_targets.refusal(roles, {"Arn": FUNCTION, "RoleArn": ROLE}, SCHEDULE) is None
    group = "arn:aws:scheduler:us-east-1:111111111111:schedule-group/default"
    assert roles.asked == [
        ("trust", ROLE, "scheduler.amazonaws.com", group),
        ("lambda:InvokeFunction", f"key of {ROLE}", FUNCTION),
    ]


@pytest.mark.parametrize("denied", ["trust", "lambda:InvokeFunction"])
def test_a_schedule_without_either_invokes_nothing(denied):
    assert event_targets.refusal(Roles(denied), {"Arn": FUNCTION, "RoleArn": ROLE}, SCHEDULE) == f"no {denied}"


@pytest.mark.parametrize("allowed", [True, False])
def test_a_rule_is_asked_for_by_the_functions_own_policy(monkeypatch, allowed):
    asked = []
    monkeypatch.setattr(event_targets.host, "function_allows", lambda *given: asked.append(given) or allowed)
    said = event_targets.refusal(Roles(), {"Arn": FUNCTION}, RULE)
    context = {"aws:SourceArn": RULE["Arn"], "aws:SourceAccount": "111111111111"}
    assert asked == [(FUNCTION, "events.amazonaws.com", context)]
    assert (said is None) == allowed


def test_targets_that_are_no_functions_are_left_to_the_emulator():
    assert event_targets.refusal(Roles("trust"), {"Arn": "arn:aws:sqs:us-east-1:111111111111:q"}, RULE) is None


def test_a_schedule_that_comes_due_reaches_its_target(aws):
    queue = aws.emulator.client("sqs").create_queue(QueueName="due")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:111111111111:due"
    scheduler = aws.emulator.client("scheduler")
    scheduler.create_schedule(
        Name="due",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": ROLE, "Input": json.dumps({"due": True})},
    )
    try:
        aws.emulator.fire_schedules()
        found = aws.emulator.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", [])
        assert [json.loads(message["Body"]) for message in found] == [{"due": True}]
    finally:
        scheduler.delete_schedule(Name="due")
