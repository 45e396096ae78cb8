"""The jobs that Novaline and the SDKs are both asked for: one for each recipe that a training job reads, and some more.

A case holds Novaline's request and what a caller of an SDK would say for the same job.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from novaline.recipes.catalogue import catalogue
from novaline.recipes.model import JsonValue, Recipe
from novaline.recipes.rendering import default_values, render
from novaline.requests.training_job import (
    Job,
    ModelPackage,
    Vpc,
    distillation_job,
    evaluation_job,
    fine_tuning_job,
)

ACCOUNT, REGION = "111111111111", "us-east-1"
CHECKPOINT = f"s3://customer-escrow-{ACCOUNT}-smtj-00000000/checkpoint/0/"
REWARD = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:SageMakerReward"
PROCESSOR = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:SageMakerMetrics"
GROUP = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/nova"
PACKAGE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/nova/1"
VPC = Vpc(security_group_ids=("sg-00000000",), subnet_ids=("subnet-00000000", "subnet-11111111"))
DATA = "s3://bucket/data"

# What a caller of `from_recipe` or `PyTorch` has to say about a channel; the SDK's trainers, which say it themselves,
# are asked in test_serverless.py.
_DATA_TYPES = {
    "sft": "Converse",
    "dpo": "Converse",
    "rft": "S3Prefix",
    "evaluation": "S3Prefix",
    "distillation": "Converse",
}
_NOT_A_TRAINING_JOB = "multi-turn-rft"  # CreateJob, another API


@dataclass(frozen=True, kw_only=True)
class Case:
    """One job: the recipe's bytes, Novaline's request, and the channels as (URI, S3 data type) by name."""

    name: str
    recipe: Recipe
    content: bytes
    job: Job
    request: Mapping[str, Any]
    channels: Mapping[str, tuple[str, str]]
    only_sdk: int | None = None
    """The generation of the SDK that can be asked for this job, if the other one cannot."""

    @property
    def technique(self) -> str:
        """The recipe's technique."""
        return self.recipe.technique

    @property
    def volume_key(self) -> str | None:
        """The key that a caller gives for the volume, who knows as Novaline does where SageMaker takes one."""
        key: str | None = self.request["ResourceConfig"].get("VolumeKmsKeyId")
        return key

    @property
    def told_instances(self) -> int | None:
        """The number of instances, where the recipe has no `run.replicas` from which an SDK takes it."""
        return None if "run.replicas" in self.recipe.keys else self.job.instance_count

    def __str__(self) -> str:
        return self.name


def cases(*, sdk: int) -> tuple[Case, ...]:
    """Every case that this generation of the SDK can be asked for."""
    return tuple(case for case in (*_recipes(), *_more()) if case.only_sdk in (None, sdk))


def _recipes() -> Iterator[Case]:
    for recipe in catalogue().all():
        if "sagemaker" in recipe.platforms and recipe.technique != _NOT_A_TRAINING_JOB:
            yield _case(recipe)


def _more() -> Iterator[Case]:
    """What the recipes' own cases leave out: checkpoints, validation, networks, packages, functions for metrics."""
    sft = _find("nova-lite", "sft", "lora")
    rft = _find("nova-2-lite", "rft", "lora")
    own_data = _find("nova-2-lite", "evaluation", "byo_dataset")
    yield _case(sft, name="sft-from-checkpoint", start=CHECKPOINT)
    yield _case(sft, name="sft-with-validation", validation=True)
    yield _case(sft, name="sft-in-vpc", vpc=VPC)
    yield _case(sft, name="sft-isolated", network_isolation=True)
    yield _case(sft, name="sft-not-encrypted-between-instances", encrypt_between_instances=False)
    yield _case(sft, name="sft-by-digest", image=f"{_image(sft).partition(':')[0]}@sha256:{'0' * 64}")
    yield _case(sft, name="sft-into-group", only_sdk=3, model_package=ModelPackage(group_arn=GROUP))
    yield _case(
        sft,
        name="sft-from-package",
        only_sdk=3,
        start=PACKAGE,
        model_package=ModelPackage(group_arn=GROUP, source_arn=PACKAGE),
    )
    yield _case(rft, name="rft-with-validation", validation=True)
    yield _case(own_data, name="evaluation-of-checkpoint", start=CHECKPOINT)
    yield _case(own_data, name="evaluation-with-processor", processor=PROCESSOR)


