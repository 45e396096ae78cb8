"""Training jobs without machines: what the service is told that a recipe would otherwise say."""

import pytest

from novaline.customization.managed import SERVERLESS
from novaline.recipes.model import EvaluationTask
from novaline.requests.conformance import service_model
from novaline.requests.hub import base_model_arn, describe_base_model, import_evaluator
from novaline.requests.serverless_job import (
    TECHNIQUES,
    Mlflow,
    ServerlessJob,
    serverless_evaluation,
    serverless_fine_tuning,
)
from novaline.requests.training_job import ModelPackage, Vpc

ACCOUNT = "arn:aws:sagemaker:us-east-1:123456789012"
GROUP = ModelPackage(group_arn=f"{ACCOUNT}:model-package-group/mpg")
CUSTOM = ModelPackage(group_arn=GROUP.group_arn, source_arn=f"{ACCOUNT}:model-package/mpg/1")
EVALUATOR = f"{ACCOUNT}:hub-content/AiRegistry/JsonDoc/reward/0.0.1"
MMLU = EvaluationTask(
    name="mmlu", title="MMLU", variant="text_benchmark", strategy="zs_cot", metric="accuracy", own_data=False,
    modality="text",
)  # fmt: skip
GEN_QA = MMLU.model_copy(update={"name": "gen_qa", "strategy": "gen_qa", "metric": "all", "own_data": True})


def job(**changes):
    values = {
        "base_model_arn": base_model_arn(
            region="us-east-1", hub_content="nova-textgeneration-lite-v2", version="3.41.0"
        ),
        "role_arn": "arn:aws:iam::123456789012:role/exec",
        "key_arn": "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000",
        "output_uri": "s3://bkt/out", "max_runtime_seconds": 86400, "tags": {"novaline:run": "r"},
        "model_package": GROUP,
    }  # fmt: skip
    return ServerlessJob(**(values | changes))


@pytest.fixture
def tuned(training_job):
    def request(*, on=None, **changes):
        asked = {
            "technique": "sft", "tuning": "lora", "train_uri": "s3://bkt/train.jsonl",
            "hyper_parameters": {"learning_rate": 1e-5, "max_steps": 100, "global_batch_size": 64, "name": "n"},
        }  # fmt: skip
        return training_job(serverless_fine_tuning(job(**(on or {})), **(asked | changes)))

    return request


@pytest.fixture
def evaluated(training_job):
    def request(*, on=None, **asked):
        return training_job(serverless_evaluation(job(**(on or {})), **asked))

    return request


def test_fine_tuning_is_asked_for_as_version_3_of_the_sdk_asks(tuned, captured):
    v3 = captured["v3:serverless-sft"]
    mlflow = Mlflow(resource_arn=v3["MlflowConfig"]["MlflowResourceArn"])
    request = tuned(on={"mlflow": mlflow}, validation_uri="s3://bkt/val.jsonl")
    # Beside what the SDK sends: a limit of time, the key of the output, its form, and names for the bill.
    assert request.keys() - v3.keys() == {"StoppingCondition", "Tags"}
    assert request["OutputDataConfig"].keys() - v3["OutputDataConfig"].keys() == {"KmsKeyId", "CompressionType"}
    for member in v3.keys() - {"TrainingJobName", "OutputDataConfig"}:
        assert request[member] == v3[member], member


def test_nothing_of_a_machine_is_in_a_request_without_machines(tuned, evaluated):
    for request in (tuned(), evaluated(task=MMLU)):
        assert not request.keys() & {"AlgorithmSpecification", "ResourceConfig"}
        assert "sagemaker_recipe_local_path" not in request["HyperParameters"]


@pytest.mark.parametrize(("asked", "sent"), TECHNIQUES.items())
def test_each_technique_has_the_services_name_and_full_rank_has_no_peft(tuned, asked, sent):
    technique, tuning = asked
    request = tuned(technique=technique, tuning=tuning, evaluator_arn=EVALUATOR if technique == "rft" else None)
    config = request["ServerlessJobConfig"]
    assert (config["CustomizationTechnique"], config.get("Peft")) == sent
    assert config.get("EvaluatorArn") == (EVALUATOR if technique == "rft" else None)
    data_type = request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3DataType"]
    assert data_type == ("S3Prefix" if technique == "rft" else "Converse")


def test_what_the_service_cannot_train_is_no_request(tuned):
    with pytest.raises(ValueError, match="rft with tuning full"):
        tuned(technique="rft", tuning="full", evaluator_arn=EVALUATOR)
    with pytest.raises(ValueError, match="model package group"):
        tuned(on={"model_package": None})
    with pytest.raises(ValueError, match="rft needs one"):
        tuned(technique="rft")
    with pytest.raises(ValueError, match="others take none"):
        tuned(evaluator_arn=EVALUATOR)


