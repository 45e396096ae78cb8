"""What the jobs of a customization run with: the recipe that fits, the machines, the values of the recipe's keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from novaline.customization.model import Evaluation, Stage
from novaline.customization.yaml_source import DataPath
from novaline.findings import nearest
from novaline.recipes.catalogue import Catalogue
from novaline.recipes.model import JsonValue, Recipe
from novaline.recipes.overrides import Problem, resolve_overrides
from novaline.recipes.rendering import default_values, resolve

_EVALUATION_VARIANTS = {"gen_qa": "byo_dataset"}

PlacedProblem = tuple[DataPath, Problem]
"""A problem, and where in the stage or evaluation it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """One kind of job: `overrides` are by full path; `values` are all keys, resolved."""

    recipe: Recipe
    instance_type: str
    instance_count: int
    overrides: Mapping[str, JsonValue]
    timeout: timedelta

    @property
    def values(self) -> dict[str, JsonValue]:
        """Every key of the recipe with its value, interpolations resolved."""
        return resolve({**default_values(self.recipe), **self.overrides})

    def number(self, short_name: str) -> float | None:
        """The value of a numeric key by its short name; None when the recipe has no such key."""
        path = self.recipe.short_names.get(short_name)
        value = self.values.get(path) if path else None
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def stage_settings(
    catalogue: Catalogue, *, model: str, stage: Stage
) -> tuple[JobSettings | None, tuple[PlacedProblem, ...]]:
    """The settings of a stage and what is wrong with them. None when no recipe fits."""
    recipe, found = _recipe(
        catalogue, model=model, technique=stage.technique, variant=stage.tuning, instance_type=stage.instances.type
    )
    if recipe is None:
        return None, found
    count, problems = _count(recipe, None if found else stage.instances.count)
    resolution = resolve_overrides(recipe, stage.overrides, validation_data=stage.data.validation is not None)
    problems += [(("overrides", problem.key), problem) for problem in resolution.problems]
    settings = JobSettings(
        recipe=recipe,
        instance_type=_type(recipe, stage.instances.type),
        instance_count=count,
        overrides=resolution.values,
        timeout=stage.timeout,
    )
    return settings, (*found, *problems)


def evaluation_settings(
    catalogue: Catalogue, *, model: str, evaluation: Evaluation
) -> tuple[JobSettings | None, tuple[PlacedProblem, ...]]:
    """The settings of an evaluation's two jobs and what is wrong with them. None when no recipe fits."""
    wanted = evaluation.instances.type if evaluation.instances else None
    variant = _EVALUATION_VARIANTS[evaluation.task]
    recipe, found = _recipe(catalogue, model=model, technique="evaluation", variant=variant, instance_type=wanted)
    if recipe is None:
        return None, found
    sampling = {name for name, path in recipe.short_names.items() if path.startswith("inference.")}
    known = {key: value for key, value in evaluation.inference.items() if key in sampling}
    resolution = resolve_overrides(recipe, known)
    problems: list[PlacedProblem] = [(("inference", problem.key), problem) for problem in resolution.problems]
    problems += _unknown_sampling(evaluation.inference.keys() - sampling, sampling)
    settings = JobSettings(
        recipe=recipe,
        instance_type=_type(recipe, wanted),
        instance_count=recipe.instances.default_count,
        overrides=resolution.values,
        timeout=evaluation.timeout,
    )
    return settings, (*found, *problems)


def _recipe(
    catalogue: Catalogue, *, model: str, technique: str, variant: str, instance_type: str | None
) -> tuple[Recipe | None, tuple[PlacedProblem, ...]]:
    recipe = catalogue.find(model=model, technique=technique, variant=variant, instance_type=instance_type)
    if recipe is not None:
        return recipe, ()
    recipes = catalogue.recipes(model=model, technique=technique, variant=variant)
    types = [name for recipe in recipes for name in recipe.instances.types]
    close = nearest(instance_type or "", types)
    problem = Problem(
        key="type",
        code="instance-type",
        message=f"{model} {technique} ({variant}) does not run on {instance_type}; it runs on {', '.join(types)}",
        hint=f"did you mean {close}?" if close else None,
    )
    fallback = recipes[0] if recipes else None
    return fallback, ((("instances", "type"), problem),)


def _type(recipe: Recipe, wanted: str | None) -> str:
    """The type that was asked for; the recipe's own where none was, or one that is reported as wrong."""
    return wanted if wanted in recipe.instances.types else recipe.instances.types[0]


def _count(recipe: Recipe, wanted: int | None) -> tuple[int, list[PlacedProblem]]:
    instances = recipe.instances
    count = instances.default_count if wanted is None else wanted
    allowed = ", ".join(str(number) for number in instances.counts)
    if count not in instances.counts:
        message = f"`count` must be one of {allowed} for {instances.types[0]} and its like, found {count}"
        return count, [(("instances", "count"), Problem(key="count", code="instance-count", message=message))]
    if instances.advice is not None and count not in instances.advice.counts:
        message = f"`count: {count}` is doubtful: {instances.advice.because}"
        problem = Problem(key="count", code="instance-count", severity="warning", message=message)
        return count, [(("instances", "count"), problem)]
    return count, []


def _unknown_sampling(keys: set[str], sampling: set[str]) -> Iterator[PlacedProblem]:
    for key in sorted(keys):
        close = nearest(key, sampling)
        hint = f"did you mean `{close}`?" if close else f"the keys here are {', '.join(sorted(sampling))}"
        message = f"`{key}` is no inference setting of this task"
        yield ("inference", key), Problem(key=key, code="unknown-override", message=message, hint=hint, on_key=True)
