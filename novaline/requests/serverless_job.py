"""SageMaker's CreateTrainingJob without machines: ServerlessJobConfig takes the place of image, recipe and instances.

The hyperparameters are the published short names of the recipe, as strings; the service holds the recipe itself. Output
is not compressed, as Amazon's evaluation pipelines and the Forge SDK ask, so the manifest lies at
`<output>/<job>/output/output/manifest.json`.
`AcceptEula` is sent as true, as they send it: whoever runs the request accepts Amazon's terms for the model.

Unproven without an account: whether Step Functions' optimized integration takes these fields (`aws-sdk` does).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from novaline.recipes.model import EvaluationTask, Tuning
from novaline.requests.training_job import ModelPackage, Vpc, channel

TECHNIQUES: Mapping[tuple[str, Tuning], tuple[str, str | None]] = MappingProxyType(
    {
        ("sft", "lora"): ("SFT", "LORA"),
        ("sft", "full"): ("SFT", None),
        ("dpo", "lora"): ("DPO", "LORA"),
        ("dpo", "full"): ("DPO", None),
        ("rft", "lora"): ("RLVR", "LORA"),
    }
)
"""What can be trained: technique and tuning → `CustomizationTechnique` and `Peft`, which is left out for full rank.

Source: the tables of aws/nova-forge-sdk. It has no full-rank RFT, and the API's enumeration has no pre-training.
"""

_CUSTOM_SCORER_TASKS = ("gen_qa", "rft_eval")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlflow:
    """Where a job writes its metrics: an MLflow app or tracking server of SageMaker."""

    resource_arn: str
    experiment: str | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerlessJob:
    """What a serverless job needs beside its data.

    `base_model_arn` is the hub content of the base model with its version, which only DescribeHubContent tells.
    Training needs a `model_package`, whose group must exist; its `source_arn` names a customized model to start from,
    or to evaluate.
    """

    base_model_arn: str
    role_arn: str
    key_arn: str
    output_uri: str
    max_runtime_seconds: int
    tags: Mapping[str, str]
    model_package: ModelPackage | None = None
    vpc: Vpc | None = None
    mlflow: Mlflow | None = None


def serverless_fine_tuning(
    job: ServerlessJob,
    *,
    technique: Literal["sft", "dpo", "rft"],
    tuning: Tuning,
    hyper_parameters: Mapping[str, object],
    train_uri: str,
    validation_uri: str | None = None,
    evaluator_arn: str | None = None,
) -> dict[str, Any]:
    """CreateTrainingJob for serverless fine-tuning; RFT is called RLVR here, and rewarded by an evaluator.

    `evaluator_arn` is the hub content that wraps the reward function (`novaline.requests.hub`). Raises ValueError where
    the service has no such technique and tuning, without a model package group, and for an evaluator that is missing
    (RFT) or of no use (others).
    """
    if (technique, tuning) not in TECHNIQUES:
        raise ValueError(f"no serverless customization for {technique} with tuning {tuning}")
    if job.model_package is None:
        raise ValueError("serverless fine-tuning puts its model into a model package group: none is given")
    if (technique == "rft") != (evaluator_arn is not None):
        raise ValueError(f"{technique} job with evaluator {evaluator_arn}: rft needs one, others take none")
    name, peft = TECHNIQUES[technique, tuning]
    data_type = "S3Prefix" if technique == "rft" else "Converse"
    channels = [channel("train", train_uri, data_type=data_type)]
    if validation_uri is not None:
        channels.append(channel("validation", validation_uri, data_type=data_type))
    config = {"JobType": "FineTuning", "CustomizationTechnique": name}
    if peft is not None:
        config["Peft"] = peft
    if evaluator_arn is not None:
        config["EvaluatorArn"] = evaluator_arn
    return _request(job, config, _strings(hyper_parameters), channels)


def serverless_evaluation(
    job: ServerlessJob,
    *,
    task: EvaluationTask,
    subtask: str | None = None,
    data_uri: str | None = None,
    inference: Mapping[str, object] | None = None,
    evaluator_arn: str | None = None,
    aggregation: str | None = None,
) -> dict[str, Any]:
    """CreateTrainingJob for a serverless evaluation of `job.model_package.source_arn`, or else of the base model.

    Task, strategy and metric are hyperparameters, since no recipe carries them. `inference` is what the recipe's
    section of that name would hold (`max_new_tokens`, `temperature`, …). `evaluator_arn` is hub content that wraps a
    scoring function, sent with `lambda_type` and `postprocessing` as version 3 of the SDK does; unproven is whether
    `lambda_arn`, which aws/nova-forge-sdk sends instead, does the same. Raises ValueError when data is missing for a
    task that has its own, given for one that has not, and for an evaluator of a task that takes none.
    """
    if task.own_data != (data_uri is not None):
        raise ValueError(f"task {task.name} with data {data_uri}: {'needs' if task.own_data else 'takes no'} own data")
    custom = task.name in _CUSTOM_SCORER_TASKS
    if evaluator_arn is not None and not custom:
        raise ValueError(f"task {task.name} takes no evaluator; {' and '.join(_CUSTOM_SCORER_TASKS)} do")
    config = {"JobType": "Evaluation", "EvaluationType": "CustomScorerEvaluation" if custom else "BenchmarkEvaluation"}
    parameters = {"task": task.name, "strategy": task.strategy, "metric": task.metric, **_strings(inference or {})}
    if subtask is not None:
        parameters["subtask"] = subtask
    if evaluator_arn is not None:
        config["EvaluatorArn"] = evaluator_arn
        parameters |= {"lambda_type": "rft", "postprocessing": "True"}
    if aggregation is not None:
        parameters["aggregation"] = aggregation
    channels = [] if data_uri is None else [channel("train", data_uri, data_type="S3Prefix")]
    return _request(job, config, parameters, channels)


def _request(
    job: ServerlessJob, config: Mapping[str, str], hyper_parameters: Mapping[str, str], channels: list[dict[str, Any]]
) -> dict[str, Any]:
    request: dict[str, Any] = {
        "RoleArn": job.role_arn,
        "HyperParameters": dict(hyper_parameters),
        "OutputDataConfig": {"S3OutputPath": job.output_uri, "KmsKeyId": job.key_arn, "CompressionType": "NONE"},
        "StoppingCondition": {"MaxRuntimeInSeconds": job.max_runtime_seconds},
        "ServerlessJobConfig": {"BaseModelArn": job.base_model_arn, "AcceptEula": True, **config},
        "Tags": [{"Key": key, "Value": value} for key, value in job.tags.items()],
    }
    if channels:
        request["InputDataConfig"] = channels
    if job.model_package is not None:
        request["ModelPackageConfig"] = job.model_package.config()
    if job.vpc is not None:
        request["VpcConfig"] = job.vpc.for_sagemaker()
    if job.mlflow is not None:
        request["MlflowConfig"] = _mlflow(job.mlflow)
    return request


def _mlflow(mlflow: Mlflow) -> dict[str, str]:
    config = {"MlflowResourceArn": mlflow.resource_arn}
    if mlflow.experiment is not None:
        config["MlflowExperimentName"] = mlflow.experiment
    if mlflow.run is not None:
        config["MlflowRunName"] = mlflow.run
    return config


def _strings(values: Mapping[str, object]) -> dict[str, str]:
    """The values as the service takes them, in Python's spelling (`1e-05`, `True`), as both of Amazon's tools write.

    A value of None is not sent: the service's recipe keeps its own.
    """
    return {
        name: value if isinstance(value, str) else repr(value) for name, value in values.items() if value is not None
    }
