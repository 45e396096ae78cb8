"""Compiles one stage: a training job of SageMaker, a job of Bedrock, a serverless job, or a recipe for HyperPod.

A stage's entry in the claim is `{"name", "technique", "job": {"base_name", "request"}}`, and more where there is more
to say: `platform` and `start` when they are not the defaults, `prepare` for requests that come first, `note` for what
is left to a person. A job that needs what only the run knows has `open`: the path of a parameter → what fills it in and
a sample of the right form; its request lacks that parameter. A training job of that kind has `recipe_template`, which
holds `CHECKPOINT_TOKEN`, and `recipe`, where the filled one goes. `makes` is a sample of the model that Bedrock makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, cast

from novaline.customization.job_parts import CHECKPOINT_TOKEN, HYPERPOD_NOTE, JobParts
from novaline.customization.model import Stage
from novaline.customization.names import custom_model_name, run_name
from novaline.customization.recipe_values import KMS_KEY, stage_values
from novaline.customization.run_files import Upload
from novaline.customization.settings import JobSettings
from novaline.customization.trial_rows import trial_rows
from novaline.recipes.catalogue import catalogue
from novaline.recipes.model import JsonValue
from novaline.recipes.rendering import render
from novaline.requests import hub
from novaline.requests.customization_job import CustomizationJob, create_customization_job, foundation_model_arn
from novaline.requests.planned import checkpoint_sample
from novaline.requests.serverless_job import ServerlessJob, serverless_fine_tuning
from novaline.requests.training_job import ModelPackage, distillation_job, fine_tuning_job

_DISTILLATION_NOTE = (
    "AWS's page asks for a VPC with endpoints, and Bedrock bills the teacher's answers beside the job: "
    "neither is in this plan"
)
_SAMPLE_ID = "0" * 12
_SAMPLE_VERSION = "1.0.0"
_PACED_BY = ("learning_rate", "global_batch_size", "max_epochs", "max_steps")
"""Short names that a serverless job is always told: its defaults are the hub's, which are not always the recipe's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """A stage with what was found for it: settings, uploads, the earlier stage that it starts from."""

    stage: Stage
    settings: JobSettings
    train: Upload
    validation: Upload | None
    earlier: Stage | None
    reward_arn: str | None

    @property
    def uploads(self) -> list[Upload]:
        return [upload for upload in (self.train, self.validation) if upload is not None]


def compile_stage(parts: JobParts, stage: Stage) -> dict[str, Any]:
    """The stage's entry in the claim; its uploads and recipes go to `parts.files`.

    Raises ValueError for what `check_file` refuses: a region without an image, a start that the platform cannot take.
    """
    train = parts.data(f"{stage.name}/train", file="train.jsonl", what=f"train data of stage {stage.name}")
    validation = None
    if stage.data.validation is not None:
        what = f"validation data of stage {stage.name}"
        validation = parts.data(f"{stage.name}/validation", file="validation.jsonl", what=what)
    work = _Work(
        stage=stage,
        settings=parts.checked.stages[stage.name],
        train=train,
        validation=validation,
        earlier=parts.stage(stage.start),
        reward_arn=None if stage.reward is None else parts.resources.reward_arn(stage.reward),
    )
    dataset = parts.checked.datasets.get(f"{stage.name}/train")  # None: in S3, which an offline plan has not seen
    if stage.reward is not None and stage.platform == "sagemaker" and dataset is not None:
        parts.files.trial(stage.name, trial_rows(dataset))
    entry: dict[str, Any] = {"name": stage.name, "technique": stage.technique}
    if stage.platform != "sagemaker":
        entry["platform"] = stage.platform
    if stage.start != "base":
        entry["start"] = stage.start
    build = {"sagemaker": _training_job, "hyperpod": _recipe_only, "bedrock": _bedrock_job, "serverless": _serverless}
    return entry | build[stage.platform](parts, work)


