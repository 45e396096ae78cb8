"""The customization stack of an environment: the roles, reward functions and workflow of a run, and its closing."""

from __future__ import annotations

from typing import TypeVar

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_logs as logs
from constructs import Construct

from nova_constructs.customization_workflow import CustomizationWorkflow
from nova_constructs.execution_roles import ExecutionRoles
from nova_constructs.processor_function import ProcessorFunction
from nova_constructs.reward_alarms import RewardAlarms
from nova_constructs.reward_function import RewardFunction
from nova_constructs.run_closing import RunClosing
from nova_constructs.scoring_function import ScoringFunction
from nova_constructs.workflow_functions import JobRoles
from novaline.environments import Environment, ProcessorSettings, RewardSettings
from novaline.environments.deployable import DeployedFunction, deployed_processor, deployed_reward
from novaline.environments.names import (
    CUSTOMIZATION,
    pascal_case,
    processor_function_name,
    processor_output,
    reward_function_name,
    reward_output,
)
from novaline.recipes.catalogue import catalogue
from novaline.reward_libraries import deployed_archive
from stacks.retention import log_retention
from stacks.stores import imported_stores

Scoring = TypeVar("Scoring", bound=ScoringFunction)


class Customization(Stack):
    """Execution roles, rewards, processors, and the workflow that trains, evaluates, gates and deploys."""

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
        self.rewards = {name: self._reward(name) for name in sorted(environment.rewards)}
        self.processors = {name: self._processor(name) for name in sorted(environment.processors)}
        self.roles = ExecutionRoles(
            self,
            "Roles",
            data=self._stores.data,
            artifacts=self._stores.artifacts,
            key=self._stores.key,
            image_account=catalogue().image_accounts()[environment.region],
            rewards=[reward.function for reward in self.rewards.values()],
            processors=[processor.function for processor in self.processors.values()],
        )
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
            reward_arns=[reward.function.function_arn for reward in self.rewards.values()],
            budget_usd_per_run=environment.budget_usd_per_run,
            log_retention=self._log_retention,
            log_removal=self._log_removal,
        )
        self.closing = RunClosing(
            self,
            "Closing",
            environment_name=environment.name,
            stores=self._stores,
            state_machine=self.workflow.state_machine,
            log_retention=self._log_retention,
            log_removal=self._log_removal,
        )
        for output, value in (
            ("StateMachineArn", self.workflow.state_machine.state_machine_arn),
            ("VerifyFunctionArn", self.workflow.functions.verify.function.function_arn),
            ("TrainingRoleArn", self.roles.training.role_arn),
            ("EvaluationRoleArn", self.roles.evaluation.role_arn),
            ("ImportRoleArn", self.roles.model_import.role_arn),
            *((reward_output(name), made.function.function_arn) for name, made in self.rewards.items()),
            *((processor_output(name), made.function.function_arn) for name, made in self.processors.items()),
        ):
            CfnOutput(self, output, value=value)

    def _reward(self, name: str) -> RewardFunction:
        made = self._scoring(
            RewardFunction,
            f"{pascal_case(name)}Reward",
            function_name=reward_function_name(self._environment.name, name),
            description=f"Scores rollouts for the reward {name}",
            settings=self._environment.rewards[name],
            deployed=deployed_reward(self._environment, name),
        )
        RewardAlarms(made, "Alarms", reward=name, function=made.function)
        return made

    def _processor(self, name: str) -> ProcessorFunction:
        return self._scoring(
            ProcessorFunction,
            f"{pascal_case(name)}Processor",
            function_name=processor_function_name(self._environment.name, name),
            description=f"Computes metrics for the processor {name}",
            settings=self._environment.processors[name],
            deployed=deployed_processor(self._environment, name),
        )

    def _scoring(
        self,
        kind: type[Scoring],
        construct_id: str,
        *,
        function_name: str,
        description: str,
        settings: RewardSettings | ProcessorSettings,
        deployed: DeployedFunction,
    ) -> Scoring:
        """A function that scores, as the environment declares it."""
        return kind(
            self,
            construct_id,
            function_name=function_name,
            description=description,
            files=deployed.files,
            libraries=None if deployed.pins is None else deployed_archive(deployed.pins),
            models=deployed.models,
            key=self._stores.key,
            log_retention=self._retention(settings),
            removal_policy=self._log_removal,
            timeout=Duration.seconds(settings.timeout_seconds),
            memory_mb=settings.memory_mb,
            concurrency=settings.concurrency,
        )

    def _retention(self, settings: RewardSettings | ProcessorSettings) -> logs.RetentionDays:
        days = settings.log_retention_days
        return self._log_retention if days is None else log_retention(days)
