"""What every state machine here has: a guarded role, delivered logs, traces, and a history under the one key."""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from nova_constructs.statements import NamedStatement, allow, grant_unscoped, guarded_service


def machine_role(scope: Construct, *, description: str) -> iam.Role:
    """A role for the state machines of this account and region; it may do nothing yet."""
    return iam.Role(
        scope,
        "Role",
        assumed_by=guarded_service(
            "states.amazonaws.com", account=Stack.of(scope).account, source_arn=_machines(Stack.of(scope))
        ),
        description=description,
    )


def grant_observation(role: iam.Role) -> None:
    """Lets the role deliver an execution's logs and send its traces."""
    grant_unscoped(
        role,
        "LogDelivery",
        allow(
            "DeliverLogs",
            [
                "logs:CreateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:DescribeLogGroups",
                "logs:DescribeResourcePolicies",
                "logs:GetLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:UpdateLogDelivery",
            ],
            ["*"],
        ),
        reason="CloudWatch Logs defines no resource for log delivery; Step Functions documents these actions on *.",
    )
    grant_unscoped(
        role,
        "Tracing",
        allow(
            "SendTraces",
            [
                "xray:GetSamplingRules",
                "xray:GetSamplingTargets",
                "xray:PutTelemetryRecords",
                "xray:PutTraceSegments",
            ],
            ["*"],
        ),
        reason="AWS X-Ray defines no resource for these actions; Step Functions documents them on *.",
    )


def encrypt_execution_data(stack: Stack, key: kms.IKey) -> NamedStatement:
    """The key, for the history of an execution: with the encryption context of a state machine."""
    return allow(
        "EncryptExecutionData",
        ["kms:Decrypt", "kms:GenerateDataKey"],
        [key.key_arn],
        conditions={"StringLike": {"kms:EncryptionContext:aws:states:stateMachineArn": _machines(stack)}},
    )


def observe_and_encrypt(machine: sfn.StateMachine, *, key: kms.IKey, log_group: logs.ILogGroup) -> None:
    """Set on the resource itself: the construct's own options would add nameless statements to the role."""
    resource = machine.node.default_child
    assert isinstance(resource, sfn.CfnStateMachine)
    resource.tracing_configuration = sfn.CfnStateMachine.TracingConfigurationProperty(enabled=True)
    resource.encryption_configuration = sfn.CfnStateMachine.EncryptionConfigurationProperty(
        type="CUSTOMER_MANAGED_KMS_KEY", kms_key_id=key.key_arn, kms_data_key_reuse_period_seconds=300
    )
    # Without execution data: inputs and outputs may quote datasets, and stay in the execution's encrypted history.
    resource.logging_configuration = sfn.CfnStateMachine.LoggingConfigurationProperty(
        destinations=[
            sfn.CfnStateMachine.LogDestinationProperty(
                cloud_watch_logs_log_group=sfn.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                    log_group_arn=log_group.log_group_arn
                )
            )
        ],
        include_execution_data=False,
        level="ALL",
    )


def _machines(stack: Stack) -> str:
    return stack.format_arn(
        service="states", resource="stateMachine", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
