"""Bedrock Runtime's Converse, as the workflow asks a deployment to show that it answers."""

from __future__ import annotations

from typing import Any


def converse(*, model_id: str, query: str, system: str | None = None, max_tokens: int = 1024) -> dict[str, Any]:
    """The request for one answer without sampling. `model_id` is the ARN of a custom model deployment."""
    request: dict[str, Any] = {
        "modelId": model_id,
        "messages": [{"role": "user", "content": [{"text": query}]}],
        "inferenceConfig": {"maxTokens": max_tokens, "temperature": 0.0},
    }
    if system is not None:
        request["system"] = [{"text": system}]
    return request
