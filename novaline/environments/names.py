"""The names by which an environment's stacks, their outputs, rewards and processors are found again."""

from __future__ import annotations

from typing import Final

FOUNDATION: Final = "Foundation"
CUSTOMIZATION: Final = "Customization"
DATASETS: Final = "Datasets"

DATA_BUCKET: Final = "DataBucketName"
ARTIFACT_BUCKET: Final = "ArtifactBucketName"
KEY: Final = "KeyArn"
LEDGER_TABLE: Final = "LedgerTableName"
TOPIC: Final = "TopicArn"
INSPECTION: Final = "InspectionArn"
PREPARATION: Final = "PreparationArn"

_LONGEST_FUNCTION_NAME: Final = 64  # characters, by Lambda's API reference of CreateFunction
_PROCESSOR: Final = "-processor"


def stack_name(environment: str, stack: str) -> str:
    """The CloudFormation name of a stack of an environment: `dev-Foundation`."""
    return f"{environment}-{stack}"


def export_name(environment: str, output: str) -> str:
    """The name under which the foundation exports one of its outputs: `dev-Foundation:DataBucketName`."""
    return f"{stack_name(environment, FOUNDATION)}:{output}"


def key_alias(environment: str) -> str:
    """The alias of an environment's key, without the leading `alias/`."""
    return f"novaline/{environment}"


def reward_function_name(environment: str, reward: str) -> str:
    """The name of a reward function. Nova's training containers ask that it contains `SageMaker`."""
    return f"novaline-{environment}-SageMaker-{reward}"


def longest_reward_name(environment: str) -> int:
    """How many characters a reward's name may have in an environment."""
    return _LONGEST_FUNCTION_NAME - len(reward_function_name(environment, ""))


def reward_output(reward: str) -> str:
    """The stack output that holds the ARN of a reward function: `RewardFunctionArnExactMatch` for `exact-match`."""
    return "RewardFunctionArn" + pascal_case(reward)


def processor_function_name(environment: str, processor: str) -> str:
    """The name of an evaluation's processor, with `SageMaker` in it for the same reason."""
    return reward_function_name(environment, processor) + _PROCESSOR


def longest_processor_name(environment: str) -> int:
    """How many characters a processor's name may have in an environment."""
    return _LONGEST_FUNCTION_NAME - len(processor_function_name(environment, ""))


def processor_output(processor: str) -> str:
    """The stack output that holds the ARN of a processor: `ProcessorFunctionArnQuality` for `quality`."""
    return "ProcessorFunctionArn" + pascal_case(processor)


def is_processor(function_name: str) -> bool:
    """Whether an environment's function of that name is a processor, and no reward function."""
    return function_name.endswith(_PROCESSOR)


def pascal_case(name: str) -> str:
    """`exact-match` as a CloudFormation id: `ExactMatch`."""
    return "".join(part.capitalize() for part in name.split("-"))
