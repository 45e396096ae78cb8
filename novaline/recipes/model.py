"""What a recipe is: its keys with types and bounds, the instances it runs on, the images that read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Platform = Literal["sagemaker", "hyperpod"]
"""Where a recipe is read: a SageMaker training job, or HyperPod on EKS."""

Technique = Literal["sft", "dpo", "rft", "multi-turn-rft", "cpt", "ppo", "distillation", "evaluation"]
Tuning = Literal["lora", "full"]
Source = Literal["template", "text", "documented"]
"""Who states a bound: the template of Amazon's recipe repository, the recipe's own text, or AWS's documentation."""

JsonValue = None | bool | int | float | str | list[object] | dict[str, object]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, protected_namespaces=())


class Bounds(_Frozen):
    """What one source allows. `fixed` allows the default only; `by_instance` narrows for an instance family."""

    minimum: float | None = None
    maximum: float | None = None
    allowed: list[JsonValue] | None = None
    multiple_of: int | None = None
    fixed: bool = False
    by_instance: dict[str, Bounds] = {}
    page: str | None = None
    """Of documentation: the page that says so."""


class KeySpec(_Frozen):
    """One key of a recipe.

    Three sources bound a value, and they disagree, so each is kept apart: outside `template` is an error, outside
    `text` or `documented` a warning. `published` is what Amazon's hub makes of the template where that differs; it
    binds nobody here. The bounds of a number of instances are those of `Instances`; relations between keys are in
    `novaline.recipes.rules`.
    """

    type: Literal["string", "integer", "float", "boolean", "list", "object"]
    default: JsonValue
    about: str | None = None
    """What the key is for, in a few words."""
    unit: str | None = None
    nullable: bool = False
    override: str | None = None
    """The published short name."""
    overridable_on: list[Platform] = []
    """Where Amazon publishes the short name."""
    template: Bounds | None = None
    text: Bounds | None = None
    documented: Bounds | None = None
    published: dict[Platform, Bounds] = {}
    published_default: dict[Platform, JsonValue] = {}
    locked: dict[Literal["all", "sagemaker", "hyperpod"], str] = {}
    """Why the key cannot be overridden, and what to write instead, by platform."""

    def locked_on(self, platform: Platform) -> str | None:
        """Why the key cannot be overridden on this platform, and what to write instead; None when it can."""
        return self.locked.get("all") or self.locked.get(platform)


class Instances(_Frozen):
    """Where a recipe runs: instance types, and the numbers of them by source.

    `default_count` is what a stage gets that names no count; 0 where the service chooses the machines. `template`,
    `text` and `documented` are None where a source is silent. `roles` are further groups of instances that HyperPod
    starts beside `run.replicas`, by the names of their keys in `run`.
    """

    types: list[str]
    default_count: int
    template: list[int] | None = None
    text: list[int] | None = None
    documented: list[int] | None = None
    fixed_on: dict[Platform, int] = {}
    """Platforms that take exactly this number, by the recipe's own text."""
    roles: dict[str, int] = {}

    @property
    def counts(self) -> list[int]:
        """Every number that some source allows, sorted; the default alone where all are silent."""
        named = {*(self.template or []), *(self.text or []), *(self.documented or [])}
        return sorted(named | {self.default_count})


class Image(_Frozen):
    """A container image: `repository:tag`, and the accounts that publish it, by region."""

    name: str
    accounts: dict[str, str]

    def uri(self, region: str) -> str | None:
        """The image's URI in this region; None where Amazon publishes none."""
        account = self.accounts.get(region)
        return None if account is None else f"{account}.dkr.ecr.{region}.amazonaws.com/{self.name}"


class Model(_Frozen):
    """A base model, by the names that AWS's containers, hub and Bedrock use for it.

    `inference_profile` is what Bedrock invokes in the US regions. `teacher_only` marks a model that cannot be trained.
    """

    name: str
    title: str
    generation: str
    model_type: str
    model_name_or_path: str
    hub_content: str
    inference_profile: str
    media: list[Literal["image", "video", "document"]]
    reasoning: bool
    teacher_only: bool = False


class Recipe(_Frozen):
    """A complete recipe: the catalogue's files for it, put together.

    `variant` is what tells a technique's recipes apart beside their machines: the tuning (`lora`, `full`), the kind of
    an evaluation (`byo_dataset`, `text_benchmark`, …), `teacher` for distillation.
    """

    id: str
    version: str
    title: str
    reference: str
    """Where the recipe is in Amazon's repository, as the SageMaker SDK takes it for `training_recipe`."""
    technique: Technique
    variant: str
    tuning: Tuning | None = None
    model: Model
    platforms: list[Platform]
    preferred: bool = False
    instances: Instances
    images: dict[Platform, Image]
    companions: list[Image] = []
    """Images that HyperPod runs beside the main one."""
    keys: dict[str, KeySpec]

    @property
    def generation(self) -> str:
        """`nova-1` or `nova-2`."""
        return self.model.generation

    @property
    def short_names(self) -> Mapping[str, tuple[str, ...]]:
        """Published short name → the paths that it sets: two, where a recipe holds one value twice."""
        names: dict[str, tuple[str, ...]] = {}
        for path, spec in self.keys.items():
            if spec.override is not None:
                names[spec.override] = (*names.get(spec.override, ()), path)
        return names

    def image(self, platform: Platform, region: str) -> str | None:
        """The URI of Amazon's image in this region; None where Amazon publishes none."""
        image = self.images.get(platform)
        return None if image is None else image.uri(region)


class EvaluationTask(_Frozen):
    """What an evaluation task needs: `variant` names its recipes; strategy and metric follow from the task.

    `data_file` is the name that the container looks for; None for tasks without own data, and where any name does.
    """

    name: str
    title: str
    variant: str
    strategy: str
    metric: str
    own_data: bool
    modality: Literal["text", "image", "text and image"]
    subtasks: list[str] = []
    subtask_count: Annotated[int, Field(ge=0)] = 0
    data_file: str | None = None
    documented_only: bool = False
    """Named by AWS's pages, and by no recipe."""
