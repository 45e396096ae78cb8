"""What an environment file may say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, StringConstraints, ValidationInfo, model_validator

from novaline.environments.functions import Frozen, FunctionName, LogRetention, ProcessorSettings, RewardSettings
from novaline.environments.names import is_processor, longest_processor_name, longest_reward_name

Region = Literal["us-east-1", "us-west-2", "ap-northeast-1"]
"""The regions that have Nova's containers for training jobs."""

AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
EmailAddress = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{1,15}$")]
ImageName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")]
ImageDigest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
TagKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 _.:/=+@-]{1,128}$")]
TagValue = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 _.:/=+@-]{0,256}$")]


class Environment(Frozen):
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
    rewards: Mapping[FunctionName, RewardSettings] = Field(
        default_factory=dict, description="Reward functions by name, for reinforcement fine-tuning."
    )
    processors: Mapping[FunctionName, ProcessorSettings] = Field(
        default_factory=dict, description="Processors by name, for metrics of your own in evaluations."
    )
    images: Mapping[ImageName, ImageDigest] = Field(
        default_factory=dict,
        description="Digests that pin Amazon's images, by repository:tag. Others run as their tag says that day.",
    )
    tags: Mapping[TagKey, TagValue] = Field(default_factory=dict, description="Tags on everything that is deployed.")

    _root: Path = PrivateAttr(default=Path())

    @property
    def root(self) -> Path:
        """The folder that holds environments/, from which files of one's own are seen."""
        return self._root

    @model_validator(mode="after")
    def _names_fit(self, info: ValidationInfo) -> Environment:
        if info.context is not None:
            self._root = Path(info.context["root"])
        for what, names, longest in (
            ("reward", self.rewards, longest_reward_name(self.name)),
            ("processor", self.processors, longest_processor_name(self.name)),
        ):
            for name in names:
                if len(name) > longest:
                    raise ValueError(f"the {what}'s name {name!r} has {len(name)} characters, {longest} fit here")
        for reward in self.rewards:
            if is_processor(f"-{reward}"):
                raise ValueError(f"the reward's name {reward!r} ends in -processor, as names of processors do")
        for tag in self.tags:
            if tag.lower().startswith("aws:"):
                raise ValueError(f"the tag {tag!r} begins with 'aws:', which AWS keeps for itself")
        return self
