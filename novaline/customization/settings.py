"""What the jobs of a customization run with: the recipe that fits, the machines, the values of the recipe's keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from novaline.customization.availability import (
    PlacedProblem,
    evaluation_recipe,
    has_instances,
    recipe_platform,
    stage_recipe,
)
from novaline.customization.model import Evaluation, Processor, Stage, StagePlatform
from novaline.findings import nearest
from novaline.recipes.catalogue import Catalogue
from novaline.recipes.model import EvaluationTask, JsonValue, Platform, Recipe
from novaline.recipes.overrides import Problem, Resolution, resolve_overrides
from novaline.recipes.rendering import default_values, resolve
from novaline.recipes.rules import rule_of_absence


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """One kind of job: `overrides` are by full path; `values` are all keys, resolved.

    Bedrock's jobs have a recipe of the API's own parameters (`managed.bedrock_recipe`). `instance_type` is empty and
    `instance_count` 0 on platforms without instances.
    """

    recipe: Recipe
    platform: StagePlatform
    instance_type: str
    instance_count: int
    overrides: Mapping[str, JsonValue]
    timeout: timedelta

    @property
    def values(self) -> dict[str, JsonValue]:
        """Every key of the recipe with its value, interpolations resolved."""
        return resolve({**default_values(self.recipe), **self.overrides})

    @property
    def hyperparameters(self) -> dict[str, JsonValue]:
        """What the file sets, by published short name, or by the recipe's path where there is none."""
        return {self.recipe.keys[path].override or path: value for path, value in self.overrides.items()}

    def number(self, name: str) -> float | None:
        """The value of a numeric key by its short name or path; None when the recipe has no such key, or no number."""
        (path, *_) = self.recipe.short_names.get(name, (name,))
        value = self.values.get(path)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The settings of a stage or an evaluation, None when no recipe fits, and what is wrong with them."""

    settings: JobSettings | None
    problems: tuple[PlacedProblem, ...]
    resolution: Resolution | None = None

    @property
    def available(self) -> bool:
        """Whether AWS has such a job at all; what is wrong beside that is in its values."""
        return self.settings is not None and all(problem.code != "not-available" for _, problem in self.problems)


def stage_settings(catalogue: Catalogue, *, model: str, stage: Stage) -> Found:
    """The settings of a stage and what is wrong with them."""
    choice = stage_recipe(catalogue, model=model, stage=stage)
    problems = list(choice.problems)
    recipe = choice.recipe
    if recipe is None:
        return Found(settings=None, problems=tuple(problems))
    instance_type, count = "", 0
    if has_instances(stage.platform):
        instance_type, count = _machines(recipe, choice.meant_type or stage.instances.type, stage.instances.count)
    elif "instances" in stage.model_fields_set:
        problems.append(_without_instances(stage))
    overrides = stage.overrides
    if stage.platform == "serverless":
        unpublished = list(_unpublished(recipe, overrides))
        problems += unpublished
        wrong = {problem.key for _, problem in unpublished}
        overrides = {key: value for key, value in overrides.items() if key not in wrong}
    resolution = resolve_overrides(
        recipe, overrides, platform=recipe_platform(stage.platform), instance_type=instance_type or None
    )
    problems += [(("overrides", problem.key), _managed(problem, recipe, stage)) for problem in resolution.problems]
    settings = JobSettings(
        recipe=recipe,
        platform=stage.platform,
        instance_type=instance_type,
        instance_count=count,
        overrides=resolution.values,
        timeout=stage.timeout,
    )
    return Found(settings=settings, problems=tuple(problems), resolution=resolution)


def evaluation_settings(
    catalogue: Catalogue, *, model: str, evaluation: Evaluation, task: EvaluationTask, platform: Platform
) -> Found:
    """The settings of an evaluation's two jobs and what is wrong with them. `platform` is where they run."""
    choice = evaluation_recipe(catalogue, model=model, evaluation=evaluation, task=task, platform=platform)
    recipe = choice.recipe
    if recipe is None:
        return Found(settings=None, problems=choice.problems)
    wanted = evaluation.instances
    instance_type, count = _machines(recipe, choice.meant_type or wanted.type, wanted.count)
    sampling = {
        name: paths
        for name, paths in recipe.short_names.items()
        if all(path.startswith("inference.") for path in paths)
    }
    known = {
        key: value
        for key, value in evaluation.inference.items()
        if key in sampling or f"inference.{key}" in recipe.keys
    }
    written = {key if key in sampling else f"inference.{key}": value for key, value in known.items()}
    resolution = resolve_overrides(recipe, written, platform=platform, instance_type=instance_type)
    problems: list[PlacedProblem] = [
        (("inference", problem.key.removeprefix("inference.")), _as_written(problem)) for problem in resolution.problems
    ]
    names = sorted({*sampling, *(path.partition(".")[2] for path in recipe.keys if path.startswith("inference."))})
    problems += _unknown_sampling(evaluation.inference.keys() - known.keys(), names, recipe, platform)
    settings = JobSettings(
        recipe=recipe,
        platform=platform,
        instance_type=instance_type,
        instance_count=count,
        overrides={**_of_task(recipe, evaluation, task), **resolution.values},
        timeout=evaluation.timeout,
    )
    return Found(settings=settings, problems=(*choice.problems, *problems), resolution=resolution)


