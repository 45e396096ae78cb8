"""The names by which an environment's stacks, their outputs and its reward functions are found again."""

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

_LONGEST_FUNCTION_NAME: Final = 64  # characters, by Lambda's API reference of CreateFunction


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


def pascal_case(name: str) -> str:
    """`exact-match` as a CloudFormation id: `ExactMatch`."""
    return "".join(part.capitalize() for part in name.split("-"))
