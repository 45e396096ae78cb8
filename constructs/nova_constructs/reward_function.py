"""A reward function: the Lambda that scores rollouts while a model is trained by reinforcement."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from nova_constructs.python_function import PythonFunction


class RewardFunction(Construct):
    """Scores batches of rollouts with the named `scoring`. Its role can write logs and traces, and nothing else.

    Event and answer: `lambda/reward/nova_reward/contract.py`. Nova's containers ask that `function_name` contains
    `SageMaker`, and take neither alias nor version. Raises `ValueError` for another name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function_name: str,
        scoring: str,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
        removal_policy: RemovalPolicy,
        timeout: Duration | None = None,
        memory_mb: int = 512,
    ) -> None:
        super().__init__(scope, construct_id)
        if "SageMaker" not in function_name:
            raise ValueError(f"a reward function's name must contain 'SageMaker': {function_name!r} does not")
        scorer = PythonFunction(
            self,
            "Score",
            folder="reward",
            handler="nova_reward.handler.handler",
            description=f"Scores rollouts by {scoring}",
            function_name=function_name,
            key=key,
            log_retention=log_retention,
            removal_policy=removal_policy,
            environment={"SCORING": scoring},
            timeout=timeout if timeout is not None else Duration.minutes(1),
            memory_mb=memory_mb,
        )
        self.function = scorer.function
        self.role = scorer.role
