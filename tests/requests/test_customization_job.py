"""Bedrock's own customization jobs."""

import pytest

from novaline.requests.conformance import check_request
from novaline.requests.customization_job import CustomizationJob, create_customization_job, foundation_model_arn
from novaline.requests.training_job import Vpc

KEY = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
REWARD = "arn:aws:lambda:us-east-1:123456789012:function:SageMakerReward"
LITE_2 = foundation_model_arn(region="us-east-1", model_type="amazon.nova-2-lite-v1:0:256k")


def job(name="nova-sft-1", **changes):
    values = {
        "name": name, "custom_model_name": name, "role_arn": "arn:aws:iam::123456789012:role/BedrockNova",
        "base_model": LITE_2, "key_arn": KEY, "train_uri": "s3://bkt/train.jsonl", "output_uri": "s3://bkt/out/",
        "tags": {"novaline:run": "r"}, "token": "exec-1",
    }  # fmt: skip
    return CustomizationJob(**(values | changes))


@pytest.fixture
def asked(conforming):
    def request(on, **changes):
        return conforming("bedrock", "CreateModelCustomizationJob", create_customization_job(on, **changes))

    return request


def test_fine_tuning_gives_its_hyperparameters_as_plain_decimals_in_strings(asked, captured):
    expected = captured["hand:CreateModelCustomizationJob:sft"]
    numbers = {"epochCount": 2, "batchSize": 1, "learningRate": 1e-5, "learningRateWarmupSteps": 10}
    request = asked(job(), technique="sft", hyper_parameters=numbers)
    assert expected.items() <= request.items()
    assert request.keys() - expected.keys() == {"customModelKmsKeyId", "jobTags", "customModelTags"}


def test_reinforcement_fine_tuning_gives_its_hyperparameters_as_numbers(asked, captured):
    expected = captured["hand:CreateModelCustomizationJob:rft"]
    request = asked(
        job("nova-rft-1", validation_uri="s3://bkt/val.jsonl"),
        technique="rft",
        hyper_parameters=expected["customizationConfig"]["rftConfig"]["hyperParameters"],
        reward_lambda_arn=REWARD,
    )
    assert expected.items() <= request.items()
    assert "hyperParameters" not in request
    default = asked(job(), technique="rft", hyper_parameters={}, reward_lambda_arn=f"{REWARD}:live")
    assert default["customizationConfig"]["rftConfig"].keys() == {"graderConfig"}


def test_numbers_beyond_bedrocks_own_bounds_do_not_conform():
    request = create_customization_job(
        job(), technique="rft", hyper_parameters={"batchSize": 8, "epochCount": 51}, reward_lambda_arn=REWARD
    )
    problems = "\n".join(check_request("bedrock", "CreateModelCustomizationJob", request))
    assert "batchSize: 8 is below the minimum of 16" in problems
    assert "epochCount: 51 is above the maximum of 50" in problems


def test_distillation_names_its_teacher_and_how_long_it_may_answer(asked):
    request = asked(
        job(base_model=foundation_model_arn(region="us-east-1", model_type="amazon.nova-lite-v1:0:300k")),
        technique="distillation",
        hyper_parameters={},
        teacher="us.amazon.nova-pro-v1:0",
        max_response_length=1000,
    )
    assert request["customizationType"] == "DISTILLATION"
    assert request["customizationConfig"] == {
        "distillationConfig": {
            "teacherModelConfig": {
                "teacherModelIdentifier": "us.amazon.nova-pro-v1:0",
                "maxResponseLengthForInference": 1000,
            }
        }
    }
    assert "hyperParameters" not in request


def test_a_job_runs_in_a_vpc_when_one_is_given(asked):
    vpc = Vpc(security_group_ids=("sg-1",), subnet_ids=("subnet-1", "subnet-2"))
    request = asked(job(vpc=vpc), technique="sft", hyper_parameters={})
    assert request["vpcConfig"] == {"subnetIds": ["subnet-1", "subnet-2"], "securityGroupIds": ["sg-1"]}


def test_what_a_technique_does_not_take_or_misses_is_no_request(asked):
    for technique, extra in (
        ("rft", {}),
        ("sft", {"reward_lambda_arn": REWARD}),
        ("distillation", {}),
        ("sft", {"teacher": "us.amazon.nova-pro-v1:0"}),
    ):
        with pytest.raises(ValueError, match="needs one, others take none"):
            asked(job(), technique=technique, hyper_parameters={}, **extra)