def test_hyperparameters_are_strings_and_what_has_no_value_is_not_sent(tuned):
    sent = tuned(
        hyper_parameters={"learning_rate": 1e-5, "reasoning_enabled": True, "reasoning_effort": None, "n": "x"}
    )
    assert sent["HyperParameters"] == {"learning_rate": "1e-05", "reasoning_enabled": "True", "n": "x"}


def test_a_customized_model_and_a_vpc_are_named_when_there_are_any(tuned):
    vpc = Vpc(security_group_ids=("sg-1",), subnet_ids=("subnet-1",))
    mlflow = Mlflow(resource_arn=f"{ACCOUNT}:mlflow-app/app-A", experiment="support", run="r1")
    request = tuned(on={"model_package": CUSTOM, "vpc": vpc, "mlflow": mlflow})
    assert request["ModelPackageConfig"]["SourceModelPackageArn"] == CUSTOM.source_arn
    assert request["VpcConfig"] == {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    assert request["MlflowConfig"] == {
        "MlflowResourceArn": mlflow.resource_arn,
        "MlflowExperimentName": "support",
        "MlflowRunName": "r1",
    }


def test_the_manifest_of_a_serverless_job_is_no_archive(tuned, evaluated):
    for request in (tuned(), evaluated(task=MMLU)):
        assert request["OutputDataConfig"]["CompressionType"] == "NONE"


def test_a_benchmark_has_a_subtask_and_sampling_and_no_data(evaluated):
    request = evaluated(task=MMLU, subtask="anatomy", inference={"max_new_tokens": 8196, "temperature": 0.0})
    assert request["HyperParameters"] == {
        "task": "mmlu", "strategy": "zs_cot", "metric": "accuracy", "subtask": "anatomy",
        "max_new_tokens": "8196", "temperature": "0.0",
    }  # fmt: skip
    assert request["ServerlessJobConfig"]["EvaluationType"] == "BenchmarkEvaluation"
    assert "InputDataConfig" not in request


def test_a_task_has_its_rows_or_takes_none(evaluated):
    with pytest.raises(ValueError, match="gen_qa with data None: needs own data"):
        evaluated(task=GEN_QA)
    with pytest.raises(ValueError, match="takes no own data"):
        evaluated(task=MMLU, data_uri="s3://b/x.jsonl")


def test_the_base_model_is_evaluated_without_a_model_package(evaluated):
    assert "ModelPackageConfig" not in evaluated(on={"model_package": None}, task=MMLU)
    config = evaluated(on={"model_package": CUSTOM}, task=MMLU)["ModelPackageConfig"]
    assert config["SourceModelPackageArn"] == CUSTOM.source_arn


def test_own_rows_are_scored_by_the_service_or_by_an_evaluator(evaluated):
    plain = evaluated(task=GEN_QA, data_uri="s3://bkt/gen_qa.jsonl")
    assert plain["ServerlessJobConfig"]["EvaluationType"] == "CustomScorerEvaluation"
    assert plain["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3DataType"] == "S3Prefix"
    assert "EvaluatorArn" not in plain["ServerlessJobConfig"]
    scored = evaluated(task=GEN_QA, data_uri="s3://b/x.jsonl", evaluator_arn=EVALUATOR, aggregation="average")
    assert scored["ServerlessJobConfig"]["EvaluatorArn"] == EVALUATOR
    assert scored["HyperParameters"].items() >= {"lambda_type": "rft", "aggregation": "average"}.items()
    with pytest.raises(ValueError, match="mmlu takes no evaluator"):
        evaluated(task=MMLU, evaluator_arn=EVALUATOR)


def test_the_services_enumerations_hold_no_technique_that_is_forgotten_here():
    shape = service_model("sagemaker").shape_for("CustomizationTechnique")
    # RLAIF is rewarded by a judge; none of Amazon's tools offers it for Nova.
    assert set(shape.enum) - {technique for technique, _ in TECHNIQUES.values()} == {"RLAIF"}


def test_a_customization_file_may_ask_for_exactly_what_can_be_requested():
    allowed = {(technique, tuning) for technique, tunings in SERVERLESS.items() for tuning in tunings}
    assert allowed == TECHNIQUES.keys()


def test_a_base_models_version_is_asked_of_amazons_hub(conforming):
    request = conforming("sagemaker", "DescribeHubContent", describe_base_model(hub_content="nova-textgeneration-lite"))
    assert request["HubName"] == "SageMakerPublicHub"


def test_a_reward_function_becomes_an_evaluator_as_the_sdk_makes_one(conforming, captured):
    v3 = captured["v3:ImportHubContent"]
    function = "arn:aws:lambda:us-east-1:123456789012:function:SageMakerReward"
    request = import_evaluator(hub=v3["HubName"], name=v3["HubContentName"], function_arn=function)
    assert conforming("sagemaker", "ImportHubContent", request) == v3
