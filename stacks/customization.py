"""The customization stack of an environment: the roles, reward functions and workflow of a run."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from constructs import Construct

from nova_constructs.customization_workflow import CustomizationWorkflow
from nova_constructs.execution_roles import ExecutionRoles
from nova_constructs.reward_function import RewardFunction
from nova_constructs.workflow_functions import JobRoles
from novaline.environments import Environment
from novaline.environments.names import CUSTOMIZATION, pascal_case, reward_function_name, reward_output
from novaline.recipes.catalogue import catalogue
from stacks.retention import log_retention
from stacks.stores import imported_stores


class Customization(Stack):
    """Execution roles, reward functions, and the workflow that trains, evaluates, gates and deploys."""

    def __init__(self, scope: Construct, *, environment: Environment) -> None:
        super().__init__(
            scope,
            CUSTOMIZATION,
            description=f"Novaline {environment.name}: customization workflow, execution roles and reward functions",
            termination_protection=environment.termination_protection,
            tags=dict(environment.tags),
        )
        self._environment = environment
        self._stores = imported_stores(self, environment=environment.name)
        self._log_retention = log_retention(environment.log_retention_days)
        self._log_removal = RemovalPolicy.RETAIN if environment.retain else RemovalPolicy.DESTROY
        self.roles = ExecutionRoles(
            self,
            "Roles",
            data=self._stores.data,
            artifacts=self._stores.artifacts,
            key=self._stores.key,
            image_account=catalogue().image_accounts()[environment.region],
        )
        self.rewards = {name: self._reward(name) for name in sorted(environment.rewards)}
        self.workflow = CustomizationWorkflow(
            self,
            "Workflow",
            environment_name=environment.name,
            stores=self._stores,
            roles=JobRoles(
                training=self.roles.training,
                evaluation=self.roles.evaluation,
                model_import=self.roles.model_import,
            ),
            budget_usd_per_run=environment.budget_usd_per_run,
            log_retention=self._log_retention,
            log_removal=self._log_removal,
        )
        for output, value in (
            ("StateMachineArn", self.workflow.state_machine.state_machine_arn),
            ("VerifyFunctionArn", self.workflow.functions.verify.function.function_arn),
            ("TrainingRoleArn", self.roles.training.role_arn),
            ("EvaluationRoleArn", self.roles.evaluation.role_arn),
            ("ImportRoleArn", self.roles.model_import.role_arn),
            *((reward_output(name), reward.function.function_arn) for name, reward in self.rewards.items()),
        ):
            CfnOutput(self, output, value=value)

    def _reward(self, name: str) -> RewardFunction:
        settings = self._environment.rewards[name]
        return RewardFunction(
            self,
            f"{pascal_case(name)}Reward",
            function_name=reward_function_name(self._environment.name, name),
            scoring=settings.scoring,
            key=self._stores.key,
            log_retention=self._log_retention,
            removal_policy=self._log_removal,
            timeout=Duration.seconds(settings.timeout_seconds),
            memory_mb=settings.memory_mb,
        )
