"""Every recipe of the catalogue that runs as a training job leads to a request that AWS's model takes."""

import pytest

from novaline.recipes.catalogue import catalogue
from novaline.requests.serverless_job import TECHNIQUES, ServerlessJob, serverless_fine_tuning
from novaline.requests.training_job import Job, ModelPackage, distillation_job, evaluation_job, fine_tuning_job

REGIONS = ("us-east-1", "us-west-2", "ap-northeast-1")
REWARD = "arn:aws:lambda:us-east-1:111111111111:function:SageMaker-dev-classification"
KEY = "arn:aws:kms:us-east-1:111111111111:key/00000000-0000-0000-0000-000000000000"
ROLE = "arn:aws:iam::111111111111:role/exec"
TRAINED = [recipe for recipe in catalogue().all() if "sagemaker" in recipe.platforms]
# A multi-turn recipe is a job of another API, CreateJob, whose document AWS does not publish.
JOBS = [recipe for recipe in TRAINED if recipe.technique != "multi-turn-rft"]
TUNED = [recipe for recipe in JOBS if recipe.technique in ("sft", "dpo", "rft")]


def request_for(recipe, *, instance_type, count, region):
    job = Job(
        image=recipe.image("sagemaker", region), instance_type=instance_type, instance_count=count, role_arn=ROLE,
        key_arn=KEY, output_uri="s3://artifacts/runs/r", recipe_uri="s3://artifacts/runs/r/recipe.yaml",
        max_runtime_seconds=432_000, tags={"novaline:run": "r"},
    )  # fmt: skip
    model = recipe.model
    if recipe.technique == "distillation":
        return distillation_job(job, model_type=model.model_type, train_uri="s3://data/prompts.jsonl")
    if recipe.technique == "evaluation":
        own = recipe.variant not in ("text_benchmark", "multimodal_benchmark")
        data = "s3://data/rows.jsonl" if own else None
        return evaluation_job(job, model_type=model.model_type, base_model=model.model_name_or_path, data_uri=data)
    return fine_tuning_job(
        job,
        technique=recipe.technique,
        model_type=model.model_type,
        base_model=model.model_name_or_path,
        train_uri="s3://data/train.jsonl",
        reward_lambda_arn=REWARD if recipe.technique == "rft" else None,
    )


def test_all_kinds_of_training_jobs_are_there_to_be_looked_at():
    assert {recipe.technique for recipe in JOBS} == {"sft", "dpo", "rft", "distillation", "evaluation"}
    assert [recipe.technique for recipe in TRAINED if recipe not in JOBS] == ["multi-turn-rft"]
    assert len(JOBS) == 46


@pytest.mark.parametrize("recipe", JOBS, ids=lambda recipe: recipe.id)
def test_a_recipe_becomes_a_request_for_each_of_its_machines_and_regions(recipe, training_job):
    assert recipe.instances.types
    for instance_type in recipe.instances.types:
        for count in recipe.instances.counts:
            training_job(request_for(recipe, instance_type=instance_type, count=count, region=REGIONS[0]))
    machine, count = recipe.instances.types[0], recipe.instances.default_count
    for region in REGIONS:
        image = training_job(request_for(recipe, instance_type=machine, count=count, region=region))
        assert f".dkr.ecr.{region}.amazonaws.com/nova-" in image["AlgorithmSpecification"]["TrainingImage"]


@pytest.mark.parametrize("recipe", TUNED, ids=lambda recipe: recipe.id)
def test_a_recipe_becomes_a_serverless_request_where_the_service_has_its_technique(recipe, training_job):
    job = ServerlessJob(
        base_model_arn=f"arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/{recipe.model.hub_content}",
        role_arn=ROLE, key_arn=KEY, output_uri="s3://artifacts/runs/r", max_runtime_seconds=86_400, tags={},
        model_package=ModelPackage(group_arn="arn:aws:sagemaker:us-east-1:111111111111:model-package-group/g"),
    )  # fmt: skip
    told = {name: recipe.keys[paths[0]].default for name, paths in recipe.short_names.items()}
    evaluator = "arn:aws:sagemaker:us-east-1:111111111111:hub-content/h/JsonDoc/reward/0.0.1"
    asked = {
        "technique": recipe.technique, "tuning": recipe.tuning, "hyper_parameters": told,
        "train_uri": "s3://data/train.jsonl", "evaluator_arn": evaluator if recipe.technique == "rft" else None,
    }  # fmt: skip
    if (recipe.technique, recipe.tuning) in TECHNIQUES:
        training_job(serverless_fine_tuning(job, **asked))
    else:
        with pytest.raises(ValueError, match="no serverless customization for rft with tuning full"):
            serverless_fine_tuning(job, **asked)
