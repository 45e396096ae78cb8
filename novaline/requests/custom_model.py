"""Bedrock's CreateCustomModel: imports what a training job made, from Amazon's escrow bucket or a model package.

The key is given as an ARN: Bedrock takes no alias here. `token` makes a repeated call the same call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def create_custom_model(
    *, name: str, checkpoint_uri: str, role_arn: str, key_arn: str, tags: Mapping[str, str], token: str
) -> dict[str, Any]:
    """CreateCustomModel from a checkpoint's URI, which its role reads in the escrow bucket."""
    return {
        "modelName": name,
        "modelSourceConfig": {"s3DataSource": {"s3Uri": checkpoint_uri}},
        **_common(role_arn=role_arn, key_arn=key_arn, tags=tags, token=token),
    }


def create_custom_model_from_package(
    *, name: str, model_package_arn: str, role_arn: str, key_arn: str, tags: Mapping[str, str], token: str
) -> dict[str, Any]:
    """CreateCustomModel from a model package whose storage Amazon manages (`Restricted`).

    The member is `customModelDataSource`, not `modelSourceConfig`. The role needs `sagemaker:AccessModelPackage`.
    """
    return {
        "modelName": name,
        "customModelDataSource": {"modelPackageArnDataSource": {"modelPackageArn": model_package_arn}},
        **_common(role_arn=role_arn, key_arn=key_arn, tags=tags, token=token),
    }


def _common(*, role_arn: str, key_arn: str, tags: Mapping[str, str], token: str) -> dict[str, Any]:
    return {
        "modelKmsKeyArn": key_arn,
        "roleArn": role_arn,
        "modelTags": [{"key": key, "value": value} for key, value in tags.items()],
        "clientRequestToken": token,
    }
