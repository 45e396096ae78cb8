"""Bedrock's custom model deployments: one stable ARN behind which the model is exchanged.

CreateCustomModelDeployment reports no conflict of names, so a deployment is looked for before it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def list_deployments(*, name: str) -> dict[str, Any]:
    """ListCustomModelDeployments for a name. The filter is `contains`: the caller compares names itself."""
    return {"nameContains": name, "maxResults": 1000}


def create_deployment(*, name: str, model_arn: str, run: str, tags: Mapping[str, str], token: str) -> dict[str, Any]:
    """CreateCustomModelDeployment for on-demand inference."""
    return {
        "modelDeploymentName": name,
        "modelArn": model_arn,
        "description": f"Novaline run {run}",
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
        "clientRequestToken": token,
    }


def update_deployment(*, identifier: str, model_arn: str) -> dict[str, Any]:
    """UpdateCustomModelDeployment: the model behind an existing deployment."""
    return {"customModelDeploymentIdentifier": identifier, "modelArn": model_arn}
