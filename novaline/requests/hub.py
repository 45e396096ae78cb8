"""SageMaker's hub: what a serverless job names there, the base model's version and the evaluator of a reward."""

from __future__ import annotations

import json
from typing import Any

PUBLIC_HUB = "SageMakerPublicHub"


def describe_base_model(*, hub_content: str) -> dict[str, Any]:
    """DescribeHubContent for a base model: its `HubContentArn`, with the newest version, is a job's BaseModelArn."""
    return {"HubName": PUBLIC_HUB, "HubContentType": "Model", "HubContentName": hub_content}


def base_model_arn(*, region: str, hub_content: str, version: str) -> str:
    """The ARN of a base model in Amazon's hub, for a version (`3.41.0`) that DescribeHubContent told."""
    return f"arn:aws:sagemaker:{region}:aws:hub-content/{PUBLIC_HUB}/Model/{hub_content}/{version}"


def import_evaluator(*, hub: str, name: str, function_arn: str) -> dict[str, Any]:
    """ImportHubContent that wraps a Lambda function as an evaluator, the form in which RLVR takes a reward.

    `hub` is a private hub of the account. Document, schema version and keywords are those of the SageMaker SDK's
    AI registry (version 3); AWS does not document the document's form.
    """
    content = json.dumps({"Reference": function_arn, "EvaluatorType": "RewardFunction"}, separators=(",", ":"))
    return {
        "HubName": hub,
        "HubContentName": name,
        "HubContentType": "JsonDoc",
        "HubContentVersion": "0.0.1",
        "DocumentSchemaVersion": "2.0.0",
        "HubContentDocument": json.dumps({"SubType": "AWS/Evaluator", "JsonContent": content}, separators=(",", ":")),
        "HubContentSearchKeywords": [
            "method:lambda",
            "@subtype:aws/evaluator",
            "@evaluatortype:rewardfunction",
            "@contenttype:byolambda",
        ],
    }
