"""The situation that a recipe's rules judge: what a job would be, with what the file says outside of its overrides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from novaline.customization.availability import PlacedProblem, has_instances, recipe_platform
from novaline.customization.chain import BASE, start_of
from novaline.customization.model import Evaluation, Stage
from novaline.customization.settings import JobSettings
from novaline.environments.names import processor_function_name, reward_function_name
from novaline.recipes.model import JsonValue
from novaline.recipes.overrides import Resolution
from novaline.recipes.rules import Situation, check_rules

if TYPE_CHECKING:
    from novaline.environments import Environment

_REWARDS = (
    "run.reward_lambda_arn",
    "training_config.rollout.rewards.api_endpoint.lambda_arn",
    "rl_env.reward_lambda_arn",
)

_ANY = "any"
"""Stands for the environment's name where none is given."""


def stage_problems(
    stage: Stage,
    settings: JobSettings,
    resolution: Resolution,
    *,
    media: frozenset[str],
    environment: Environment | None,
    longest_prompt: int | None = None,
) -> Iterable[PlacedProblem]:
    """What a stage breaks of its recipe's rules. Bedrock's jobs have no recipe of Amazon's, and no rules.

    `longest_prompt` is an estimate, in tokens; None where nobody knows.
    """
    if settings.platform == "bedrock":
        return
    recipe = settings.recipe
    written: dict[str, JsonValue] = {
        "run.replicas": settings.instance_count,
        "run.actor_train_replicas": settings.instance_count,
        **_reward(stage.reward, environment),
    }
    start = start_of(stage)
    if start is not None and start != BASE:
        written["run.model_name_or_path"] = start
    if not has_instances(settings.platform):
        written = {path: value for path, value in written.items() if "replicas" not in path}
    situation = Situation.of(
        recipe,
        _with(settings, resolution, written),
        platform=recipe_platform(settings.platform),
        instance_type=settings.instance_type or None,
        instance_count=settings.instance_count or None,
        region=None if environment is None else environment.region,
        validation_data=stage.data.validation is not None,
        media=media & frozenset(recipe.model.media),  # what the model does not read, the rows' own findings say
        start=start,
        longest_prompt_tokens=longest_prompt,
    )
    for problem in check_rules(situation):
        yield problem.where or ("overrides", problem.key), problem


def evaluation_problems(
    evaluation: Evaluation,
    settings: JobSettings,
    resolution: Resolution,
    *,
    media: frozenset[str],
    environment: Environment | None,
) -> Iterable[PlacedProblem]:
    """What an evaluation breaks of its recipe's rules."""
    recipe = settings.recipe
    situation = Situation.of(
        recipe,
        _with(settings, resolution, {**_reward(evaluation.reward, environment), **_processor(evaluation, environment)}),
        platform=recipe_platform(settings.platform),
        instance_type=settings.instance_type,
        instance_count=settings.instance_count,
        region=None if environment is None else environment.region,
        media=media & frozenset(recipe.model.media),
        task=evaluation.task,
        subtask=evaluation.subtask,
        own_data=evaluation.data is not None,
        processor=evaluation.processor is not None,
        reward=evaluation.reward is not None,
    )
    for problem in check_rules(situation):
        yield problem.where or ("inference", problem.key.removeprefix("inference.")), problem


def _with(settings: JobSettings, resolution: Resolution, written: dict[str, JsonValue]) -> Resolution:
    """The resolution with what the file says outside of overrides, as far as the recipe has keys for it."""
    own = {path: value for path, value in written.items() if path in settings.recipe.keys}
    return replace(resolution, values={**settings.overrides, **own})


def _reward(reward: str | None, environment: Environment | None) -> dict[str, JsonValue]:
    """The reward function where recipes hold it: the environment's, or one of that form."""
    if reward is None:
        return {}
    arn = _function_arn(reward_function_name(environment.name if environment else _ANY, reward), environment)
    return dict.fromkeys(_REWARDS, arn)


def _processor(evaluation: Evaluation, environment: Environment | None) -> dict[str, JsonValue]:
    """The declared processor of an evaluation where its recipe holds it, likewise."""
    declared = None if evaluation.processor is None else evaluation.processor.name
    if declared is None:
        return {}
    name = processor_function_name(environment.name if environment else _ANY, declared)
    return {"processor.lambda_arn": _function_arn(name, environment)}


def _function_arn(name: str, environment: Environment | None) -> str:
    account, region = (
        ("111111111111", "us-east-1") if environment is None else (environment.account, environment.region)
    )
    return f"arn:aws:lambda:{region}:{account}:function:{name}"