def _of_task(recipe: Recipe, evaluation: Evaluation, task: EvaluationTask) -> dict[str, JsonValue]:
    """The recipe's keys that the file says elsewhere: the task with what follows from it, and the processor."""
    values: dict[str, JsonValue] = {
        "evaluation.task": task.name,
        "evaluation.strategy": task.strategy,
        "evaluation.metric": task.metric,
    }
    if evaluation.subtask is not None:
        values["evaluation.subtask"] = evaluation.subtask
    if evaluation.processor is not None:
        values |= _of_processor(evaluation.processor)
    return {path: value for path, value in values.items() if path in recipe.keys}


def _of_processor(processor: Processor) -> dict[str, JsonValue]:
    return {
        "processor.lambda_arn": processor.shown,  # the name of a declared one, until a run knows its environment
        "processor.lambda_type": processor.kind or "custom_metrics",
        "processor.aggregation": processor.aggregation,
        "processor.preprocessing.enabled": processor.preprocessing,
        "processor.postprocessing.enabled": processor.postprocessing,
    }


def _machines(recipe: Recipe, wanted_type: str | None, wanted_count: int | None) -> tuple[str, int]:
    """The type and the number of instances: those asked for, or else the recipe's own.

    A type that the recipe does not run on says nothing, and neither does the number that goes with it.
    """
    instances = recipe.instances
    if wanted_type is not None and wanted_type not in instances.types:
        return instances.types[0], instances.default_count
    return wanted_type or instances.types[0], instances.default_count if wanted_count is None else wanted_count


def _without_instances(stage: Stage) -> PlacedProblem:
    message = f"`instances` has no meaning with `platform: {stage.platform}`, which has none to choose"
    problem = Problem(key="instances", code="without-effect", message=message, hint="remove it", on_key=True)
    return ("instances",), problem


def _unpublished(recipe: Recipe, overrides: Mapping[str, JsonValue]) -> Iterator[PlacedProblem]:
    """A job without instances takes published short names, and no recipe file."""
    names = [spec.override for spec in recipe.keys.values() if spec.override and not spec.locked_on("sagemaker")]
    for key in overrides:
        spec = recipe.keys.get(key)
        if spec is None:
            continue  # a short name, or unknown: the recipe says so
        if spec.override in names:
            hint = f"write `{spec.override}`"
        else:
            hint = (
                f"it takes {', '.join(dict.fromkeys(name for name in names if name))}; or write `platform: sagemaker`"
            )
        message = f"a serverless job has no `{key}`: it takes the published short names"
        problem = Problem(key=key, code="override-platform", message=message, hint=hint, on_key=True)
        yield ("overrides", key), problem


def _managed(problem: Problem, recipe: Recipe, stage: Stage) -> Problem:
    """Bedrock's bounds of reinforcement fine-tuning stand in the API itself, which refuses what is outside of them."""
    if stage.platform == "bedrock" and recipe.technique == "rft" and problem.code == "override-advice":
        message = f"{problem.message.replace('` should be ', '` must be ', 1)}; the API refuses it"
        return replace(problem, code="override-bounds", severity="error", message=message)
    return problem


def _as_written(problem: Problem) -> Problem:
    """A problem with the key as the file has it, inside `inference`."""
    return replace(problem, message=problem.message.replace("`inference.", "`"))


def _unknown_sampling(keys: set[str], names: Sequence[str], recipe: Recipe, platform: Platform) -> list[PlacedProblem]:
    found: list[PlacedProblem] = []
    for key in sorted(keys):
        rule = rule_of_absence(key, recipe, platform=platform, instance_type=recipe.instances.types[0])
        close = nearest(key, names)
        if rule is not None:
            hint = rule.absent[key]
        else:
            hint = f"did you mean `{close}`?" if close else f"the keys here are {', '.join(names)}"
        message = f"`{key}` is no inference setting of this task"
        problem = Problem(key=key, code="unknown-override", message=message, hint=hint, on_key=True)
        found.append((("inference", key), problem))
    return found
