"""Version 3 of Amazon's SDK, asked for jobs without instances: what its trainers and evaluators send.

They look models up in Amazon's hub, which a table stands for: it publishes the short names and defaults of Novaline's
catalogue.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from cases import ACCOUNT, GROUP, REGION
from sagemaker.ai_registry.evaluator import Evaluator
from sagemaker.core.shapes import StoppingCondition, VpcConfig
from sagemaker.train.common import TrainingType
from sagemaker.train.dpo_trainer import DPOTrainer
from sagemaker.train.evaluate import BenchMarkEvaluator, CustomScorerEvaluator
from sagemaker.train.evaluate.benchmark_evaluator import get_benchmarks
from sagemaker.train.rlvr_trainer import RLVRTrainer
from sagemaker.train.sft_trainer import SFTTrainer
from sdk3 import session
from wire import Answer

from novaline.recipes.model import Recipe
from novaline.recipes.rendering import default_values, render, resolve
from novaline.requests.hub import base_model_arn
from novaline.requests.serverless_job import TECHNIQUES, ServerlessJob

EVALUATOR = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hub-content/registry/JsonDoc/reward/0.0.1"
_TRAINERS = {"sft": SFTTrainer, "dpo": DPOTrainer, "rft": RLVRTrainer}
_EVALUATIONS = {"text_benchmark": "DeterministicTextBenchmark", "byo_dataset": "DeterministicEvaluation"}
# What the trainers take as arguments, and the evaluators from the task.
_ARGUMENTS = ("data_s3_path", "output_s3_path", "validation_s3_path", "model_name_or_path", "reward_lambda_arn")
_INFERENCE = ("max_new_tokens", "temperature", "top_k", "top_p")
_PIPELINE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/evaluation"


def hyper_parameters(recipe: Recipe) -> dict[str, Any]:
    """The recipe's published short names with their defaults, as far as they are a job's hyperparameters."""
    values = resolve(default_values(recipe))
    paths = {name: paths[0] for name, paths in recipe.short_names.items() if name not in _ARGUMENTS}
    published = {name: values[path] for name, path in paths.items() if "sagemaker" in recipe.keys[path].overridable_on}
    if recipe.technique == "evaluation":
        return {name: value for name, value in published.items() if name in _INFERENCE}
    return published


def answers(recipe: Recipe) -> dict[str, Answer]:
    """Amazon's hub with one model, whose one recipe is this one; a private hub without content; pipelines."""
    entry = {"SmtjRecipeTemplateS3Uri": "s3://hub/recipe.yaml", "SmtjOverrideParamsS3Uri": "s3://hub/overrides.json"}
    if recipe.technique == "evaluation":
        entry |= {"Type": "Evaluation", "EvaluationType": _EVALUATIONS[recipe.variant]}
    else:
        technique, peft = TECHNIQUES[recipe.technique, recipe.tuning]
        entry |= {"CustomizationTechnique": technique, "Type": "FineTuning", **({"Peft": peft} if peft else {})}
    types = {int: "integer", float: "float", str: "string"}
    overrides = {
        name: {"default": value, "type": types.get(type(value), "string")}
        for name, value in hyper_parameters(recipe).items()
    }
    files = {
        "/recipe.yaml": render(recipe, default_values(recipe)),
        "/overrides.json": json.dumps(overrides).encode(),
    }
    content = {
        "HubContentArn": base_model_arn(region=REGION, hub_content=recipe.model.hub_content, version="1.0.0"),
        "HubContentVersion": "1.0.0",
        "HubContentStatus": "Available",
        "DocumentSchemaVersion": "2.4.0",
        "HubContentDocument": json.dumps({"RecipeCollection": [entry]}),
    }
    return {
        "DescribeHubContent": lambda call: {**call, **content},
        "HeadObject": lambda call: {"ContentLength": len(files[call["path"]]), "ETag": "0"},
        "GetObject": lambda call: {"Body": StreamingBody(io.BytesIO(files[call["path"]]), len(files[call["path"]]))},
        "ListObjectsV2": lambda _: {"KeyCount": 1, "Contents": [{"Key": "data"}]},
        "ListArtifacts": lambda _: {"ArtifactSummaries": []},
        "CreateArtifact": lambda _: {"ArtifactArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:artifact/0"},
        "DescribeArtifact": lambda call: call,
        "ListPipelines": lambda _: {"PipelineSummaries": []},
        "CreatePipeline": lambda _: {"PipelineArn": _PIPELINE},
        "DescribePipeline": lambda call: {"PipelineArn": _PIPELINE, "PipelineStatus": "Active", **call},
        "StartPipelineExecution": lambda _: {"PipelineExecutionArn": f"{_PIPELINE}/execution/0"},
        "DescribePipelineExecution": lambda call: {**call, "PipelineExecutionStatus": "Executing"},
    }


