"""Bedrock's CreateCustomModel: imports a checkpoint that a training job left in Amazon's escrow bucket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def create_custom_model(
    *, name: str, checkpoint_uri: str, role_arn: str, key_arn: str, tags: Mapping[str, str], token: str
) -> dict[str, Any]:
    """The request. `token` makes a repeated call the same call; the key is an ARN, as Bedrock takes no alias here."""
    return {
        "modelName": name,
        "modelSourceConfig": {"s3DataSource": {"s3Uri": checkpoint_uri}},
        "modelKmsKeyArn": key_arn,
        "roleArn": role_arn,
        "modelTags": [{"key": key, "value": value} for key, value in tags.items()],
        "clientRequestToken": token,
    }
