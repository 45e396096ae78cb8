"""Importing a model into Bedrock, deploying it, buying capacity for it, asking it."""

import pytest

from novaline.requests.converse import converse
from novaline.requests.custom_model import create_custom_model, create_custom_model_from_package
from novaline.requests.model_deployment import create_deployment, list_deployments, update_deployment
from novaline.requests.provisioned_throughput import create_provisioned_throughput, update_provisioned_throughput

MODEL = "arn:aws:bedrock:us-east-1:123456789012:custom-model/imported/abcdef123456"
TAGS = {"team": "ml"}


@pytest.fixture
def imported(captured):
    """What both ways of importing share."""
    expected = captured["hand:CreateCustomModel:s3"]
    return {
        "name": expected["modelName"],
        "role_arn": expected["roleArn"],
        "key_arn": expected["modelKmsKeyArn"],
        "tags": TAGS,
        "token": "exec-1",
    }


def test_a_checkpoint_is_imported_from_the_escrow_bucket(conforming, captured, imported):
    expected = captured["hand:CreateCustomModel:s3"]
    uri = expected["modelSourceConfig"]["s3DataSource"]["s3Uri"]
    assert conforming("bedrock", "CreateCustomModel", create_custom_model(checkpoint_uri=uri, **imported)) == expected


def test_a_restricted_model_package_is_imported_by_a_member_of_its_own(conforming, imported):
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package/mpg/1"
    request = conforming(
        "bedrock", "CreateCustomModel", create_custom_model_from_package(model_package_arn=arn, **imported)
    )
    assert request["customModelDataSource"] == {"modelPackageArnDataSource": {"modelPackageArn": arn}}
    assert "modelSourceConfig" not in request


def test_a_deployment_is_made_once_and_then_given_another_model(conforming, captured):
    created = create_deployment(name="nova2lite-prod", model_arn=MODEL, run="r", tags=TAGS, token="exec-1")
    expected = captured["hand:CreateCustomModelDeployment"]
    assert conforming("bedrock", "CreateCustomModelDeployment", created) == {
        **expected,
        "description": "Novaline run r",
    }
    updated = update_deployment(identifier="nova2lite-prod", model_arn=MODEL)
    assert conforming("bedrock", "UpdateCustomModelDeployment", updated) == captured["hand:UpdateCustomModelDeployment"]
    conforming("bedrock", "ListCustomModelDeployments", list_deployments(name="nova2lite-prod"))


def test_capacity_is_bought_by_the_hour_unless_a_term_is_asked_for(conforming, captured):
    def bought(**changes):
        asked = {"name": "nova2lite-pt", "model_arn": MODEL, "units": 1, "tags": TAGS, "token": "exec-1"}
        return conforming(
            "bedrock", "CreateProvisionedModelThroughput", create_provisioned_throughput(**(asked | changes))
        )

    expected = captured["hand:CreateProvisionedModelThroughput"]
    assert bought() == {**expected, "tags": [{"key": "team", "value": "ml"}]}
    assert bought(commitment="OneMonth")["commitmentDuration"] == "OneMonth"


def test_capacity_serves_another_model_under_the_same_arn(conforming):
    arn = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdef123456"
    request = update_provisioned_throughput(identifier=arn, model_arn=MODEL)
    assert conforming("bedrock", "UpdateProvisionedModelThroughput", request) == {
        "provisionedModelId": arn,
        "desiredModelId": MODEL,
    }


@pytest.mark.parametrize(
    "model", [MODEL.replace("custom-model/imported", "custom-model-deployment"), "us.amazon.nova-micro-v1:0"]
)
def test_a_model_is_asked_without_sampling(conforming, model):
    request = conforming("bedrock-runtime", "Converse", converse(model_id=model, query="q", system="s"))
    assert request["inferenceConfig"]["temperature"] == 0.0
    assert request["system"] == [{"text": "s"}]
    assert "system" not in conforming("bedrock-runtime", "Converse", converse(model_id=model, query="q"))
