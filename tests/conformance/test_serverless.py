"""Novaline asks for a job without instances as the SDK's trainers and evaluators do (version 3; version 2 has none)."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest
from cases import ACCOUNT, DATA, GROUP, REGION, REWARD, VPC
from compare import complaints
from listed import EVALUATOR, LISTED, SERVERLESS_EVALUATION, SERVERLESS_TRAINING
from wire import Wire

from novaline.recipes.catalogue import catalogue
from novaline.recipes.model import Recipe
from novaline.requests.hub import base_model_arn, import_evaluator
from novaline.requests.serverless_job import (
    TECHNIQUES,
    Mlflow,
    ServerlessJob,
    serverless_evaluation,
    serverless_fine_tuning,
)
from novaline.requests.training_job import ModelPackage

ROLE = f"arn:aws:iam::{ACCOUNT}:role/training"


def _recipes() -> list[Recipe]:
    """The recipes whose technique and tuning exist without instances: of each model, the preferred one."""
    found = [
        catalogue().find(model=model, technique=technique, variant=tuning)
        for model in catalogue().models()
        for technique, tuning in TECHNIQUES
    ]
    return [recipe for recipe in found if recipe is not None]


def _evaluation_recipe(variant: str) -> Recipe:
    found = catalogue().find(model="nova-2-lite", technique="evaluation", variant=variant)
    assert found is not None
    return found


def _job(recipe: Recipe, **changes: Any) -> ServerlessJob:
    values: dict[str, Any] = {
        "base_model_arn": base_model_arn(region=REGION, hub_content=recipe.model.hub_content, version="1.0.0"),
        "role_arn": ROLE,
        "key_arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000",
        "output_uri": "s3://bucket/output",
        "max_runtime_seconds": 86400,
        "tags": {"novaline:run": "run"},
        "vpc": VPC,
    }
    return ServerlessJob(**(values | changes))


@pytest.fixture
def sdk(wire: Wire) -> ModuleType:
    """The SDK's trainers and evaluators; their import makes clients, so it has to find the wire in place."""
    return importlib.import_module("serverless3")


def _check(asked: str, labels: set[str], ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    listed = [difference for difference in LISTED if difference.asked == asked]
    found = complaints(ours, theirs, listed=listed, labels=labels)
    assert not found, "\n".join(found)


def _step(wire: Wire) -> Mapping[str, Any]:
    """What the one job of the SDK's pipeline asks for."""
    steps = json.loads(wire.sent("CreatePipeline")["PipelineDefinition"])["Steps"]
    jobs: list[Mapping[str, Any]] = [step["Arguments"] for step in steps if step["Type"] == "Training"]
    assert len(jobs) == 1
    return jobs[0]


@pytest.mark.parametrize("recipe", _recipes(), ids=lambda recipe: recipe.id)
def test_training_differs_from_the_sdks_only_where_it_is_meant_to(recipe: Recipe, wire: Wire, sdk: ModuleType):
    wire.answers |= sdk.answers(recipe)
    mlflow = Mlflow(resource_arn=f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:mlflow-app/app-ABC")
    job = _job(recipe, model_package=ModelPackage(group_arn=GROUP), mlflow=mlflow)
    train, validation = f"{DATA}/train.jsonl", f"{DATA}/validation.jsonl"
    sdk.train(job, recipe=recipe, train_uri=train, validation_uri=validation)
    request = serverless_fine_tuning(
        job,
        technique=recipe.technique,
        tuning=recipe.tuning,
        hyper_parameters=sdk.hyper_parameters(recipe),
        train_uri=train,
        validation_uri=validation,
        evaluator_arn=sdk.EVALUATOR if recipe.technique == "rft" else None,
    )
    _check(SERVERLESS_TRAINING, {recipe.technique}, request, wire.sent("CreateTrainingJob"))


def test_a_benchmark_differs_from_the_sdks_only_where_it_is_meant_to(wire: Wire, sdk: ModuleType):
    recipe, task = _evaluation_recipe("text_benchmark"), catalogue().tasks()["mmlu"]
    wire.answers |= sdk.answers(recipe)
    job, subtask = _job(recipe), "abstract_algebra"
    sdk.benchmark(job, recipe=recipe, task=task.name, subtask=subtask)
    request = serverless_evaluation(job, task=task, subtask=subtask, inference=sdk.hyper_parameters(recipe))
    _check(SERVERLESS_EVALUATION, {"benchmark"}, request, _step(wire))


def test_an_evaluation_of_own_data_differs_from_the_sdks_only_where_it_is_meant_to(wire: Wire, sdk: ModuleType):
    recipe, task = _evaluation_recipe("byo_dataset"), catalogue().tasks()["gen_qa"]
    wire.answers |= sdk.answers(recipe)
    job, data = _job(recipe), f"{DATA}/gen_qa.jsonl"
    sdk.score(job, recipe=recipe, data_uri=data)
    request = serverless_evaluation(
        job,
        task=task,
        data_uri=data,
        inference=sdk.hyper_parameters(recipe),
        evaluator_arn=sdk.EVALUATOR,
    )
    _check(SERVERLESS_EVALUATION, {"own-data"}, request, _step(wire))


def test_an_evaluator_differs_from_the_sdks_only_where_it_is_meant_to(wire: Wire, sdk: ModuleType):
    wire.answers |= sdk.registry()
    sdk.import_evaluator(name="reward", function_arn=REWARD, role_arn=ROLE)
    theirs = wire.sent("ImportHubContent")
    ours = import_evaluator(hub=theirs["HubName"], name="reward", function_arn=REWARD)
    _check(EVALUATOR, {"reward"}, _read(ours), _read(theirs))


def _read(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request with its documents read: both are JSON within JSON, and blanks between tokens mean nothing."""
    document = json.loads(request["HubContentDocument"])
    return {**request, "HubContentDocument": {**document, "JsonContent": json.loads(document["JsonContent"])}}
