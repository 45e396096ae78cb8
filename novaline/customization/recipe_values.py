"""What goes into a recipe beside defaults and overrides: what the file says elsewhere, and the run's places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from novaline.customization.settings import JobSettings
from novaline.recipes.model import EvaluationTask, JsonValue, Recipe
from novaline.recipes.rendering import default_values

KMS_KEY = "training_config.kms_key"
"""The key of distillation, which its request says a second time."""

_SUBTASK = "evaluation.subtask"
_PROCESSOR, _PROCESSOR_KIND = "processor.lambda_arn", "processor.lambda_type"
_PREPROCESSING = "processor.preprocessing.enabled"
_REWARDS = ("run.reward_lambda_arn", "training_config.rollout.rewards.api_endpoint.lambda_arn")
"""The reward function of reinforcement fine-tuning, which the training-job recipes hold twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the job of a recipe reads and writes, and the key for it. `bucket` is a name, `key_arn` an ARN."""

    train_uri: str | None
    validation_uri: str | None
    output_uri: str
    bucket: str
    key_arn: str


def stage_values(
    settings: JobSettings, *, name: str, model: str | None, reward_arn: str | None, places: Places
) -> dict[str, JsonValue]:
    """Every key of a stage's recipe with its value.

    `model` is a base model's name, a checkpoint's URI, the token for one, or the ARN of a model package; None leaves
    what the recipe has, as for distillation, whose recipe names a teacher instead. The bucket and the key of a
    distillation are the environment's, unless the file overrides them.
    """
    own: dict[str, JsonValue] = {
        "run.name": name,
        "run.replicas": settings.instance_count,
        "run.actor_train_replicas": settings.instance_count,
    }
    defaults = {"training_config.customer_bucket": places.bucket, KMS_KEY: places.key_arn}
    own |= {path: value for path, value in defaults.items() if path not in settings.overrides}
    if model is not None:
        own["run.model_name_or_path"] = model
    if reward_arn is not None:
        own |= dict.fromkeys(_REWARDS, reward_arn)
    own |= _paths(settings.recipe, places, hyperpod=settings.platform == "hyperpod")
    return _values(settings, own)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedProcessor:
    """The function that computes an evaluation's own metrics, what it answers, and whether it changes rows first."""

    arn: str
    kind: str
    preprocessing: bool


def evaluation_values(
    settings: JobSettings,
    task: EvaluationTask,
    *,
    name: str,
    model: str,
    reward_arn: str | None,
    processor: UsedProcessor | None,
    places: Places,
) -> dict[str, JsonValue]:
    """Every key of an evaluation's recipe with its value; the task is among the settings already.

    A task without subtasks has no key for one: the container refuses a recipe that names it.
    """
    own: dict[str, JsonValue] = {
        "run.name": name,
        "run.model_name_or_path": model,
        "run.replicas": settings.instance_count,
    }
    if reward_arn is not None:
        own["rl_env.reward_lambda_arn"] = reward_arn
    if processor is not None:
        own |= {_PROCESSOR: processor.arn, _PROCESSOR_KIND: processor.kind, _PREPROCESSING: processor.preprocessing}
    if settings.platform == "hyperpod":
        own |= {"run.data_s3_path": places.train_uri or "", "run.output_s3_path": places.output_uri}
    values = _values(settings, own)
    if not has_subtasks(task):
        values.pop(_SUBTASK, None)
    return values


def has_subtasks(task: EvaluationTask) -> bool:
    """Whether the task can be narrowed to a part of it."""
    return bool(task.subtasks) or bool(task.subtask_count)


def _values(settings: JobSettings, own: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    recipe = settings.recipe
    present = {path: value for path, value in own.items() if path in recipe.keys}
    return {**default_values(recipe), **settings.overrides, **present}


def _paths(recipe: Recipe, places: Places, *, hyperpod: bool) -> dict[str, JsonValue]:
    """The S3 paths of a recipe.

    HyperPod reads and writes by them. A training job has channels and an output path instead; there they are written
    only where the published recipe holds an example's path, so that no job carries a bucket that is not ours. The path
    of validation data is written wherever there is one: AWS's own tool gives it besides the channel.
    """
    paths = {"run.data_s3_path": places.train_uri, "run.output_s3_path": places.output_uri}
    own: dict[str, JsonValue] = {
        path: uri
        for path, uri in paths.items()
        if uri is not None and path in recipe.keys and (hyperpod or _is_example(recipe.keys[path].default))
    }
    if places.validation_uri is not None:
        own["run.validation_data_s3_path"] = places.validation_uri
    return own


def _is_example(default: JsonValue) -> bool:
    return isinstance(default, str) and default.startswith("s3://")
