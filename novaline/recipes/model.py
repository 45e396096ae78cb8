"""What a recipe is: its keys with types and bounds, the instances it runs on, the image that reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Platform = Literal["sagemaker", "hyperpod"]
JsonValue = None | bool | int | float | str | list[object] | dict[str, object]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, protected_namespaces=())


class Advice(_Frozen):
    """Bounds of a second source, narrower than the key's own: outside of them is a warning that says `because`."""

    because: str
    allowed: list[JsonValue] | None = None
    minimum: float | None = None
    maximum: float | None = None
    below: str | None = None


class KeySpec(_Frozen):
    """One key of a recipe. `below` and `at_most` name the path of another key of the same recipe."""

    type: Literal["string", "integer", "float", "boolean", "list", "object"]
    default: JsonValue
    nullable: bool = False
    override: str | None = None
    allowed: list[JsonValue] | None = None
    minimum: float | None = None
    maximum: float | None = None
    multiple_of: int | None = None
    fixed: bool = False
    below: str | None = None
    at_most: str | None = None
    advice: list[Advice] = []
    locked: dict[Literal["all", "sagemaker", "hyperpod"], str] = {}
    needs_validation: bool = False
    source: str | None = None

    def locked_on(self, platform: Platform) -> str | None:
        """Why the key cannot be overridden on this platform, and what to write instead; None when it can."""
        return self.locked.get("all") or self.locked.get(platform)


class CountAdvice(_Frozen):
    """The numbers of instances that every source agrees on."""

    counts: list[int]
    because: str


class Instances(_Frozen):
    """Where a recipe runs: instance types, the numbers of them that it allows, and the number it starts with."""

    types: Annotated[list[str], Field(min_length=1)]
    counts: Annotated[list[int], Field(min_length=1)]
    default_count: int
    advice: CountAdvice | None = None


class Model(_Frozen):
    """A base model, by the names that AWS's containers and Bedrock use for it."""

    name: str
    title: str
    generation: str
    model_type: str
    model_name_or_path: str
    inference_profile: str
    media: list[Literal["image", "video", "document"]]
    reasoning: bool


class Recipe(_Frozen):
    """A complete recipe: the catalogue's files for it, put together."""

    id: str
    version: str
    title: str
    technique: str
    variant: str
    model: Model
    platforms: list[Platform]
    preferred: bool = False
    instances: Instances
    images: dict[Platform, str]
    accounts: dict[str, str]
    keys: dict[str, KeySpec]

    @property
    def short_names(self) -> Mapping[str, str]:
        """Published short name → full path."""
        return {spec.override: path for path, spec in self.keys.items() if spec.override is not None}

    def image(self, platform: Platform, region: str) -> str | None:
        """The URI of Amazon's image in this region; None where Amazon publishes none."""
        account = self.accounts.get(region)
        if account is None:
            return None
        return f"{account}.dkr.ecr.{region}.amazonaws.com/{self.images[platform]}"
