"""The state machine that inspects datasets in S3: list, inspect the parts beside each other, merge."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack
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
from nova_constructs.parts_map import grant_parts, parts_map
from nova_constructs.statements import allow, grant
from nova_constructs.workflow_states import LAMBDA_RETRIES, States

TIMEOUT_HOURS: Final = 12
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
        grant_parts(self, self.role, self.state_machine)

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
        inspect = sfn.CustomState(
            self,
            "Inspect parts",
            state_json=parts_map(
                bucket=artifact_bucket,
                task="Inspect part",
                function_arn=self.functions.inspect.function.function_arn,
                task_seconds=_TASK_SECONDS,
                selector={"inspection": f"{{% {_INPUT}.inspection %}}"},
            ),
        )
        return sfn.Chain.start(listing).next(inspect).next(merge)