def registry() -> dict[str, Answer]:
    """A private hub that holds no evaluator before one is imported."""
    imported: list[Mapping[str, Any]] = []

    def describe(call: Mapping[str, Any]) -> Mapping[str, Any]:
        if not imported:
            raise ClientError({"Error": {"Code": "ResourceNotFound", "Message": "none"}}, "DescribeHubContent")
        return {**imported[0], "HubContentArn": EVALUATOR, "CreationTime": 0, "LastModifiedTime": 0, **call}

    return {
        "DescribeHub": lambda call: call,
        "DescribeHubContent": describe,
        "ImportHubContent": lambda call: imported.append(call) or {},
    }


def train(job: ServerlessJob, *, recipe: Recipe, train_uri: str, validation_uri: str | None) -> None:
    """Have the trainer of the recipe's technique send its request. It is told all that a caller can tell it."""
    reward = {"custom_reward_function": EVALUATOR, "skip_reward_validation": True} if recipe.technique == "rft" else {}
    trainer = _TRAINERS[recipe.technique](
        model=recipe.model.hub_content,
        training_type=TrainingType.LORA if recipe.tuning == "lora" else TrainingType.FULL,
        model_package_group=GROUP,
        mlflow_resource_arn=job.mlflow.resource_arn if job.mlflow else None,
        training_dataset=train_uri,
        validation_dataset=validation_uri,
        s3_output_path=job.output_uri,
        kms_key_id=job.key_arn,
        networking=_network(job),
        accept_eula=True,
        stopping_condition=StoppingCondition(max_runtime_in_seconds=job.max_runtime_seconds),
        is_multimodal=False,
        disable_output_compression=True,
        sagemaker_session=session(),
        role=job.role_arn,
        base_job_name="conformance",
        tags=[{"key": key, "value": value} for key, value in job.tags.items()],
        **reward,
    )
    trainer.train(wait=False)


def benchmark(job: ServerlessJob, *, recipe: Recipe, task: str, subtask: str) -> None:
    """Have the SDK evaluate a base model by a public benchmark: a pipeline of one job."""
    BenchMarkEvaluator(benchmark=get_benchmarks()(task), subtasks=subtask, **_evaluated(job, recipe)).evaluate()


def score(job: ServerlessJob, *, recipe: Recipe, data_uri: str) -> None:
    """Have the SDK evaluate a base model by own data and an evaluator: a pipeline of one job."""
    CustomScorerEvaluator(evaluator=EVALUATOR, dataset=data_uri, **_evaluated(job, recipe)).evaluate()


def import_evaluator(*, name: str, function_arn: str, role_arn: str) -> None:
    """Have the SDK wrap a Lambda function as an evaluator."""
    Evaluator.create(
        name=name, type="RewardFunction", source=function_arn, wait=False, role=role_arn, sagemaker_session=session()
    )


def _evaluated(job: ServerlessJob, recipe: Recipe) -> dict[str, Any]:
    return {
        "model": recipe.model.hub_content,
        "evaluate_base_model": True,
        "s3_output_path": job.output_uri,
        "mlflow_resource_arn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:mlflow-app/app-ABC",
        "model_package_group": GROUP,
        "sagemaker_session": session(),
        "region": REGION,
        "role": job.role_arn,
        "kms_key_id": job.key_arn,
        "networking": _network(job),
    }


def _network(job: ServerlessJob) -> VpcConfig | None:
    if job.vpc is None:
        return None
    return VpcConfig(security_group_ids=list(job.vpc.security_group_ids), subnets=list(job.vpc.subnet_ids))