def _training_job(parts: JobParts, work: _Work) -> dict[str, Any]:
    stage, settings = work.stage, work.settings
    model = settings.recipe.model
    start = _start(work, model.model_name_or_path)
    content, recipe = _recipe(parts, work, model=start, output="training")
    package = start if start is not None and start.startswith("arn:") else None
    job = parts.training_job(
        stage.name,
        settings,
        role_arn=parts.resources.training_role_arn,
        output="training",
        recipe_uri=recipe,
        source=package,
    )
    train_uri = parts.files.uri(work.train)
    if stage.technique == "distillation":
        request = distillation_job(job, model_type=model.model_type, train_uri=train_uri)
        request["HyperParameters"]["kms_key"] = str(work.settings.overrides.get(KMS_KEY, job.key_arn))
    else:
        request = fine_tuning_job(
            job,
            technique=cast("Literal['sft', 'dpo', 'rft']", stage.technique),
            model_type=model.model_type,
            base_model=None if package is not None or start == CHECKPOINT_TOKEN else start,
            train_uri=train_uri,
            validation_uri=None if work.validation is None else parts.files.uri(work.validation),
            reward_lambda_arn=work.reward_arn,
        )
    made: dict[str, Any] = {
        "base_name": parts.base_name(stage.name, settings, recipe=content, data=work.uploads),
        "request": request,
    }
    if start == CHECKPOINT_TOKEN:
        made |= _checkpoint(parts, work, recipe)
    return {"job": made} | ({"note": _DISTILLATION_NOTE} if stage.technique == "distillation" else {})


def _checkpoint(parts: JobParts, work: _Work, recipe: str) -> dict[str, Any]:
    """What the run adds to a job that starts from the checkpoint of an earlier stage."""
    what = f"the checkpoint that stage {work.stage.start} left in the escrow bucket"
    sample = {"what": what, "sample": checkpoint_sample(parts.resources)}
    return {
        "recipe_template": recipe.replace("recipe.yaml", "recipe.template.yaml"),
        "recipe": recipe,
        "open": {"HyperParameters.base_model_location": sample},
    }


def _recipe_only(parts: JobParts, work: _Work) -> dict[str, Any]:
    start = _start(work, work.settings.recipe.model.model_name_or_path)
    _, recipe = _recipe(parts, work, model=start, output=f"training/{work.stage.name}")
    if start != CHECKPOINT_TOKEN:
        return {"recipe": recipe, "note": HYPERPOD_NOTE}
    template = recipe.replace("recipe.yaml", "recipe.template.yaml")
    return {"recipe_template": template, "recipe": recipe, "note": HYPERPOD_NOTE}


def _bedrock_job(parts: JobParts, work: _Work) -> dict[str, Any]:
    stage, settings, resources = work.stage, work.settings, parts.resources
    values = {path: value for path, value in settings.values.items() if value is not None}
    longest = values.pop("maxResponseLengthForInference", None)
    model = foundation_model_arn(region=resources.region, model_type=settings.recipe.model.model_type)
    base_name = parts.files.base_name(
        stage.name,
        {"job": stage.name, "values": values, "model": model, "data": [upload.digest for upload in work.uploads]},
    )
    job = CustomizationJob(
        name=base_name,
        custom_model_name=custom_model_name(name=parts.checked.customization.name, digest=base_name[-8:]),
        role_arn=_required(resources.customization_role_arn, "role for Bedrock's jobs"),
        base_model=stage.start if stage.start.startswith("arn:") else model,
        key_arn=resources.key_arn,
        train_uri=parts.files.uri(work.train),
        output_uri=f"{parts.files.folder}/training/{stage.name}/",
        tags=parts.tags(stage.name),
        token=base_name,
        validation_uri=None if work.validation is None else parts.files.uri(work.validation),
    )
    request = create_customization_job(
        job,
        technique=cast("Literal['sft', 'rft', 'distillation']", stage.technique),
        hyper_parameters=cast("dict[str, str | int | float]", values),
        reward_lambda_arn=work.reward_arn,
        teacher=None if stage.teacher is None else _teacher(resources.region, stage.teacher),
        max_response_length=longest if isinstance(longest, int) else None,
    )
    del request["jobName"], request["clientRequestToken"]  # each attempt gets its own
    made = {
        "base_name": base_name,
        "service": "bedrock",
        "action": "CreateModelCustomizationJob",
        "request": request,
        "makes": _custom_model(parts, settings),
    }
    if work.earlier is not None:
        del request["baseModelIdentifier"]
        what = f"the custom model that stage {stage.start} made"
        made["open"] = {"baseModelIdentifier": {"what": what, "sample": _custom_model(parts, settings)}}
    return {"job": made}


def _custom_model(parts: JobParts, settings: JobSettings) -> str:
    """An ARN of the form that Bedrock gives a model of its own training; the real one is known afterwards."""
    arn = f"arn:aws:bedrock:{parts.resources.region}:{parts.resources.account}:custom-model"
    return f"{arn}/{settings.recipe.model.model_type}/{_SAMPLE_ID}"


def _teacher(region: str, teacher: str) -> str:
    """The teacher's foundation model, by the id without a context length."""
    identifier = catalogue().model(teacher).inference_profile.partition(".")[2]
    return f"arn:aws:bedrock:{region}::foundation-model/{identifier}"


