"""The customization state machine: its definition, its role, and what that role may do, one statement a purpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from nova_constructs.customization_chain import CustomizationChain
from nova_constructs.machine_settings import (
    encrypt_execution_data,
    grant_observation,
    machine_role,
    observe_and_encrypt,
)
from nova_constructs.serving_states import Places
from nova_constructs.statements import allow, grant, grant_unscoped
from nova_constructs.workflow_functions import JobRoles, WorkflowFunctions, WorkflowStores

TIMEOUT_DAYS: Final = 14
"""A training job of five days, its evaluations, and the longest waits for capacity fit in; a hung run does not."""

_OPEN_JOB: Final = "A job's name carries the run's content hash and its retries, known only when it starts."
_OPEN_MODEL: Final = "Bedrock gives a model or a deployment its ARN when a run creates it."


class CustomizationWorkflow(Construct):
    """One Step Functions state machine that runs customizations, with logging, tracing, a timeout and its own KMS key.

    Start it with ``{"run", "claim": {"uri", "version_id", "sha256"}}``; see `customization_chain` for what it does,
    returns and raises. `reward_arns` are the reward functions that a stage may train with. `state_machine` and
    `functions` are public.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_name: str,
        stores: WorkflowStores,
        roles: JobRoles,
        budget_usd_per_run: float,
        log_retention: logs.RetentionDays,
        reward_arns: Sequence[str] = (),
        log_removal: RemovalPolicy = RemovalPolicy.DESTROY,
    ) -> None:
        super().__init__(scope, construct_id)
        self._stores = stores
        self._roles = roles
        self.functions = WorkflowFunctions(
            self,
            "Functions",
            environment_name=environment_name,
            stores=stores,
            roles=roles,
            reward_arns=reward_arns,
            budget_usd_per_run=budget_usd_per_run,
            log_retention=log_retention,
            log_removal=log_removal,
        )
        self.log_group = logs.LogGroup(
            self, "Logs", encryption_key=stores.key, retention=log_retention, removal_policy=log_removal
        )
        self.role = self._role()
        chain = CustomizationChain(
            self,
            functions=self.functions,
            places=Places(
                table_name=stores.ledger.table_name,
                topic_arn=stores.topic.topic_arn,
                key_arn=stores.key.key_arn,
                import_role_arn=roles.model_import.role_arn,
                environment_name=environment_name,
            ),
        )
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            definition_body=sfn.DefinitionBody.from_chainable(chain.start),
            query_language=sfn.QueryLanguage.JSONATA,
            # Immutable, so that the statements stay those that are written here.
            role=iam.Role.from_role_arn(self, "ExecutionRole", self.role.role_arn, mutable=False),
            timeout=Duration.days(TIMEOUT_DAYS),
            comment="Customize an Amazon Nova model: train, evaluate, gate, deploy, verify, register",
        )
        # Before the first run everything must be granted.
        policies = [child for child in self.role.node.children if isinstance(child, iam.Policy)]
        self.state_machine.node.add_dependency(*policies)
        observe_and_encrypt(self.state_machine, key=stores.key, log_group=self.log_group)

    def _role(self) -> iam.Role:
        role = machine_role(
            self,
            description="Runs customizations: invokes the workflow's functions, SageMaker jobs and Bedrock imports",
        )
        grant(role, *self._run_statements(), *self._job_statements(), *self._key_statements())
        self._grant_bedrock(role)
        grant_observation(role)
        return role

    def _run_statements(self) -> Sequence[iam.PolicyStatement]:
        return (
            allow(
                "InvokeFunctions",
                ["lambda:InvokeFunction"],
                [function.function.function_arn for function in self.functions.all],
            ),
            allow("RecordRuns", ["dynamodb:PutItem", "dynamodb:UpdateItem"], [self._stores.ledger.table_arn]),
            allow("Notify", ["sns:Publish"], [self._stores.topic.topic_arn]),
        )

    def _job_statements(self) -> Sequence[iam.PolicyStatement]:
        stack = Stack.of(self)
        jobs = stack.format_arn(service="sagemaker", resource="training-job", resource_name="*")
        rule = stack.format_arn(
            service="events", resource="rule", resource_name="StepFunctionsGetEventsForSageMakerTrainingJobsRule"
        )
        return (
            allow(
                "RunTrainingJobs",
                ["sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob"],
                [jobs],
                open_because=_OPEN_JOB,
            ),
            allow("StopTrainingJobs", ["sagemaker:StopTrainingJob"], [jobs], open_because=_OPEN_JOB),
            allow("TagTrainingJobs", ["sagemaker:AddTags"], [jobs], open_because=_OPEN_JOB),
            allow("WatchTrainingJobs", ["events:DescribeRule", "events:PutRule", "events:PutTargets"], [rule]),
            allow(
                "PassJobRoles",
                ["iam:PassRole"],
                [self._roles.training.role_arn, self._roles.evaluation.role_arn],
                conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            ),
            allow(
                "PassImportRole",
                ["iam:PassRole"],
                [self._roles.model_import.role_arn],
                conditions={"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}},
            ),
        )

    def _key_statements(self) -> Sequence[iam.PolicyStatement]:
        """The one key, for each service that uses it on the role's behalf."""
        stack = Stack.of(self)
        key = [self._stores.key.key_arn]

        def through(service: str) -> dict[str, dict[str, object]]:
            return {"StringEquals": {"kms:ViaService": f"{service}.{stack.region}.amazonaws.com"}}

        return (
            encrypt_execution_data(stack, self._stores.key),
            allow(
                "UseLedgerKey",
                ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
                key,
                conditions=through("dynamodb"),
            ),
            allow("UseTopicKey", ["kms:Decrypt", "kms:GenerateDataKey"], key, conditions=through("sns")),
            allow(
                "EncryptImportedModel",
                ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
                key,
                conditions=through("bedrock"),
            ),
        )

    def _grant_bedrock(self, role: iam.Role) -> None:
        stack = Stack.of(self)
        models = stack.format_arn(service="bedrock", resource="custom-model", resource_name="*")
        deployments = stack.format_arn(service="bedrock", resource="custom-model-deployment", resource_name="*")
        grant(
            role,
            allow("DescribeModel", ["bedrock:GetCustomModel"], [models], open_because=_OPEN_MODEL),
            allow("TagModelAndDeployment", ["bedrock:TagResource"], [models, deployments], open_because=_OPEN_MODEL),
            allow(
                "DeployModel",
                ["bedrock:CreateCustomModelDeployment", "bedrock:UpdateCustomModelDeployment"],
                [models, deployments],
                open_because=_OPEN_MODEL,
            ),
            allow(
                "DescribeDeployment",
                ["bedrock:GetCustomModelDeployment"],
                [deployments],
                open_because=_OPEN_MODEL,
            ),
        )
        grant_unscoped(
            role,
            "Import",
            allow("ImportModel", ["bedrock:CreateCustomModel", "bedrock:ListCustomModelDeployments"], ["*"]),
            reason="A model gets its ARN by CreateCustomModel, which AWS's own policies for Nova grant on *; "
            "a list has no resource.",
        )
