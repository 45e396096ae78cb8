"""What a rule is, and the situation that it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from novaline.findings import Severity
from novaline.recipes.bounds import family
from novaline.recipes.model import JsonValue, Platform, Recipe, Technique, Tuning
from novaline.recipes.rendering import default_values, resolve

if TYPE_CHECKING:
    from novaline.recipes.overrides import Resolution

Level = Literal["enforced", "documented", "advice"]
"""Amazon's code refuses it; AWS's documentation or the recipe's text states it; it is recommended."""
Carrier = Literal["bounds", "multiple", "lock", "type"]
"""How a key's own specification upholds a rule: its bounds, a lock, or its type."""

SAID_BY: Mapping[str, str] = {
    "AWS training-jobs page": "AWS's training-jobs page",
    "AWS docs (other pages)": "AWS's documentation",
    "recipe text": "the recipe's own text",
    "template file": "the hub template",
    "mtrl template file": "the hub template",
    "PySDK": "the SageMaker SDK",
    "sagemaker-train 1.27 RecipeResolver": "the SageMaker SDK",
    "sagemaker-train finetune_utils": "the SageMaker SDK",
    "Nova Forge SDK validator": "the Nova Forge SDK",
    "nova_schema_validation.py": "Amazon's recipe launcher",
    "launcher/nova/launchers.py": "Amazon's recipe launcher",
    "launchers.py DONT_OVERRIDE_IN_SMTJ": "Amazon's recipe launcher",
    "nova_recipe_template_processor.py": "Amazon's recipe launcher",
}
"""The sources of rules, in the words of messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where a rule holds. What is left empty holds everywhere."""

    techniques: tuple[Technique, ...] = ()
    generation: Literal["nova-1", "nova-2"] | None = None
    tuning: Tuning | None = None
    platform: Platform | None = None
    models: tuple[str, ...] = ()
    families: tuple[str, ...] = ()

    def holds(self, recipe: Recipe, *, platform: Platform, instance_type: str) -> bool:
        """Whether a rule of this scope is about a job of this recipe on these machines."""
        return (
            (not self.techniques or recipe.technique in self.techniques)
            and self.generation in (None, recipe.generation)
            and self.tuning in (None, recipe.tuning)
            and self.platform in (None, platform)
            and (not self.models or recipe.model.name in self.models)
            and (not self.families or family(instance_type) in self.families)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A job as it would be: the recipe, the machines, every value, and what else decides whether they go together.

    `values` are complete and resolved, by path; `written` maps the paths that were overridden to the names they were
    written by. `refused` are paths whose value is wrong itself, which rules pass by.
    None, for what may be None, means that it is not known here or not for this rule to judge.
    """

    recipe: Recipe
    platform: Platform = "sagemaker"
    instance_type: str
    instance_count: int
    region: str | None = None
    values: Mapping[str, JsonValue]
    written: Mapping[str, str] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    validation_data: bool = False
    media: frozenset[str] = frozenset()
    """What the rows hold besides text: `image`, `video`, `document`."""
    task: str | None = None
    subtask: str | None = None
    own_data: bool | None = None
    """Whether an evaluation was given data."""
    processor: bool | None = None
    """Whether an evaluation was given a Lambda function of its own metrics."""
    reward: bool | None = None
    """Whether a reward function was named."""
    start: str | None = None
    """`base`, an s3:// URI, or an ARN."""
    longest_prompt_tokens: int | None = None
    """An estimate."""

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        resolution: Resolution,
        *,
        platform: Platform = "sagemaker",
        instance_type: str | None = None,
        instance_count: int | None = None,
        region: str | None = None,
        validation_data: bool = False,
        media: frozenset[str] = frozenset(),
        task: str | None = None,
        subtask: str | None = None,
        own_data: bool | None = None,
        processor: bool | None = None,
        reward: bool | None = None,
        start: str | None = None,
        longest_prompt_tokens: int | None = None,
    ) -> Self:
        """The situation after overrides were resolved; machines that are left out are the recipe's own."""
        return cls(
            recipe=recipe,
            platform=platform,
            instance_type=instance_type or next(iter(recipe.instances.types), ""),
            instance_count=recipe.instances.default_count if instance_count is None else instance_count,
            region=region,
            values=resolve({**default_values(recipe), **resolution.values}),
            written=resolution.written,
            refused=resolution.refused,
            validation_data=validation_data,
            media=media,
            task=task,
            subtask=subtask,
            own_data=own_data,
            processor=processor,
            reward=reward,
            start=start,
            longest_prompt_tokens=longest_prompt_tokens,
        )

    def paths(self, leaf: str) -> tuple[str, ...]:
        """The recipe's keys that end in this name."""
        return tuple(path for path in self.recipe.keys if ends_in(path, leaf))

    def path(self, leaf: str) -> str | None:
        """The first key that ends in this name; None where the recipe has none."""
        return next(iter(self.paths(leaf)), None)

    def number(self, path: str | None) -> int | float | None:
        """The value where it is a number, and not one that is refused already."""
        value = None if path is None or path in self.refused else self.values.get(path)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def name(self, path: str) -> str:
        """A key as the person wrote it; its short name, or else its path, where nobody did."""
        return self.written.get(path) or self.recipe.keys[path].override or path

    def first_written(self, *paths: str | None) -> str | None:
        """The name by which the first of these keys was overridden; None when none was."""
        return next((self.written[path] for path in paths if path is not None and path in self.written), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a check found. `severity` is set where it is not the rule's; `where` as in `Problem`.

    `sources` are those of this part of the rule, where they are not all of the rule's; `sourced` says that the message
    names its sources itself.
    """

    key: str
    message: str
    hint: str | None = None
    where: tuple[str | int, ...] | None = None
    severity: Severity | None = None
    on_key: bool = False
    sources: tuple[str, ...] = ()
    sourced: bool = False


Check = Callable[[Situation], Iterator[Fault]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule that Amazon states, and how it is upheld here.

    `level` is how Amazon states it, `severity` what a breach is here: "by source" is an error outside the hub template
    and a warning outside what only a text says. `because` explains a severity that the level does not. `check` looks at
    a situation; `carried` names the keys, by the end of their paths, whose own specification upholds the rule, and
    `absent` the keys that a recipe does not have, with what to do instead (empty for the nearest key). `enforced_by`
    says by whom a carried bound is enforced that stands in no template, again by the end of the key's path.
    """

    id: str
    level: Level
    severity: Severity | Literal["by source"]
    statement: str
    sources: tuple[str, ...]
    scope: Scope = Scope()
    note: str | None = None
    """What the level is about, where it is not the whole rule."""
    because: str | None = None
    code: str | None = None
    check: Check | None = None
    carried: Mapping[Carrier, tuple[str, ...]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    enforced_by: Mapping[str, str] = field(default_factory=dict)

    def enforcer(self, path: str) -> str | None:
        """Who refuses a value outside of this key's bounds, where they stand in no template; None where nobody does."""
        return next((who for leaf, who in self.enforced_by.items() if ends_in(path, leaf)), None)

    def carries(self, kind: Carrier, path: str) -> bool:
        """Whether this key's own specification upholds the rule in this way."""
        return any(ends_in(path, leaf) for leaf in self.carried.get(kind, ()))


def in_words(sources: Iterable[str]) -> tuple[str, ...]:
    """Sources of rules as messages name them, each once."""
    return tuple(dict.fromkeys(SAID_BY[source] for source in sources))


def ends_in(path: str, leaf: str) -> bool:
    """Whether a path is this name or ends in it: `a.b.lr` ends in `lr` and in `b.lr`."""
    return path == leaf or path.endswith(f".{leaf}")
