"""What an environment file may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from novaline.environments.names import longest_reward_name

LogRetention = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""The retention periods that CloudWatch Logs allows, in days. Source: the API reference of PutRetentionPolicy."""

Region = Literal["us-east-1", "us-west-2", "ap-northeast-1"]
"""The regions that have Nova's containers for training jobs."""

Scoring = Literal["classification"]
"""The scorings that `lambda/reward/nova_reward/scoring.py` knows."""

AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
EmailAddress = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{1,15}$")]
RewardName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=30)]
ImageName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")]
ImageDigest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
TagKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 _.:/=+@-]{1,128}$")]
TagValue = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 _.:/=+@-]{0,256}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RewardSettings(_Frozen):
    """A reward function that the environment offers to reinforcement fine-tuning."""

    scoring: Scoring = Field(description="How rollouts are scored.")
    timeout_seconds: int = Field(
        default=60, ge=1, le=900, description="Longest time for one batch; at most 15 minutes."
    )
    memory_mb: int = Field(default=512, ge=128, le=10240, description="Memory of the function in MB.")


class Environment(_Frozen):
    """One account and region that Novaline is deployed to, and the rules that hold there."""

    name: EnvironmentName = Field(description="Name of the environment; the file has the same name.")
    account: AccountId = Field(description="The AWS account, twelve digits in quotes.")
    region: Region = Field(description="The AWS region.")
    retain: bool = Field(description="Whether data, artifacts, ledger, key and logs survive `cdk destroy`.")
    termination_protection: bool = Field(description="Whether CloudFormation refuses to delete the stacks.")
    log_retention_days: LogRetention = Field(description="How long logs are kept, in days.")
    noncurrent_days: int = Field(ge=1, le=3650, description="How long replaced and deleted objects are kept, in days.")
    owns_training_logs: bool = Field(
        default=True,
        description="Whether the stacks own the log group of all SageMaker training jobs of the account and region. "
        "False where something else owns it.",
    )
    notifications: tuple[EmailAddress, ...] = Field(
        default=(), description="E-mail addresses that learn how a run ended.", strict=False
    )
    budget_usd_per_run: float = Field(
        gt=0, allow_inf_nan=False, description="A run whose worst case costs more US dollars than this is refused."
    )
    rewards: Mapping[RewardName, RewardSettings] = Field(
        default_factory=dict, description="Reward functions by name, for reinforcement fine-tuning."
    )
    images: Mapping[ImageName, ImageDigest] = Field(
        default_factory=dict,
        description="Digests that pin Amazon's images, by repository:tag. Others run as their tag says that day.",
    )
    tags: Mapping[TagKey, TagValue] = Field(default_factory=dict, description="Tags on everything that is deployed.")

    @model_validator(mode="after")
    def _names_fit(self) -> Environment:
        longest = longest_reward_name(self.name)
        for reward in self.rewards:
            if len(reward) > longest:
                raise ValueError(f"the reward's name {reward!r} has {len(reward)} characters, {longest} fit here")
        for tag in self.tags:
            if tag.lower().startswith("aws:"):
                raise ValueError(f"the tag {tag!r} begins with 'aws:', which AWS keeps for itself")
        return self
