"""SageMaker's CreateTrainingJob for Nova: fine-tuning and evaluation run as training jobs of Amazon's own images.

The requests hold what both generations of the SageMaker SDK send, together: `model_type` (version 2), a recipe named
`recipe.yaml` given as an exact object and an explicit compression (version 3). The job's name is left out, because each
attempt gets its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RECIPE_PATH = "/opt/ml/input/data/recipe/recipe.yaml"
"""Where the container finds its recipe: the channel `recipe` is mounted in its own folder."""

_LOCAL_STORAGE = ("ml.p4d.", "ml.p4de.", "ml.p5.", "ml.p5e.", "ml.p5en.", "ml.g5.", "ml.g6.", "ml.g6e.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a training job needs beside its data: image, machines, role, key, output and names for the bill."""

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


def fine_tuning_job(
    job: Job, *, model_type: str, base_model: str, train_uri: str, validation_uri: str | None = None
) -> dict[str, Any]:
    """The request for supervised fine-tuning. Datasets are exact objects in the Converse format."""
    channels = [_channel("train", train_uri, data_type="Converse")]
    if validation_uri is not None:
        channels.append(_channel("validation", validation_uri, data_type="Converse"))
    parameters = {"model_type": model_type, **base(base_model), "sagemaker_recipe_local_path": RECIPE_PATH}
    return _request(job, channels, parameters)


def evaluation_job(job: Job, *, model_type: str, base_model: str | None, data_uri: str) -> dict[str, Any]:
    """The request for an evaluation with an own dataset, an exact object named as the task demands (`gen_qa.jsonl`).

    Without `base_model` the model is left open: the workflow adds `base_model_location` once a checkpoint exists.
    """
    parameters = {"model_type": model_type, "sagemaker_recipe_local_path": RECIPE_PATH}
    if base_model is not None:
        parameters |= base(base_model)
    return _request(job, [_channel("train", data_uri, data_type="S3Prefix")], parameters)


def base(model: str) -> dict[str, str]:
    """The hyperparameter that names the model to start from: a checkpoint's URI, or a base model's name."""
    return {"base_model_location": model} if model.startswith("s3://") else {"base_model": model}


def _request(job: Job, channels: list[dict[str, Any]], hyper_parameters: Mapping[str, str]) -> dict[str, Any]:
    return {
        "RoleArn": job.role_arn,
        "AlgorithmSpecification": {"TrainingImage": job.image, "TrainingInputMode": "File"},
        "HyperParameters": dict(hyper_parameters),
        "InputDataConfig": [
            *channels,
            {**_channel("recipe", job.recipe_uri, data_type="S3Prefix"), "InputMode": "File"},
        ],
        "OutputDataConfig": {"S3OutputPath": job.output_uri, "KmsKeyId": job.key_arn, "CompressionType": "GZIP"},
        "ResourceConfig": {
            "InstanceType": job.instance_type,
            "InstanceCount": job.instance_count,
            "VolumeSizeInGB": job.volume_size_gb,
            **_volume_key(job),
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": job.max_runtime_seconds},
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": True,
        "Tags": [{"Key": key, "Value": value} for key, value in job.tags.items()],
    }


def _channel(name: str, uri: str, *, data_type: str) -> dict[str, Any]:
    source = {"S3DataType": data_type, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def _volume_key(job: Job) -> dict[str, str]:
    """The volume's key, where SageMaker takes one.

    Instances with local NVMe storage, which all of Nova's GPU instances are, encrypt it in hardware, and SageMaker
    refuses a VolumeKmsKeyId for them (API reference of ResourceConfig).
    """
    return {} if job.instance_type.startswith(_LOCAL_STORAGE) else {"VolumeKmsKeyId": job.key_arn}
