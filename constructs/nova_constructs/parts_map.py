"""A Distributed Map over a list of parts in S3, one function a part; and what a role needs to run it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from nova_constructs.statements import acknowledge_open, allow
from nova_constructs.workflow_states import LAMBDA_RETRIES

PARTS_AT_A_TIME: Final = 100
"""A tenth of the concurrency that an account has for all of its functions, unless it asked for more."""


def parts_map(
    *, bucket: str, task: str, function_arn: str, task_seconds: int, selector: Mapping[str, str]
) -> Mapping[str, Any]:
    """The Distributed Map: items are the lines of the list that `$listed` names, each with its byte ranges.

    `selector` is what a part is told beside itself. A part returns its number alone, so that the results of all stay
    far below the 256 KiB that a state may carry: what was found in it lies in S3, for the state that follows.
    """
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function_arn, "Payload": "{% $states.input %}"},
        "TimeoutSeconds": task_seconds,
        "Retry": list(LAMBDA_RETRIES),
        "Output": "{% $states.result.Payload %}",
        "End": True,
    }
    return {
        "Type": "Map",
        "Label": "Parts",
        "MaxConcurrency": PARTS_AT_A_TIME,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSONL"},
            "Arguments": {
                "Bucket": bucket,
                "Key": "{% $listed.key %}",
                "VersionId": "{% $listed.version %}",
            },
        },
        "ItemSelector": {**selector, "part": "{% $states.context.Map.Item.Value %}"},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": task,
            "States": {task: state},
        },
        "Output": {},
    }


def grant_parts(scope: Construct, role: iam.Role, machine: sfn.StateMachine) -> None:
    """A part is an execution of its own, which the Distributed Map starts in the state machine's name.

    In a policy of its own, because it names the state machine, which waits for the others.
    Source: https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
    """
    executions = Stack.of(scope).format_arn(
        service="states",
        resource="execution",
        resource_name=f"{machine.state_machine_name}:*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    reason = "Step Functions names the execution of a part when it starts it; the state machine is named."
    statements = [
        allow("StartParts", ["states:StartExecution"], [machine.state_machine_arn]),
        allow("FollowParts", ["states:DescribeExecution"], [executions], open_because=reason),
        allow("StopParts", ["states:StopExecution"], [executions], open_because=reason),
    ]
    acknowledge_open(iam.Policy(scope, "Parts", roles=[role], statements=statements), *statements)
