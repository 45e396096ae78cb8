"""Which recipe a stage or an evaluation runs with; where there is none, what there is instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast, get_args

from novaline.customization.managed import SERVERLESS, bedrock_recipe, bedrock_techniques
from novaline.customization.model import Evaluation, Stage, StagePlatform, StageTechnique
from novaline.customization.yaml_source import DataPath
from novaline.findings import nearest
from novaline.recipes.catalogue import Catalogue
from novaline.recipes.model import EvaluationTask, Platform, Recipe
from novaline.recipes.overrides import Problem
from novaline.recipes.problems import listed

PlacedProblem = tuple[DataPath, Problem]
"""A problem, and where in the stage or evaluation it is."""

PLATFORMS: dict[StagePlatform, str] = {
    "sagemaker": "SageMaker training jobs",
    "hyperpod": "HyperPod",
    "serverless": "SageMaker without instances",
    "bedrock": "Bedrock's managed jobs",
}
"""A platform in the words of messages."""

_TEACHER = "nova-pro"
"""Whose distillation recipe is looked at while the teacher is not known."""


_OF_STAGES = tuple(name for name in get_args(StageTechnique) if name != "distillation")
"""Techniques whose recipes belong to the model that is trained."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The recipe to run with. Beside problems it is the nearest one there is, so that its overrides are checked.

    `meant_type` is the instance type that a misspelled one was meant to be, as its problem's hint says.
    """

    recipe: Recipe | None
    problems: tuple[PlacedProblem, ...] = ()
    meant_type: str | None = None


def recipe_platform(platform: StagePlatform) -> Platform:
    """Where recipes are read: HyperPod has its own; everything else takes those of training jobs."""
    return "hyperpod" if platform == "hyperpod" else "sagemaker"


def stage_recipe(catalogue: Catalogue, *, model: str, stage: Stage) -> Choice:
    """The recipe of a stage: of its technique, tuning, platform and instance type."""
    if stage.platform == "bedrock":
        return _bedrock(catalogue, model, stage)
    owner = _owner(model, stage)
    platform = recipe_platform(stage.platform)
    instance_type = stage.instances.type if has_instances(stage.platform) else None
    for variant in _variants(stage):
        recipe = catalogue.find(
            model=owner, technique=stage.technique, variant=variant, platform=platform, instance_type=instance_type
        )
        if recipe is not None:
            return Choice(recipe, tuple(_serverless(recipe, stage)))
    return _explained(catalogue, owner, stage, platform, instance_type)


def evaluation_recipe(
    catalogue: Catalogue, *, model: str, evaluation: Evaluation, task: EvaluationTask, platform: Platform
) -> Choice:
    """The recipe of an evaluation: of its task, and of the platform that trained what it judges."""
    wanted = evaluation.instances.type
    recipe = catalogue.find(
        model=model, technique="evaluation", variant=task.variant, platform=platform, instance_type=wanted
    )
    if recipe is not None:
        return Choice(recipe)
    recipes = [
        recipe
        for recipe in catalogue.recipes(model=model, technique="evaluation", variant=task.variant)
        if platform in recipe.platforms
    ]
    if recipes:
        return _of_wrong_type(recipes, wanted, f"{model} {task.name}")
    having = [
        name
        for name in catalogue.models()
        if not catalogue.model(name).teacher_only
        and catalogue.recipes(model=name, technique="evaluation", variant=task.variant)
    ]
    own = {recipe.variant for recipe in catalogue.recipes(model=model, technique="evaluation")}
    sees = "image" in catalogue.model(model).media
    tasks = [one.name for one in catalogue.tasks().values() if one.variant in own and (sees or one.modality != "image")]
    problem = Problem(
        key="task",
        code="not-available",
        message=f"{catalogue.model(model).title} has no `{task.name}`; AWS publishes it for {listed(having)}",
        hint=f"tasks of {model}: {', '.join(tasks)}",
    )
    return Choice(None, ((("task",), problem),))


def has_instances(platform: StagePlatform) -> bool:
    """Whether a stage on this platform chooses machines."""
    return platform in ("sagemaker", "hyperpod")


def _owner(model: str, stage: Stage) -> str:
    """Whose recipe it is. A distillation's is the teacher's: the job makes training data, and knows no student."""
    return (stage.teacher or _TEACHER) if stage.technique == "distillation" else model


def _variants(stage: Stage) -> tuple[str, ...]:
    if stage.technique == "distillation":
        return ("teacher",)
    return ("lora", "full") if stage.tuning is None else (stage.tuning,)


def _explained(catalogue: Catalogue, owner: str, stage: Stage, platform: Platform, instance_type: str | None) -> Choice:
    """No recipe fits: the first reason, from the technique to the instance type, and the recipe that comes nearest."""
    if stage.technique not in catalogue.techniques(owner):
        return Choice(None, ((("technique",), _no_technique(catalogue, owner, stage)),))
    recipes = catalogue.recipes(model=owner, technique=stage.technique)
    tuned = [recipe for recipe in recipes if recipe.variant in _variants(stage)]
    if not tuned:
        tunings = listed(dict.fromkeys(f"`{recipe.tuning}`" for recipe in recipes))
        message = f"{stage.technique} of {owner} has no `tuning: {stage.tuning}`; AWS publishes {tunings}"
        problem = Problem(key="tuning", code="not-available", message=message, hint="leave `tuning` out")
        return Choice(recipes[0], ((("tuning",), problem),))
    placed = [recipe for recipe in tuned if platform in recipe.platforms]
    if not placed:
        return Choice(tuned[0], (_wrong_platform(tuned, owner, stage),))
    meant = next(variant for variant in _variants(stage) if any(recipe.variant == variant for recipe in placed))
    placed = [recipe for recipe in placed if recipe.variant == meant]
    found = _of_wrong_type(placed, instance_type, f"{owner} {stage.technique} ({meant})")
    return replace(found, problems=(*found.problems, *_serverless(placed[0], stage)))


def _no_technique(catalogue: Catalogue, owner: str, stage: Stage) -> Problem:
    having = [name for name in catalogue.models() if stage.technique in catalogue.techniques(name)]
    own = [name for name in catalogue.techniques(owner) if name in _OF_STAGES]
    title = catalogue.model(owner).title
    return Problem(
        key="technique",
        code="not-available",
        message=f"{title} has no `{stage.technique}`; AWS publishes it for {listed(having)}",
        hint=f"techniques of {owner}: {', '.join(own)}",
    )


def _wrong_platform(recipes: Iterable[Recipe], owner: str, stage: Stage) -> PlacedProblem:
    runs = list(dict.fromkeys(platform for recipe in recipes for platform in recipe.platforms))
    where = listed(PLATFORMS[cast("StagePlatform", platform)] for platform in runs)
    tuning = f" ({stage.tuning})" if stage.tuning is not None else ""
    message = f"{stage.technique}{tuning} of {owner} does not run on {PLATFORMS[stage.platform]}; it runs on {where}"
    written = "platform" in stage.model_fields_set
    key = "platform" if written else "technique"
    return (key,), Problem(key=key, code="not-available", message=message, hint=f"write `platform: {runs[0]}`")


def _of_wrong_type(recipes: Sequence[Recipe], wanted: str | None, what: str) -> Choice:
    """The recipe of the instance type that was most likely meant, or the first one."""
    types = list(dict.fromkeys(name for recipe in recipes for name in recipe.instances.types))
    close = nearest(wanted or "", types)
    problem = Problem(
        key="type",
        code="instance-type",
        message=f"{what} does not run on {wanted}; it runs on {', '.join(types)}",
        hint=f"did you mean {close}?" if close else None,
    )
    meant = next((recipe for recipe in recipes if close in recipe.instances.types), recipes[0])
    return Choice(meant, ((("instances", "type"), problem),), meant_type=close)


def _serverless(recipe: Recipe, stage: Stage) -> Iterable[PlacedProblem]:
    """What training jobs do and serverless jobs do not."""
    if stage.platform != "serverless" or recipe.tuning in SERVERLESS.get(recipe.technique, ()):
        return
    if recipe.technique in SERVERLESS:
        what = f"{recipe.technique} with `tuning: {recipe.tuning}`"
        hint = f"write `tuning: {SERVERLESS[recipe.technique][0]}`, or `platform: sagemaker`"
    else:
        what = recipe.technique
        hint = f"it has {', '.join(SERVERLESS)}; or write `platform: sagemaker`"
    message = f"{PLATFORMS['serverless']} has no {what}"
    yield ("platform",), Problem(key="platform", code="not-available", message=message, hint=hint)


def _bedrock(catalogue: Catalogue, model: str, stage: Stage) -> Choice:
    recipe = bedrock_recipe(catalogue.model(model), stage.technique)
    if recipe is None:
        owner = _owner(model, stage)
        if stage.technique not in catalogue.techniques(owner):
            return Choice(None, ((("technique",), _no_technique(catalogue, owner, stage)),))
        recipes = catalogue.recipes(model=owner, technique=stage.technique)
        techniques = ", ".join(bedrock_techniques(model))
        message = f"Bedrock's managed jobs have no `{stage.technique}` of {model}; they have {techniques}"
        hint = f"write `platform: {recipes[0].platforms[0]}`"
        problem = Problem(key="platform", code="not-available", message=message, hint=hint)
        return Choice(None, ((("platform",), problem),))
    if stage.tuning == "full":
        message = "Bedrock's managed jobs have no `tuning: full`: they train an adapter"
        hint = "write `tuning: lora` or leave it out; `platform: sagemaker` changes every weight"
        return Choice(recipe, ((("tuning",), Problem(key="tuning", code="not-available", message=message, hint=hint)),))
    return Choice(recipe)
