"""The state machine that inspects datasets in S3: list, inspect the parts beside each other, merge."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from nova_constructs.dataset_functions import FUNCTION_MINUTES, DatasetFunctions
from nova_constructs.machine_settings import (
    encrypt_execution_data,
    grant_observation,
    machine_role,
    observe_and_encrypt,
)
from nova_constructs.statements import acknowledge_open, allow, grant
from nova_constructs.workflow_states import LAMBDA_RETRIES, States

TIMEOUT_HOURS: Final = 12
PARTS_AT_A_TIME: Final = 100
"""A tenth of the concurrency that an account has for all of its functions, unless it asked for more."""

_TASK_SECONDS: Final = FUNCTION_MINUTES * 60 + 30
_INPUT: Final = "$states.context.Execution.Input"


class DatasetInspection(Construct):
    """One Step Functions state machine that validates datasets with a Distributed Map over objects and byte ranges.

    Input: ``{"inspection", "sources", "held_out", "options"}``; output: ``{"report", "rows", "errors", "warnings"}``,
    where the report is the URI of a document in `artifacts`. Errors: those of `nova_inspect.handler`, and whatever
    Lambda says of a part that could not be inspected. It reads `data`, and writes below `inspections/` and, what may be
    deleted soon, `scratch/inspections/` in `artifacts`. `state_machine` and `functions` are public.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        data: s3.IBucket,
        artifacts: s3.IBucket,
        key: kms.IKey,
        libraries: Path,
        log_retention: logs.RetentionDays,
        log_removal: RemovalPolicy = RemovalPolicy.DESTROY,
    ) -> None:
        super().__init__(scope, construct_id)
        self.functions = DatasetFunctions(
            self,
            "Functions",
            data=data,
            artifacts=artifacts,
            key=key,
            libraries=libraries,
            log_retention=log_retention,
            log_removal=log_removal,
        )
        self.log_group = logs.LogGroup(
            self, "Logs", encryption_key=key, retention=log_retention, removal_policy=log_removal
        )
        self.role = machine_role(self, description="Inspects datasets: invokes the functions that list, inspect, merge")
        grant(
            self.role,
            allow(
                "InvokeFunctions",
                ["lambda:InvokeFunction"],
                [function.function.function_arn for function in self.functions.all],
            ),
            *self.functions.read_parts(),
            encrypt_execution_data(Stack.of(self), key),
        )
        grant_observation(self.role)
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            definition_body=sfn.DefinitionBody.from_chainable(self._chain(artifacts.bucket_name)),
            query_language=sfn.QueryLanguage.JSONATA,
            # Immutable, so that the statements stay those that are written here.
            role=iam.Role.from_role_arn(self, "ExecutionRole", self.role.role_arn, mutable=False),
            timeout=Duration.hours(TIMEOUT_HOURS),
            comment="Validate datasets in S3: list, inspect the parts beside each other, merge",
        )
        # Before the first execution everything must be granted.
        policies = [child for child in self.role.node.children if isinstance(child, iam.Policy)]
        self.state_machine.node.add_dependency(*policies)
        observe_and_encrypt(self.state_machine, key=key, log_group=self.log_group)
        self._grant_parts()

    def _grant_parts(self) -> None:
        """A part is an execution of its own, which the Distributed Map starts in the state machine's name.

        In a policy of its own, because it names the state machine, which waits for the others.
        Source: https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
        """
        executions = Stack.of(self).format_arn(
            service="states",
            resource="execution",
            resource_name=f"{self.state_machine.state_machine_name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        reason = "Step Functions names the execution of a part when it starts it; the state machine is named."
        statements = [
            allow("StartParts", ["states:StartExecution"], [self.state_machine.state_machine_arn]),
            allow("FollowParts", ["states:DescribeExecution"], [executions], open_because=reason),
            allow("StopParts", ["states:StopExecution"], [executions], open_because=reason),
        ]
        acknowledge_open(iam.Policy(self, "Parts", roles=[self.role], statements=statements), *statements)

    def _chain(self, artifact_bucket: str) -> sfn.Chain:
        """Named tasks, as in the customization workflow; `$listed` is what List returned."""
        states = States(self)
        listing = states.task(
            "List parts",
            resource="lambda:invoke",
            arguments={
                "FunctionName": self.functions.list.function.function_arn,
                "Payload": f"{{% {_INPUT} %}}",
            },
            timeout=_TASK_SECONDS,
            retries=LAMBDA_RETRIES,
            assign={"listed": "{% $states.result.Payload %}"},
            output={},
        )
        merge = states.task(
            "Merge",
            resource="lambda:invoke",
            arguments={
                "FunctionName": self.functions.merge.function.function_arn,
                "Payload": f"{{% $merge([{_INPUT}, {{'listed': $listed}}]) %}}",
            },
            timeout=_TASK_SECONDS,
            retries=LAMBDA_RETRIES,
            output="{% $states.result.Payload %}",
        )
        inspect = sfn.CustomState(self, "Inspect parts", state_json=self._inspect_parts(artifact_bucket))
        return sfn.Chain.start(listing).next(inspect).next(merge)

    def _inspect_parts(self, artifact_bucket: str) -> Mapping[str, Any]:
        """The Distributed Map: items are the lines of the list of parts, each with up to 128 MiB of byte ranges.

        A part returns its number alone, so that the results of all stay far below the 256 KiB that a state may carry:
        what was found in it lies in S3, for Merge.
        """
        inspect = {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {
                "FunctionName": self.functions.inspect.function.function_arn,
                "Payload": "{% $states.input %}",
            },
            "TimeoutSeconds": _TASK_SECONDS,
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
                    "Bucket": artifact_bucket,
                    "Key": "{% $listed.key %}",
                    "VersionId": "{% $listed.version %}",
                },
            },
            "ItemSelector": {
                "inspection": f"{{% {_INPUT}.inspection %}}",
                "part": "{% $states.context.Map.Item.Value %}",
            },
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Inspect part",
                "States": {"Inspect part": inspect},
            },
            "Output": {},
        }
