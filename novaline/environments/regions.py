"""What differs between the regions that have Nova's containers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from novaline.environments.model import Region

IMAGE_ACCOUNTS: Final[Mapping[Region, str]] = {
    "us-east-1": "708977205387",
    "us-west-2": "176779409107",
    "ap-northeast-1": "878185805882",
}
"""Amazon's accounts that own the ECR repositories of Nova's training and evaluation containers.

Source: `nova_regional_parameters.json` of aws/sagemaker-hyperpod-recipes.
"""
