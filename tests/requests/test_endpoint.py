"""Endpoints of SageMaker: what the container can hold, and how it is put on its instances."""

import pytest

from novaline.requests.conformance import service_model
from novaline.requests.endpoint import (
    TIERS,
    container_environment,
    create_endpoint,
    create_endpoint_config,
    create_model,
    update_endpoint,
)
from novaline.requests.inference_component import (
    MINIMUM_COMPUTE,
    create_component_endpoint_config,
    create_inference_component,
)
from novaline.requests.training_job import Vpc

ROLE = "arn:aws:iam::123456789012:role/exec"
IMAGE = "708977205387.dkr.ecr.us-east-1.amazonaws.com/nova-inference-repo:SM-Inference-latest"
URI = "s3://customer-escrow-123456789012-smtj-abcd1234/my-run-xyz/42/"
ENVIRONMENT = {"CONTEXT_LENGTH": "8000", "MAX_CONCURRENCY": "6"}
TAGS = {"novaline:run": "r"}
TAG_LIST = [{"Key": "novaline:run", "Value": "r"}]


def micro(**changes):
    values = {"model": "nova-micro", "instance_type": "ml.g5.12xlarge", "context_length": 8000, "max_concurrency": 6}
    return container_environment(**(values | changes))


def model(**changes):
    values = {
        "name": "nova-m", "image": IMAGE, "model_uri": URI, "environment": ENVIRONMENT, "role_arn": ROLE, "tags": TAGS,
    }  # fmt: skip
    return create_model(**(values | changes))


def component(**changes):
    values = {
        "name": "nova-c", "endpoint_name": "nova-c", "image": IMAGE, "model_uri": URI, "environment": ENVIRONMENT,
        "compute": MINIMUM_COMPUTE["nova-micro"], "copies": 1, "tags": TAGS,
    }  # fmt: skip
    return create_inference_component(**(values | changes))


def test_a_container_is_told_a_context_and_a_concurrency_of_one_of_its_tiers():
    assert micro() == ENVIRONMENT
    assert micro(context_length=4000, max_concurrency=12)["MAX_CONCURRENCY"] == "12"
    assert micro(context_length=2000, max_concurrency=1)["CONTEXT_LENGTH"] == "2000"


@pytest.mark.parametrize(("context", "concurrency"), [(8000, 7), (4000, 13), (8001, 1), (0, 1), (8000, 0)])
def test_what_no_tier_holds_is_refused_with_the_tiers(context, concurrency):
    with pytest.raises(ValueError, match="4000 tokens and 12 at once, 8000 tokens and 6 at once"):
        micro(context_length=context, max_concurrency=concurrency)


def test_an_instance_type_that_does_not_serve_the_model_is_refused_with_those_that_do():
    with pytest.raises(ValueError, match=r"its instance types are: ml\.g6\.48xlarge, ml\.p5\.48xlarge"):
        micro(model="nova-2-lite")
    with pytest.raises(ValueError, match="its instance types are: none"):
        micro(model="nova-premier")


def test_tiers_trade_context_for_concurrency_on_instances_that_sagemaker_hosts():
    hosted = service_model("sagemaker").shape_for("ProductionVariantInstanceType").enum
    for (name, instance_type), tiers in TIERS.items():
        assert instance_type in hosted, name
        assert list(tiers) == sorted(tiers, key=lambda tier: tier.context)
        assert list(tiers) == sorted(tiers, key=lambda tier: -tier.concurrency)


def test_a_model_is_created_as_awss_page_creates_it(conforming, captured):
    request = conforming("sagemaker", "CreateModel", model())
    assert request == {**captured["docs:CreateModel"], "Tags": TAG_LIST}
    vpc = Vpc(security_group_ids=("sg-1",), subnet_ids=("subnet-1",))
    request = conforming("sagemaker", "CreateModel", model(vpc=vpc))
    assert request["VpcConfig"] == {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}


def test_an_endpoint_is_created_as_awss_page_creates_it(conforming, captured):
    config = create_endpoint_config(
        name="nova-m-config", model_name="nova-m", instance_type="ml.g5.12xlarge", instance_count=1, tags=TAGS
    )
    expected = captured["docs:CreateEndpointConfig"]
    assert conforming("sagemaker", "CreateEndpointConfig", config) == {**expected, "Tags": TAG_LIST}
    endpoint = conforming(
        "sagemaker", "CreateEndpoint", create_endpoint(name="nova-m", config_name="nova-m-config", tags=TAGS)
    )
    assert endpoint == {**captured["docs:CreateEndpoint"], "Tags": TAG_LIST}
    conforming("sagemaker", "UpdateEndpoint", update_endpoint(name="nova-m", config_name="nova-m-config-2"))


def test_an_endpoint_for_components_has_a_role_and_novas_tag_but_no_model(conforming, captured):
    config = create_component_endpoint_config(
        name="nova-c-config", role_arn=ROLE, instance_type="ml.g5.12xlarge", instance_count=1, tags=TAGS
    )
    expected = dict(captured["forge:CreateEndpointConfig:components"])
    expected["Tags"] = [*expected["Tags"], *TAG_LIST]
    assert conforming("sagemaker", "CreateEndpointConfig", config) == expected


def test_a_component_brings_its_container_and_says_what_a_copy_takes(conforming, captured):
    request = conforming("sagemaker", "CreateInferenceComponent", component())
    assert request == {**captured["docs:CreateInferenceComponent"], "Tags": TAG_LIST}


def test_a_models_artifacts_are_a_prefix():
    for made in (model, component):
        with pytest.raises(ValueError, match="ends with a slash"):
            made(model_uri=URI.rstrip("/"))
