"""Requests are held against AWS's own model, more strictly than the SDK does."""

import copy
import json
import time
from pathlib import Path

import pytest

from novaline.requests.conformance import check_request

CAPTURED = json.loads((Path(__file__).parent / "captured.json").read_text(encoding="utf-8"))["requests"]
OPERATIONS = {
    "v2:sft": ("sagemaker", "CreateTrainingJob"),
    "v2:eval": ("sagemaker", "CreateTrainingJob"),
    "v2:rft": ("sagemaker", "CreateTrainingJob"),
    "v3:sft": ("sagemaker", "CreateTrainingJob"),
    "v3:rft": ("sagemaker", "CreateTrainingJob"),
    "v3:serverless-sft": ("sagemaker", "CreateTrainingJob"),
    "v3:ImportHubContent": ("sagemaker", "ImportHubContent"),
    "docs:CreateModel": ("sagemaker", "CreateModel"),
    "docs:CreateEndpointConfig": ("sagemaker", "CreateEndpointConfig"),
    "docs:CreateEndpoint": ("sagemaker", "CreateEndpoint"),
    "forge:CreateEndpointConfig:components": ("sagemaker", "CreateEndpointConfig"),
    "docs:CreateInferenceComponent": ("sagemaker", "CreateInferenceComponent"),
    "hand:CreateProvisionedModelThroughput": ("bedrock", "CreateProvisionedModelThroughput"),
    "hand:CreateModelCustomizationJob:sft": ("bedrock", "CreateModelCustomizationJob"),
    "hand:CreateModelCustomizationJob:rft": ("bedrock", "CreateModelCustomizationJob"),
    "hand:CreateCustomModel:s3": ("bedrock", "CreateCustomModel"),
    "hand:CreateCustomModelDeployment": ("bedrock", "CreateCustomModelDeployment"),
    "hand:UpdateCustomModelDeployment": ("bedrock", "UpdateCustomModelDeployment"),
}


def test_every_captured_request_has_an_operation():
    assert OPERATIONS.keys() == CAPTURED.keys()


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_requests_that_official_tools_send_conform(name):
    assert check_request(*OPERATIONS[name], CAPTURED[name]) == ()


def broken(change):
    request = copy.deepcopy(CAPTURED["v3:sft"])
    change(request)
    return check_request("sagemaker", "CreateTrainingJob", request)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda r: r.pop("RoleArn"), "RoleArn"),
        (lambda r: r.update(Surplus=1), "Surplus"),
        (lambda r: r.update(TrainingJobName="under_score"), "TrainingJobName"),
        (lambda r: r.update(TrainingJobName="x" * 64), "TrainingJobName"),
        (lambda r: r.update(TrainingJobName=3), "TrainingJobName"),
        (lambda r: r["ResourceConfig"].update(InstanceType="ml.p5.49xlarge"), "InstanceType"),
        (lambda r: r["ResourceConfig"].update(InstanceCount=-1), "InstanceCount"),
        (lambda r: r["StoppingCondition"].update(MaxRuntimeInSeconds=0), "MaxRuntimeInSeconds"),
        (lambda r: r["InputDataConfig"][0]["DataSource"]["S3DataSource"].update(S3DataType="Convers"), "S3DataType"),
        (lambda r: r["InputDataConfig"][0]["DataSource"]["S3DataSource"].update(S3Uri="http://x"), "S3Uri"),
        (lambda r: r["OutputDataConfig"].update(CompressionType="ZIP"), "CompressionType"),
        (lambda r: r["HyperParameters"].update(long="x" * 2501), "HyperParameters"),
        (lambda r: r.update(InputDataConfig=[]), "InputDataConfig"),
        (lambda r: r.update(Tags=[{"Key": "", "Value": "x"}]), "Key"),
    ],
)
def test_whatever_breaks_a_constraint_is_named(change, named):
    problems = broken(change)
    assert problems
    assert any(named in problem for problem in problems)


def test_a_union_holds_exactly_one_member():
    request = copy.deepcopy(CAPTURED["hand:CreateCustomModel:s3"])
    request["modelSourceConfig"] = {}
    assert any("modelSourceConfig" in problem for problem in check_request("bedrock", "CreateCustomModel", request))


def test_an_operation_or_a_service_that_does_not_exist_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="CreateTraining"):
        check_request("sagemaker", "CreateTrainingJobs", {})
    with pytest.raises(ValueError, match="sagemakr"):
        check_request("sagemakr", "CreateTrainingJob", {})


def test_a_check_takes_less_than_three_tenths_of_a_second_once_the_model_is_read():
    check_request("sagemaker", "CreateTrainingJob", CAPTURED["v3:sft"])
    start = time.process_time()
    check_request("sagemaker", "CreateTrainingJob", CAPTURED["v3:sft"])
    assert time.process_time() - start < 0.3
