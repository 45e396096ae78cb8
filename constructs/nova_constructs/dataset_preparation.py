"""The state machine that prepares datasets in S3: find, go over the parts beside each other, join."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from nova_constructs.dataset_preparation_functions import FUNCTION_MINUTES, PreparationFunctions
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
_PREPARATION: Final = f"{_INPUT}.preparation"


class DatasetPreparation(Construct):
    """One Step Functions state machine that converts datasets with a Distributed Map over objects and byte ranges.

    Input: ``{"preparation", "sources", "output", "options"}``; output: ``{"report", "exit_code"}``, where the report is
    the URI of a document in `artifacts`. What depends on all rows, as exact shares of labels do, is a pass over the
    parts of its own, of which there are four at most. Errors: those of `nova_convert.handler`, and whatever Lambda says
    of a part. It reads `data`, writes below `prepared/` there, deletes nothing, and keeps what it
    needs on its way below `scratch/preparations/` in `artifacts`. `state_machine` and `functions` are public.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        data: s3.IBucket,
        artifacts: s3.IBucket,
        key: kms.IKey,
        libraries: lambda_.ILayerVersion,
        tables: Path,
        log_retention: logs.RetentionDays,
        log_removal: RemovalPolicy = RemovalPolicy.DESTROY,
    ) -> None:
        super().__init__(scope, construct_id)
        self.functions = PreparationFunctions(
            self,
            "Functions",
            data=data,
            artifacts=artifacts,
            key=key,
            libraries=libraries,
            tables=tables,
            log_retention=log_retention,
            log_removal=log_removal,
        )
        self.log_group = logs.LogGroup(
            self, "Logs", encryption_key=key, retention=log_retention, removal_policy=log_removal
        )
        self.role = machine_role(self, description="Prepares datasets: invokes the functions that find, convert, join")
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
            comment="Prepare datasets in S3: find, convert the parts beside each other, join",
        )
        # Before the first execution everything must be granted.
        policies = [child for child in self.role.node.children if isinstance(child, iam.Policy)]
        self.state_machine.node.add_dependency(*policies)
        observe_and_encrypt(self.state_machine, key=key, log_group=self.log_group)
        grant_parts(self, self.role, self.state_machine)

    def _chain(self, artifact_bucket: str) -> sfn.Chain:
        """Named tasks, as in the customization workflow; `$listed` is what Find returned, `$pass` what is next."""
        states = States(self)
        listing = states.task(
            "Find sources",
            resource="lambda:invoke",
            arguments={
                "FunctionName": self.functions.find.function.function_arn,
                "Payload": f"{{% {_INPUT} %}}",
            },
            timeout=_TASK_SECONDS,
            retries=LAMBDA_RETRIES,
            assign={"listed": "{% $states.result.Payload %}", "pass": "{% $states.result.Payload.pass %}"},
            output="{% $states.result.Payload %}",
        )
        convert = sfn.CustomState(
            self,
            "Convert parts",
            state_json=parts_map(
                bucket=artifact_bucket,
                task="Convert part",
                function_arn=self.functions.convert.function.function_arn,
                task_seconds=_TASK_SECONDS,
                selector={"preparation": f"{{% {_PREPARATION} %}}", "pass": "{% $pass %}"},
            ),
        )
        told = f"'preparation': {_PREPARATION}, 'output': {_INPUT}.output, 'listed': $listed, 'pass': $pass"
        join = states.task(
            "Join",
            resource="lambda:invoke",
            arguments={
                "FunctionName": self.functions.join.function.function_arn,
                "Payload": f"{{% {{{told}}} %}}",
            },
            timeout=_TASK_SECONDS,
            retries=LAMBDA_RETRIES,
            assign={"pass": "{% $states.result.Payload.pass %}"},
            output="{% $states.result.Payload %}",
        )
        left = states.choice("Anything left to do?")
        left.when(sfn.Condition.jsonata("{% $pass = 'done' %}"), sfn.Succeed.jsonata(self, "Done")).otherwise(convert)
        convert.next(join).next(left)
        return sfn.Chain.start(listing).next(left)
