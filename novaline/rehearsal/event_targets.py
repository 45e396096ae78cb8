"""Who may invoke the target of a rule or a schedule: MiniStack asks nobody, AWS asks the function or the role.

A rule invokes a function as events.amazonaws.com, which the function's own policy must allow for that rule. A schedule
invokes it under the role that it names, which EventBridge Scheduler assumes for the group of the schedule.
Sources: EventBridge User Guide, "Resource-based policies"; EventBridge Scheduler User Guide, "Confused deputy".
"""

from collections.abc import Mapping
from typing import Any, Protocol

from novaline.rehearsal import ministack_host as host
from novaline.rehearsal.aws_call import AwsError
from novaline.rehearsal.clients import Credentials

EVENTS = "events.amazonaws.com"
SCHEDULER = "scheduler.amazonaws.com"


class Roles(Protocol):
    """What is asked about a schedule's role."""

    @property
    def account(self) -> str:
        """The account."""
        ...

    def check_trust(self, role_arn: str, service_principal: str, source_arn: str | None = None) -> None:
        """Raise AwsError unless the role trusts the service."""
        ...

    def session(self, role_arn: str, service_principal: str) -> Credentials:
        """Credentials under which the service works as that role."""
        ...

    def require_of_key(
        self, access_key: str, action: str, resource: str, context: Mapping[str, str] | None = None
    ) -> None:
        """Raise AwsError unless the holder of the key may do the action."""
        ...


def install(roles: Roles) -> None:
    """Hold deliveries to functions to that. To be called once."""
    host.guard_deliveries(lambda target, source: refusal(roles, target, source))


def refusal(roles: Roles, target: Mapping[str, Any], source: Mapping[str, Any]) -> str | None:
    """Why the rule or schedule may not invoke the target; None if it may, or if the target is no function."""
    function = str(target.get("Arn", ""))
    if ":lambda:" not in function:
        return None
    if "GroupName" in source:  # a schedule; a rule stands on a bus
        return _refusal_of_schedule(roles, function, target, source)
    context = {"aws:SourceArn": str(source.get("Arn", "")), "aws:SourceAccount": roles.account}
    if host.function_allows(function, EVENTS, context):
        return None
    return f"User: {EVENTS} is not authorized to perform: lambda:InvokeFunction on resource: {function}"


def _refusal_of_schedule(
    roles: Roles, function: str, target: Mapping[str, Any], schedule: Mapping[str, Any]
) -> str | None:
    role, arn = str(target.get("RoleArn", "")), str(schedule.get("Arn", ""))
    group = arn.rpartition("/")[0].replace(":schedule/", ":schedule-group/", 1)
    try:
        roles.check_trust(role, SCHEDULER, group)
        roles.require_of_key(roles.session(role, SCHEDULER).access_key_id, "lambda:InvokeFunction", function)
    except AwsError as error:
        return error.message
    return None
