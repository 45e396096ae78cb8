"""What an environment file may say about the functions that score: rewards of training, processors of evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from novaline.rewards.processing.settings import ProcessorSpec
from novaline.rewards.settings import RewardSpec

LogRetention = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""The retention periods that CloudWatch Logs allows, in days. Source: the API reference of PutRetentionPolicy."""

FunctionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=30)]
MetricName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=48)]

OWN_FORM: Final = r"^[^:\s]+\.py:[A-Za-z_][A-Za-z0-9_]*$"
"""A function of one's own: `rewards/tone.py:score`."""


class Frozen(BaseModel):
    """What people write, once it was read: unknown keys are errors, and nothing changes it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ScoringSettings(Frozen):
    """How a rollout is scored."""

    function: str = Field(
        description="A reward of the library (see docs/rewards.md), or a function of your own: rewards/tone.py:score, "
        "a file seen from the folder that holds environments/."
    )
    options: Mapping[str, JsonValue] = Field(
        default_factory=dict, description="Options of the reward; of a function of your own, its arguments by name."
    )
    fallback: float = Field(
        default=0.0, allow_inf_nan=False, description="The score of a rollout that cannot be scored."
    )

    @property
    def own(self) -> bool:
        """Whether the function is one's own, and no reward of the library."""
        return looks_own(self.function)

    def scoring(self, name: str, *, log_prompts: bool) -> RewardSpec:
        """The reward as the core takes it; a function of one's own is named as it is declared."""
        return RewardSpec(
            name=name,
            function=self.function,
            options=dict(self.options),
            fallback=self.fallback,
            log_prompts=log_prompts,
        )


class DeployedSettings(Frozen):
    """How a function runs in Lambda."""

    requirements: str | None = Field(
        default=None,
        description="A file with the libraries that a function of your own needs, each pinned with its digests; seen "
        "from the folder that holds environments/.",
    )
    timeout_seconds: int = Field(
        default=60, ge=1, le=900, description="Longest time for one batch; at most 15 minutes."
    )
    memory_mb: int = Field(default=512, ge=128, le=10240, description="Memory of the function in MB.")
    concurrency: int | None = Field(
        default=None,
        ge=1,
        description="How many batches it scores at once, reserved for it out of the account's; without it, as many as "
        "the account has left.",
    )
    log_retention_days: LogRetention | None = Field(
        default=None, description="How long its logs are kept, in days; without it, as the environment says."
    )
    log_prompts: bool = Field(default=False, description="Whether its logs hold prompts and answers.")


class RewardSettings(ScoringSettings, DeployedSettings):
    """A reward function that the environment offers to reinforcement fine-tuning."""

    def spec(self, name: str) -> RewardSpec:
        """The reward as the core takes it."""
        return self.scoring(name, log_prompts=self.log_prompts)


class MetricSettings(ScoringSettings):
    """A metric of a processor: a reward under the metric's name."""


class ProcessorSettings(DeployedSettings):
    """A processor that the environment offers to evaluations: metrics made of the same rewards."""

    kind: Literal["custom_metrics", "rft"] = Field(
        default="custom_metrics", description="What it answers: metrics of a sample, or as a reward function does."
    )
    metrics: Mapping[MetricName, MetricSettings] = Field(min_length=1, description="Metrics by name, each a reward.")
    aggregate: str | None = Field(
        default=None, description="Of kind rft: the metric that is a sample's reward; needed when there are several."
    )
    system: str | None = Field(default=None, description="Replaces the system text of every row.")
    prompt: str | None = Field(
        default=None, description="Replaces every prompt; the row's own goes where {prompt} stands."
    )

    def spec(self, name: str) -> ProcessorSpec:
        """The processor as the core takes it."""
        metrics = tuple(
            metric.scoring(metric_name, log_prompts=self.log_prompts) for metric_name, metric in self.metrics.items()
        )
        return ProcessorSpec(
            name=name,
            kind=self.kind,
            metrics=metrics,
            aggregate=self.aggregate,
            system=self.system,
            prompt=self.prompt,
        )


def looks_own(function: str) -> bool:
    """Whether `function` is meant as a file and a function, however badly it is written."""
    return any(mark in function for mark in (":", "/", "\\", ".py"))
