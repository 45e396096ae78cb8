"""Bedrock's provisioned throughput: bought capacity for a custom model, by the hour or for a term.

A full-rank model of SageMaker's has no on-demand inference; it is served like this, or by an endpoint. There is no
waiter: the status goes from Creating to InService.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal


def create_provisioned_throughput(
    *,
    name: str,
    model_arn: str,
    units: int,
    tags: Mapping[str, str],
    token: str,
    commitment: Literal["OneMonth", "SixMonths"] | None = None,
) -> dict[str, Any]:
    """CreateProvisionedModelThroughput. `units` are model units; without a commitment each is billed by the hour.

    A commitment cannot be ended early. `token` makes a repeated call the same call.
    """
    request: dict[str, Any] = {
        "provisionedModelName": name,
        "modelId": model_arn,
        "modelUnits": units,
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
        "clientRequestToken": token,
    }
    if commitment is not None:
        request["commitmentDuration"] = commitment
    return request


def update_provisioned_throughput(*, identifier: str, model_arn: str) -> dict[str, Any]:
    """UpdateProvisionedModelThroughput: the model behind bought capacity, whose ARN stays the same."""
    return {"provisionedModelId": identifier, "desiredModelId": model_arn}
