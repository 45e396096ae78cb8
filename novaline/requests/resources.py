"""The AWS resources of one environment that a run's requests name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

from novaline.environments.names import processor_function_name, reward_function_name

if TYPE_CHECKING:
    from novaline.environments import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Names and ARNs that the stacks of one environment export. Values only: nothing here calls AWS."""

    environment: str
    account: str
    region: str
    data_bucket: str
    artifact_bucket: str
    key_arn: str
    ledger_table: str
    topic_arn: str
    state_machine_arn: str
    training_role_arn: str
    evaluation_role_arn: str
    import_role_arn: str
    customization_role_arn: str | None = None
    """The role of Bedrock's managed jobs; None where the stacks make none."""
    model_package_group_arn: str | None = None
    """Where jobs without instances keep their models; None where the stacks make none."""
    evaluator_hub: str | None = None
    """A private hub for what serverless reinforcement is rewarded by; None where the stacks make none."""
    deployed: bool = True
    """False where the names are samples of the right form, because nothing was asked of AWS."""

    def reward_arn(self, reward: str) -> str:
        """The ARN of one of the environment's reward functions, whose name is fixed and not CloudFormation's."""
        return self._function_arn(reward_function_name(self.environment, reward))

    def processor_arn(self, processor: str) -> str:
        """The ARN of one of the environment's evaluation processors, whose name is fixed likewise."""
        return self._function_arn(processor_function_name(self.environment, processor))

    def _function_arn(self, name: str) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{name}"

    @property
    def samples(self) -> Mapping[str, str]:
        """Each sample value, with what takes its place at run time; empty for a deployed environment."""
        if self.deployed:
            return {}
        named = {field.name: getattr(self, field.name) for field in fields(self) if field.name in _DEPLOYED}
        return {
            value: f"the environment's {name.replace('_', ' ').replace(' arn', '')}"
            for name, value in named.items()
            if value is not None
        }

    @classmethod
    def placeholder(cls, environment: Environment) -> Self:
        """Names of the right form for an offline plan; the deployed ones carry CloudFormation's suffixes."""
        name, account, region = environment.name, environment.account, environment.region
        return cls(
            environment=name,
            account=account,
            region=region,
            data_bucket=f"{name.lower()}-novaline-data-{account}",
            artifact_bucket=f"{name.lower()}-novaline-artifacts-{account}",
            key_arn=f"arn:aws:kms:{region}:{account}:key/00000000-0000-0000-0000-000000000000",
            ledger_table=f"{name}-RunLedger",
            topic_arn=f"arn:aws:sns:{region}:{account}:{name}-Notifications",
            state_machine_arn=f"arn:aws:states:{region}:{account}:stateMachine:{name}-Customization",
            training_role_arn=f"arn:aws:iam::{account}:role/{name}-TrainingRole",
            evaluation_role_arn=f"arn:aws:iam::{account}:role/{name}-EvaluationRole",
            import_role_arn=f"arn:aws:iam::{account}:role/{name}-ImportRole",
            customization_role_arn=f"arn:aws:iam::{account}:role/{name}-CustomizationRole",
            model_package_group_arn=f"arn:aws:sagemaker:{region}:{account}:model-package-group/{name}-novaline",
            evaluator_hub=f"{name}-novaline-evaluators",
            deployed=False,
        )


_DEPLOYED = (
    "data_bucket",
    "artifact_bucket",
    "key_arn",
    "training_role_arn",
    "evaluation_role_arn",
    "import_role_arn",
    "customization_role_arn",
    "model_package_group_arn",
    "evaluator_hub",
)
"""What a request may name and only a deployment gives."""
