"""Bedrock's CreateModelCustomizationJob: fine-tuning, reinforcement fine-tuning and distillation without machines.

The model's key is `customModelKmsKeyId`, a member of the request itself: neither the output nor the role has one.
Fine-tuning takes its hyperparameters as strings, reinforcement fine-tuning as numbers inside `rftConfig`.

Unproven without an account: whether Step Functions' `createModelCustomizationJob.sync` takes `rftConfig`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from novaline.requests.training_job import Vpc

_TYPES = {"sft": "FINE_TUNING", "rft": "REINFORCEMENT_FINE_TUNING", "distillation": "DISTILLATION"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomizationJob:
    """What a job of Bedrock needs beside its technique.

    `base_model` is a foundation model's ARN (`foundation_model_arn`) or that of a custom model that is trained further.
    `token` makes a repeated call the same call. Bedrock has no validation data for Nova 2 Lite's fine-tuning.
    """

    name: str
    custom_model_name: str
    role_arn: str
    base_model: str
    key_arn: str
    train_uri: str
    output_uri: str
    tags: Mapping[str, str]
    token: str
    validation_uri: str | None = None
    vpc: Vpc | None = None


def create_customization_job(
    job: CustomizationJob,
    *,
    technique: Literal["sft", "rft", "distillation"],
    hyper_parameters: Mapping[str, str | int | float],
    reward_lambda_arn: str | None = None,
    teacher: str | None = None,
    max_response_length: int | None = None,
) -> dict[str, Any]:
    """CreateModelCustomizationJob for one technique.

    `hyper_parameters` have Bedrock's names (`epochCount`, `batchSize`, `learningRate`, …). RFT is graded by the
    function `reward_lambda_arn`, whose ARN may name a version or an alias here. Distillation asks `teacher`, a model's
    id or the ARN of a model or an inference profile, for answers of at most `max_response_length` tokens. Raises
    ValueError for an RFT job without a reward function, a distillation without a teacher, and for either where it is of
    no use.
    """
    if (technique == "rft") != (reward_lambda_arn is not None):
        raise ValueError(f"{technique} job with reward function {reward_lambda_arn}: rft needs one, others take none")
    if (technique == "distillation") != (teacher is not None):
        raise ValueError(f"{technique} job with teacher {teacher}: distillation needs one, others take none")
    tags = [{"key": key, "value": value} for key, value in job.tags.items()]
    request: dict[str, Any] = {
        "jobName": job.name,
        "customModelName": job.custom_model_name,
        "roleArn": job.role_arn,
        "clientRequestToken": job.token,
        "baseModelIdentifier": job.base_model,
        "customizationType": _TYPES[technique],
        "customModelKmsKeyId": job.key_arn,
        "jobTags": tags,
        "customModelTags": tags,
        "trainingDataConfig": {"s3Uri": job.train_uri},
        "outputDataConfig": {"s3Uri": job.output_uri},
    }
    if job.validation_uri is not None:
        request["validationDataConfig"] = {"validators": [{"s3Uri": job.validation_uri}]}
    if job.vpc is not None:
        request["vpcConfig"] = job.vpc.for_bedrock()
    if reward_lambda_arn is not None:
        request["customizationConfig"] = {"rftConfig": _rft(reward_lambda_arn, hyper_parameters)}
        return request
    if hyper_parameters:
        request["hyperParameters"] = {name: _text(value) for name, value in hyper_parameters.items()}
    if teacher is not None:
        length = {} if max_response_length is None else {"maxResponseLengthForInference": max_response_length}
        model = {"teacherModelIdentifier": teacher, **length}
        request["customizationConfig"] = {"distillationConfig": {"teacherModelConfig": model}}
    return request


def foundation_model_arn(*, region: str, model_type: str) -> str:
    """A base model as Bedrock trains it: the ARN of a recipe's `model_type` (`amazon.nova-2-lite-v1:0:256k`)."""
    return f"arn:aws:bedrock:{region}::foundation-model/{model_type}"


def _rft(reward_lambda_arn: str, hyper_parameters: Mapping[str, str | int | float]) -> dict[str, Any]:
    config: dict[str, Any] = {"graderConfig": {"lambdaGrader": {"lambdaArn": reward_lambda_arn}}}
    if hyper_parameters:
        config["hyperParameters"] = dict(hyper_parameters)
    return config


def _text(value: str | float) -> str:
    """A hyperparameter as text, a number in plain decimals: 1e-05 becomes 0.00001."""
    return value if isinstance(value, str) else format(Decimal(repr(value)), "f")
