"""SageMaker's real-time endpoints for customized Nova models: model, configuration, endpoint.

Amazon's inference container serves full-rank models and merged LoRA ones. It is told how long a context and how many
requests at once it may hold, and knows a few pairs of them for each model and instance type. Source: AWS's page
nova-model-sagemaker-inference, and the same table in aws/nova-forge-sdk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from novaline.requests.training_job import Vpc

VARIANT = "primary"
"""The name of an endpoint's only production variant, as AWS's page has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What a container can hold at most: tokens of context, and requests at once."""

    context: int
    concurrency: int


def _tiers(*pairs: tuple[int, int]) -> tuple[Tier, ...]:
    return tuple(Tier(context=context, concurrency=concurrency) for context, concurrency in pairs)


TIERS: Mapping[tuple[str, str], tuple[Tier, ...]] = MappingProxyType(
    {
        ("nova-micro", "ml.g5.12xlarge"): _tiers((4000, 12), (8000, 6)),
        ("nova-micro", "ml.g5.24xlarge"): _tiers((8000, 8)),
        ("nova-micro", "ml.g6.12xlarge"): _tiers((4000, 12), (8000, 6)),
        ("nova-micro", "ml.g6.24xlarge"): _tiers((8000, 8)),
        ("nova-micro", "ml.g6.48xlarge"): _tiers((8000, 12)),
        ("nova-micro", "ml.g6e.xlarge"): _tiers((8000, 2)),
        ("nova-micro", "ml.g6e.2xlarge"): _tiers((8000, 2)),
        ("nova-micro", "ml.g6e.4xlarge"): _tiers((8000, 4)),
        ("nova-micro", "ml.p5.48xlarge"): _tiers((16000, 128), (64000, 32), (128000, 8)),
        ("nova-lite", "ml.g6.12xlarge"): _tiers((8000, 2)),
        ("nova-lite", "ml.g6.24xlarge"): _tiers((8000, 4)),
        ("nova-lite", "ml.g6.48xlarge"): _tiers((4000, 16), (8000, 8)),
        ("nova-lite", "ml.p5.48xlarge"): _tiers((16000, 128), (60000, 8)),
        ("nova-pro", "ml.p5.48xlarge"): _tiers((8000, 8), (16000, 2), (24000, 1)),
        ("nova-2-lite", "ml.g6.48xlarge"): _tiers((8000, 8)),
        ("nova-2-lite", "ml.p5.48xlarge"): _tiers((16000, 128), (64000, 32), (128000, 8), (256000, 2)),
    }
)
"""(model, instance type) → the tiers that its container accepts, by growing context."""


def container_environment(
    *, model: str, instance_type: str, context_length: int, max_concurrency: int
) -> dict[str, str]:
    """The container's environment. Both values may lie below those of one tier; what lies beyond all is refused.

    Raises ValueError that names what the model runs on, or the tiers that the instance type has.
    """
    tiers = TIERS.get((model, instance_type))
    if tiers is None:
        types = ", ".join(known for name, known in TIERS if name == model) or "none"
        raise ValueError(f"{model} is not served on {instance_type}; its instance types are: {types}")
    within = (context_length <= tier.context and max_concurrency <= tier.concurrency for tier in tiers)
    if context_length < 1 or max_concurrency < 1 or not any(within):
        known = ", ".join(f"{tier.context} tokens and {tier.concurrency} at once" for tier in tiers)
        raise ValueError(
            f"{model} on {instance_type} does not hold {context_length} tokens and {max_concurrency} requests at once; "
            f"expected at most: {known}"
        )
    return {"CONTEXT_LENGTH": str(context_length), "MAX_CONCURRENCY": str(max_concurrency)}


def create_model(
    *,
    name: str,
    image: str,
    model_uri: str,
    environment: Mapping[str, str],
    role_arn: str,
    tags: Mapping[str, str],
    vpc: Vpc | None = None,
) -> dict[str, Any]:
    """CreateModel for a checkpoint, a prefix of uncompressed objects: its URI ends with a slash.

    The container is isolated from the network, as AWS's page sets it. Raises ValueError for a URI without the slash.
    """
    source = {"S3Uri": artifacts_prefix(model_uri), "S3DataType": "S3Prefix", "CompressionType": "None"}
    request: dict[str, Any] = {
        "ModelName": name,
        "PrimaryContainer": {
            "Image": image,
            "ModelDataSource": {"S3DataSource": source},
            "Environment": dict(environment),
        },
        "ExecutionRoleArn": role_arn,
        "EnableNetworkIsolation": True,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    if vpc is not None:
        request["VpcConfig"] = vpc.for_sagemaker()
    return request


def create_endpoint_config(
    *, name: str, model_name: str, instance_type: str, instance_count: int, tags: Mapping[str, str]
) -> dict[str, Any]:
    """CreateEndpointConfig for one model on its own instances.

    It names no key: all instance types of `TIERS` have local storage, for which SageMaker refuses a KmsKeyId.
    """
    variant = {
        "VariantName": VARIANT,
        "ModelName": model_name,
        "InitialInstanceCount": instance_count,
        "InstanceType": instance_type,
    }
    return {
        "EndpointConfigName": name,
        "ProductionVariants": [variant],
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


def create_endpoint(*, name: str, config_name: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """CreateEndpoint. It takes 15 to 30 minutes until the status is InService, by AWS's page."""
    return {
        "EndpointName": name,
        "EndpointConfigName": config_name,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


def update_endpoint(*, name: str, config_name: str) -> dict[str, Any]:
    """UpdateEndpoint: another configuration, and so another model, behind the same name."""
    return {"EndpointName": name, "EndpointConfigName": config_name}


def artifacts_prefix(uri: str) -> str:
    """The URI of a model's artifacts, a prefix. Raises ValueError for one that does not end with a slash."""
    if not uri.endswith("/"):
        raise ValueError(f"{uri} is no prefix: the URI of a model's artifacts ends with a slash")
    return uri
