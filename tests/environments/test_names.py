"""The names by which things are found again."""

from typing import get_args

import pytest

from novaline.environments import names
from novaline.environments.model import Region
from novaline.recipes.catalogue import catalogue


def test_a_reward_function_has_sagemaker_in_its_name():
    assert names.reward_function_name("dev", "classification") == "novaline-dev-SageMaker-classification"


@pytest.mark.parametrize(
    ("reward", "output"),
    [("classification", "RewardFunctionArnClassification"), ("exact-match", "RewardFunctionArnExactMatch")],
)
def test_the_output_of_a_reward_has_its_name_in_pascal_case(reward, output):
    assert names.reward_output(reward) == output


def test_a_reward_of_the_longest_name_gives_a_function_name_that_lambda_takes():
    longest = names.longest_reward_name("production")
    assert len(names.reward_function_name("production", "x" * longest)) == 64


def test_a_processor_is_named_beside_the_rewards_and_told_from_them():
    name = names.processor_function_name("dev", "quality")
    assert name == "novaline-dev-SageMaker-quality-processor"
    assert names.is_processor(name)
    assert not names.is_processor(names.reward_function_name("dev", "quality"))
    assert names.processor_output("answer-quality") == "ProcessorFunctionArnAnswerQuality"
    longest = names.longest_processor_name("production")
    assert len(names.processor_function_name("production", "x" * longest)) == 64


def test_exports_carry_the_stack_that_makes_them():
    assert names.export_name("dev", names.KEY) == "dev-Foundation:KeyArn"


def test_every_region_has_the_account_of_its_images():
    assert set(catalogue().image_accounts()) == set(get_args(Region))
