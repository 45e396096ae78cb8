"""SageMaker's CreateTrainingJob for Nova: training, distillation and evaluation as jobs of Amazon's own images.

The requests hold what both generations of the SageMaker SDK send, together: `model_type` (version 2), a recipe named
`recipe.yaml` given as an exact object and an explicit compression (version 3). The job's name is left out, because each
attempt gets its own. The SDKs ask for neither entry point nor environment, and no checkpoint configuration: the
checkpoint goes to Amazon's escrow bucket.

Unproven without an account: whether the containers read `model_type`, which only version 2 sends, and whether one with
network isolation still reaches a reward function.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

RECIPE_PATH = "/opt/ml/input/data/recipe/recipe.yaml"
"""Where the container finds its recipe: the channel `recipe` is mounted in its own folder."""

_LOCAL_STORAGE = ("ml.p4d.", "ml.p4de.", "ml.p5.", "ml.p5e.", "ml.p5en.", "ml.g5.", "ml.g6.", "ml.g6e.")
_DATA_TYPES = {"sft": "Converse", "dpo": "Converse", "rft": "S3Prefix"}
_FUNCTION_ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vpc:
    """Where a job's containers run: one to five security groups, one to sixteen subnets."""

    security_group_ids: tuple[str, ...]
    subnet_ids: tuple[str, ...]

    def for_sagemaker(self) -> dict[str, list[str]]:
        """The value of SageMaker's `VpcConfig`."""
        return {"SecurityGroupIds": list(self.security_group_ids), "Subnets": list(self.subnet_ids)}

    def for_bedrock(self) -> dict[str, list[str]]:
        """The value of Bedrock's `vpcConfig`."""
        return {"subnetIds": list(self.subnet_ids), "securityGroupIds": list(self.security_group_ids)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPackage:
    """Where the registry keeps a job's model: its group, and the package that the job starts from, if it does."""

    group_arn: str
    source_arn: str | None = None

    def config(self) -> dict[str, str]:
        """The value of `ModelPackageConfig`, as version 3 of the SDK sends it."""
        source = {} if self.source_arn is None else {"SourceModelPackageArn": self.source_arn}
        return {"ModelPackageGroupArn": self.group_arn, **source}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a training job needs beside its data: image, machines, role, key, output and names for the bill.

    `image` names a tag (`…/nova-fine-tune-repo:SM-TJ-SFT-latest`) or a digest (`…/nova-fine-tune-repo@sha256:…`).
    """

    image: str
    instance_type: str
    instance_count: int
    role_arn: str
    key_arn: str
    output_uri: str
    recipe_uri: str
    max_runtime_seconds: int
    tags: Mapping[str, str]
    volume_size_gb: int = 500
    vpc: Vpc | None = None
    network_isolation: bool = False
    encrypt_between_instances: bool = True
    model_package: ModelPackage | None = None


def image_by_digest(image: str, digest: str) -> str:
    """The image's URI with `sha256:…` in place of its tag. Raises ValueError for anything else than such a digest."""
    if _DIGEST.fullmatch(digest) is None:
        raise ValueError(f"{digest!r} is no image digest: expected sha256: and 64 hexadecimal digits")
    repository = image.partition("@")[0]
    folder, slash, name = repository.rpartition("/")
    return f"{folder}{slash}{name.partition(':')[0]}@{digest}"


def fine_tuning_job(
    job: Job,
    *,
    technique: Literal["sft", "dpo", "rft"] = "sft",
    model_type: str,
    base_model: str | None,
    train_uri: str,
    validation_uri: str | None = None,
    reward_lambda_arn: str | None = None,
) -> dict[str, Any]:
    """CreateTrainingJob for supervised fine-tuning, preference optimization or reinforcement fine-tuning.

    Datasets are exact objects; both SDKs give them as `Converse`, and as `S3Prefix` for reinforcement fine-tuning.
    Without `base_model` the model is left open: either the workflow adds `base_model_location` once a checkpoint
    exists, or the job starts from `job.model_package`. Raises ValueError for an RFT job without a reward function's
    ARN, for another job with one, and for an ARN that has a version or an alias, which training jobs do not take.
    """
    if (technique == "rft") != (reward_lambda_arn is not None):
        raise ValueError(f"{technique} job with reward function {reward_lambda_arn}: rft needs one, others take none")
    channels = [channel("train", train_uri, data_type=_DATA_TYPES[technique])]
    if validation_uri is not None:
        channels.append(channel("validation", validation_uri, data_type=_DATA_TYPES[technique]))
    reward = {} if reward_lambda_arn is None else {"reward_lambda_arn": _function(reward_lambda_arn)}
    return _request(job, channels, {"model_type": model_type, **_start(job, base_model), **reward})


def distillation_job(job: Job, *, model_type: str, train_uri: str) -> dict[str, Any]:
    """CreateTrainingJob for distillation on SageMaker: a teacher answers the prompts, the student is fine-tuned later.

    `model_type` is the teacher's. Role and key are hyperparameters too, as both SDKs send them, for the container runs
    batch inference on Bedrock under them. No base model is named. AWS's page gives the prompts as `Converse`, and asks
    for a VPC, for a bucket that is encrypted with the key, and for one instance.
    """
    parameters = {
        "model_type": model_type,
        "distillation_data": "true",
        "role_arn": job.role_arn,
        "kms_key": job.key_arn,
    }
    return _request(job, [channel("train", train_uri, data_type="Converse")], parameters)


def evaluation_job(
    job: Job, *, model_type: str, base_model: str | None, data_uri: str | None, processor_arn: str | None = None
) -> dict[str, Any]:
    """CreateTrainingJob for an evaluation. Own data is an exact object named as the task demands (`gen_qa.jsonl`).

    A public benchmark takes no data: its only channel is the recipe, which names the task. `processor_arn` is the
    function that computes metrics of one's own; the reward function of `rft_eval` stands in the recipe alone, for
    neither SDK sends it. Without `base_model` the model is left open, as in `fine_tuning_job`. Raises ValueError for a
    processor's ARN that is none of a Lambda function, or has a version or an alias.
    """
    channels = [] if data_uri is None else [channel("train", data_uri, data_type="S3Prefix")]
    processor = {} if processor_arn is None else {"eval_lambda_arn": _function(processor_arn)}
    return _request(job, channels, {"model_type": model_type, **_start(job, base_model), **processor})


def base(model: str) -> dict[str, str]:
    """The hyperparameter that names the model to start from: a checkpoint's URI, or a base model's name.

    Raises ValueError for an ARN: a model package is named by `Job.model_package`.
    """
    if model.startswith("arn:"):
        raise ValueError(f"{model} is no base model: a job starts from a model package by Job.model_package")
    return {"base_model_location": model} if model.startswith("s3://") else {"base_model": model}


def _start(job: Job, base_model: str | None) -> dict[str, str]:
    if base_model is None:
        return {}
    if job.model_package is not None and job.model_package.source_arn is not None:
        raise ValueError(f"a job starts from {base_model} or from {job.model_package.source_arn}, not from both")
    return base(base_model)


def _function(arn: str) -> str:
    if _FUNCTION_ARN.fullmatch(arn) is None:
        raise ValueError(f"{arn!r} is no ARN of a Lambda function without version and alias")
    return arn


def _request(job: Job, channels: list[dict[str, Any]], hyper_parameters: Mapping[str, str]) -> dict[str, Any]:
    request: dict[str, Any] = {
        "RoleArn": job.role_arn,
        "AlgorithmSpecification": {"TrainingImage": job.image, "TrainingInputMode": "File"},
        "HyperParameters": {**hyper_parameters, "sagemaker_recipe_local_path": RECIPE_PATH},
        "InputDataConfig": [
            *channels,
            {**channel("recipe", job.recipe_uri, data_type="S3Prefix"), "InputMode": "File"},
        ],
        "OutputDataConfig": {"S3OutputPath": job.output_uri, "KmsKeyId": job.key_arn, "CompressionType": "GZIP"},
        "ResourceConfig": {
            "InstanceType": job.instance_type,
            "InstanceCount": job.instance_count,
            "VolumeSizeInGB": job.volume_size_gb,
            **_volume_key(job),
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": job.max_runtime_seconds},
        "EnableNetworkIsolation": job.network_isolation,
        "EnableInterContainerTrafficEncryption": job.encrypt_between_instances,
        "Tags": [{"Key": key, "Value": value} for key, value in job.tags.items()],
    }
    if job.vpc is not None:
        request["VpcConfig"] = job.vpc.for_sagemaker()
    if job.model_package is not None:
        request["ModelPackageConfig"] = job.model_package.config()
    return request


def channel(name: str, uri: str, *, data_type: str) -> dict[str, Any]:
    """One channel of `InputDataConfig`: an exact object or a prefix, copied whole to each instance."""
    source = {"S3DataType": data_type, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def _volume_key(job: Job) -> dict[str, str]:
    """The volume's key, where SageMaker takes one.

    Instances with local NVMe storage, which all of Nova's GPU instances are, encrypt it in hardware, and SageMaker
    refuses a VolumeKmsKeyId for them (API reference of ResourceConfig).
    """
    return {} if job.instance_type.startswith(_LOCAL_STORAGE) else {"VolumeKmsKeyId": job.key_arn}