def _find(model: str, technique: str, variant: str) -> Recipe:
    found = catalogue().find(model=model, technique=technique, variant=variant)
    assert found is not None, f"the catalogue has no {technique} recipe {variant} of {model}"
    return found


def _case(
    recipe: Recipe,
    *,
    name: str | None = None,
    start: str | None = None,
    validation: bool = False,
    processor: str | None = None,
    only_sdk: int | None = None,
    **job_changes: Any,
) -> Case:
    job = replace(_job(recipe), **job_changes)
    start = start or recipe.model.model_name_or_path
    uris = _uris(recipe, validation=validation)
    own: dict[str, JsonValue] = {
        "run.name": "conformance",
        "run.model_name_or_path": start,
        "run.replicas": job.instance_count,
        "run.reward_lambda_arn": REWARD,
        "training_config.rollout.rewards.api_endpoint.lambda_arn": REWARD,
        "rl_env.reward_lambda_arn": REWARD,
        "processor.lambda_arn": processor or "",
        "training_config.kms_key": job.key_arn,
        "training_config.customer_bucket": "bucket",
    }
    if recipe.technique == "distillation":
        del own["run.model_name_or_path"]  # stays empty: the teacher is named by another key
    values = {path: own.get(path, value) for path, value in default_values(recipe).items()}
    return Case(
        name=name or recipe.id,
        recipe=recipe,
        content=render(recipe, values),
        job=job,
        request=_request(recipe, job, start, uris, processor),
        channels={channel: (uri, _DATA_TYPES[recipe.technique]) for channel, uri in uris.items()},
        only_sdk=only_sdk,
    )


def _request(recipe: Recipe, job: Job, start: str, uris: Mapping[str, str], processor: str | None) -> Mapping[str, Any]:
    model_type = str(default_values(recipe)["run.model_type"])
    match recipe.technique:
        case "sft" | "dpo" | "rft":
            return fine_tuning_job(
                job,
                technique=recipe.technique,
                model_type=model_type,
                base_model=None if start == PACKAGE else start,
                train_uri=uris["train"],
                validation_uri=uris.get("validation"),
                reward_lambda_arn=REWARD if recipe.technique == "rft" else None,
            )
        case "evaluation":
            return evaluation_job(
                job, model_type=model_type, base_model=start, data_uri=uris.get("train"), processor_arn=processor
            )
        case "distillation":
            return distillation_job(job, model_type=model_type, train_uri=uris["train"])
    raise AssertionError(f"no request for {recipe.technique}")


def _uris(recipe: Recipe, *, validation: bool) -> dict[str, str]:
    """The datasets by channel; a public benchmark has none."""
    if recipe.technique == "evaluation":
        tasks = [task for task in catalogue().tasks().values() if task.variant == recipe.variant]
        assert tasks, f"no evaluation task has the recipes of {recipe.variant}"
        return {"train": f"{DATA}/gen_qa.jsonl"} if any(task.own_data for task in tasks) else {}
    return {name: f"{DATA}/{name}.jsonl" for name in ("train", *(["validation"] if validation else []))}


def _job(recipe: Recipe) -> Job:
    return Job(
        image=_image(recipe),
        instance_type=recipe.instances.types[0],
        instance_count=recipe.instances.default_count,
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/training",
        key_arn=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000",
        output_uri="s3://bucket/output",
        recipe_uri="s3://bucket/recipes/recipe.yaml",
        max_runtime_seconds=86400,
        tags={"novaline:run": "run", "novaline:environment": "dev"},
    )


def _image(recipe: Recipe) -> str:
    image = recipe.image("sagemaker", REGION)
    assert image is not None, f"no image of {recipe.id} in {REGION}"
    return image
