"""Closing of runs that did not end by themselves: at once by an event, and by a sweep for what no event told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from nova_constructs.python_function import PythonFunction
from nova_constructs.statements import allow, grant, grant_unscoped, guarded_service
from nova_constructs.workflow_functions import WorkflowStores

SWEEP_MINUTES: Final = 15
"""How long a paid job may outlive its run when the event of the run's end was lost."""

_OPEN_JOB: Final = "A job's name carries the run's content hash and its retries, known only when it starts."
_OPEN_RUN: Final = "A run's folder and its execution are named after the run, which begins later."
_UNENDED: Final = ("ABORTED", "TIMED_OUT", "FAILED")


class RunClosing(Construct):
    """Stops the jobs of a run that was aborted, timed out or could not record its failure; records and tells its end.

    Step Functions stops the job that it waits for as well, and its events are delivered on a best effort: `close` is
    invoked by them, `sweep` every `SWEEP_MINUTES`, which also finds what `close` missed or could not do. Therefore
    neither has a dead-letter queue. `sweep_failing` is an alarm that notifies nobody: it shows in CloudWatch.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_name: str,
        stores: WorkflowStores,
        state_machine: sfn.StateMachine,
        log_retention: logs.RetentionDays,
        log_removal: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self._environment_name = environment_name
        self._stores = stores
        self._state_machine = state_machine
        self._log_retention, self._log_removal = log_retention, log_removal
        self.close = self._function("Close", "Closes a run whose execution was aborted, timed out or failed")
        self.sweep = self._function("Sweep", "Finds jobs and entries that outlived their run, and closes the run")
        self._grant_both()
        grant(
            self.close.role,
            allow(
                "ReadClaim",
                ["s3:GetObject"],
                [stores.artifacts.arn_for_objects("runs/*/claim.json")],
                open_because=_OPEN_RUN,
            ),
            self._use_key("UseKeyThroughS3", "s3", "kms:Decrypt"),
        )
        grant(self.sweep.role, allow("ListRuns", ["states:ListExecutions"], [state_machine.state_machine_arn]))
        self.rule = self._rule()
        self.schedule = self._schedule()
        self.sweep_failing = cloudwatch.Alarm(
            self,
            "SweepFailing",
            metric=self.sweep.function.metric_errors(period=Duration.minutes(SWEEP_MINUTES), statistic="Sum"),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description="A run that ended could not be closed: a job of it may go on, and be paid for",
        )

    def _function(self, name: str, description: str) -> PythonFunction:
        return PythonFunction(
            self,
            name,
            folder="close",
            handler=f"nova_close.handler.{name.lower()}",
            description=description,
            key=self._stores.key,
            log_retention=self._log_retention,
            removal_policy=self._log_removal,
            environment={
                "ENVIRONMENT": self._environment_name,
                "ARTIFACT_BUCKET": self._stores.artifacts.bucket_name,
                "LEDGER_TABLE": self._stores.ledger.table_name,
                "TOPIC_ARN": self._stores.topic.topic_arn,
                "STATE_MACHINE_ARN": self._state_machine.state_machine_arn,
            },
            timeout=Duration.minutes(5),
        )

    def _grant_both(self) -> None:
        stack = Stack.of(self)
        jobs = stack.format_arn(service="sagemaker", resource="training-job", resource_name="*")
        executions = stack.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{self._state_machine.state_machine_name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        of_machine = {"kms:EncryptionContext:aws:states:stateMachineArn": self._state_machine.state_machine_arn}
        of_environment = {"aws:ResourceTag/novaline:environment": self._environment_name}
        key = [self._stores.key.key_arn]
        for made in (self.close, self.sweep):
            role = made.role
            finding = grant_unscoped(
                role,
                "Finding",
                allow("FindJobs", ["sagemaker:ListTrainingJobs"], ["*"]),
                reason="Amazon SageMaker defines no resource for a list of training jobs.",
            )
            made.function.node.add_dependency(finding)
            grant(
                role,
                allow("ReadJobTags", ["sagemaker:ListTags"], [jobs], open_because=_OPEN_JOB),
                allow(
                    "StopJobs",
                    ["sagemaker:StopTrainingJob"],
                    [jobs],
                    conditions={"StringEquals": of_environment},
                    open_because=_OPEN_JOB,
                ),
                allow("ReadExecutions", ["states:DescribeExecution"], [executions], open_because=_OPEN_RUN),
                allow("DecryptExecutions", ["kms:Decrypt"], key, conditions={"StringEquals": of_machine}),
                allow("CloseEntries", ["dynamodb:GetItem", "dynamodb:UpdateItem"], [self._stores.ledger.table_arn]),
                self._use_key(
                    "UseLedgerKey", "dynamodb", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"
                ),
                allow("Notify", ["sns:Publish"], [self._stores.topic.topic_arn]),
                self._use_key("UseTopicKey", "sns", "kms:Decrypt", "kms:GenerateDataKey"),
            )

    def _use_key(self, sid: str, service: str, *actions: str) -> iam.PolicyStatement:
        """The key, through one service only."""
        via = {"kms:ViaService": f"{service}.{Stack.of(self).region}.amazonaws.com"}
        return allow(sid, actions, [self._stores.key.key_arn], conditions={"StringEquals": via})

    def _rule(self) -> events.CfnRule:
        pattern: Mapping[str, Sequence[str] | Mapping[str, Sequence[str]]] = {
            "source": ["aws.states"],
            "detail-type": ["Step Functions Execution Status Change"],
            "detail": {"stateMachineArn": [self._state_machine.state_machine_arn], "status": list(_UNENDED)},
        }
        rule = events.CfnRule(
            self,
            "Ended",
            description="Executions of the workflow that ended without success",
            event_pattern=pattern,
            targets=[events.CfnRule.TargetProperty(id="Close", arn=self.close.function.function_arn)],
        )
        lambda_.CfnPermission(
            self,
            "EndedPermission",
            action="lambda:InvokeFunction",
            function_name=self.close.function.function_arn,
            principal="events.amazonaws.com",
            source_account=Stack.of(self).account,
            source_arn=rule.attr_arn,
        )
        return rule

    def _schedule(self) -> scheduler.CfnSchedule:
        stack = Stack.of(self)
        group = stack.format_arn(service="scheduler", resource="schedule-group", resource_name="default")
        role = iam.Role(
            self,
            "ScheduleRole",
            # The group and not the schedule: that is what EventBridge Scheduler sends as the source.
            assumed_by=guarded_service("scheduler.amazonaws.com", account=stack.account, source_arn=group),
            description="Invokes the sweep of runs",
        )
        grant(role, allow("InvokeSweep", ["lambda:InvokeFunction"], [self.sweep.function.function_arn]))
        schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            description="Sweeps up jobs and entries that outlived their run",
            schedule_expression=f"rate({SWEEP_MINUTES} minutes)",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self.sweep.function.function_arn,
                role_arn=role.role_arn,
                input="{}",
                # The next sweep does what this one could not.
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=SWEEP_MINUTES * 60, maximum_retry_attempts=2
                ),
            ),
        )
        schedule.node.add_dependency(role.node.find_child("DefaultPolicy"))
        return schedule