def _serverless(parts: JobParts, work: _Work) -> dict[str, Any]:
    stage, settings, resources = work.stage, work.settings, parts.resources
    values = hyper_parameters(settings, name=run_name(name=parts.checked.customization.name, job=stage.name))
    group = _required(resources.model_package_group_arn, "model package group")
    content = settings.recipe.model.hub_content
    evaluator = None if stage.reward is None else _evaluator_arn(parts, stage.reward)
    job = ServerlessJob(
        base_model_arn=hub.base_model_arn(region=resources.region, hub_content=content, version=_SAMPLE_VERSION),
        role_arn=resources.training_role_arn,
        key_arn=resources.key_arn,
        output_uri=f"{parts.files.folder}/training",
        max_runtime_seconds=settings.timeout // timedelta(seconds=1),
        tags=parts.tags(stage.name),
        model_package=ModelPackage(group_arn=group, source_arn=stage.start if stage.start.startswith("arn:") else None),
    )
    request = serverless_fine_tuning(
        job,
        technique=cast("Literal['sft', 'dpo', 'rft']", stage.technique),
        tuning=settings.recipe.tuning or "full",
        hyper_parameters=values,
        train_uri=parts.files.uri(work.train),
        validation_uri=None if work.validation is None else parts.files.uri(work.validation),
        evaluator_arn=evaluator,
    )
    sample = request["ServerlessJobConfig"].pop("BaseModelArn")
    opened = {"ServerlessJobConfig.BaseModelArn": {"what": "the newest version in Amazon's hub", "sample": sample}}
    if work.earlier is not None:
        package = f"{group.replace(':model-package-group/', ':model-package/')}/1"
        what = f"the model package that stage {stage.start} made"
        opened["ModelPackageConfig.SourceModelPackageArn"] = {"what": what, "sample": package}
    data = [upload.digest for upload in work.uploads]
    base_name = parts.files.base_name(stage.name, {"values": values, "model": content, "data": data})
    made = {"base_name": base_name, "service": "sagemaker", "action": "CreateTrainingJob", "request": request}
    prepare = [_prepared("Resolve base model", "DescribeHubContent", hub.describe_base_model(hub_content=content))]
    if stage.reward is not None:
        imported = hub.import_evaluator(
            hub=_required(resources.evaluator_hub, "private hub"), name=stage.reward, function_arn=str(work.reward_arn)
        )
        prepare.append(_prepared("Register evaluator", "ImportHubContent", imported))
    return {"prepare": prepare, "job": {**made, "open": opened}}


def hyper_parameters(settings: JobSettings, *, name: str) -> dict[str, JsonValue]:
    """What a serverless job is told, by published short names: its name, its pace, and every override.

    The rest is left to the service, whose defaults are the hub's.
    """
    paced = {
        short: settings.values[paths[0]]
        for short, paths in settings.recipe.short_names.items()
        if short in _PACED_BY and "sagemaker" in settings.recipe.keys[paths[0]].overridable_on
    }
    return {**paced, **settings.hyperparameters, "name": name}


def _prepared(state: str, action: str, request: dict[str, Any]) -> dict[str, Any]:
    return {"state": state, "service": "sagemaker", "action": action, "request": request}


def _evaluator_arn(parts: JobParts, reward: str) -> str:
    resources = parts.resources
    name = _required(resources.evaluator_hub, "private hub")
    return f"arn:aws:sagemaker:{resources.region}:{resources.account}:hub-content/{name}/JsonDoc/{reward}/0.0.1"


def _start(work: _Work, base: str) -> str | None:
    """What the stage's recipe starts from: the base, a given checkpoint or package, or the token for a stage's.

    None for distillation, whose recipe names a teacher. The answers of a distillation are data, not a checkpoint.
    """
    if work.stage.technique == "distillation":
        return None
    if work.earlier is not None:
        return CHECKPOINT_TOKEN
    return base if work.stage.start == "base" else work.stage.start


def _recipe(parts: JobParts, work: _Work, *, model: str | None, output: str) -> tuple[bytes, str]:
    """The stage's rendered recipe, stored, and the URI that the request names."""
    stage = work.stage
    values = stage_values(
        work.settings,
        name=run_name(name=parts.checked.customization.name, job=stage.name),
        model=model,
        reward_arn=work.reward_arn,
        places=parts.places(train=work.train, validation=work.validation, output=output),
    )
    content = render(work.settings.recipe, values)
    return content, parts.files.recipe(stage.name, content, template=model == CHECKPOINT_TOKEN)


def _required(value: str | None, what: str) -> str:
    if value is None:
        raise ValueError(f"the environment's stacks make no {what}")
    return value
