"""SageMaker's inference components: several customized Nova models on the instances of one endpoint.

The endpoint's configuration names no model, but a role, and carries a tag by which SageMaker knows that Nova components
will come; each component then brings its container. Source: AWS's page nova-sagemaker-inference-getting-started; the
role is sent by aws/nova-forge-sdk and by no sample of that page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from novaline.requests.endpoint import VARIANT, artifacts_prefix

_NOVA_TAG = {"Key": "sagemaker:nova-inference-component", "Value": "true"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """What one copy of a component takes of an instance: vCPUs, memory in MiB, accelerators."""

    cpus: int
    memory_mib: int
    accelerators: int


MINIMUM_COMPUTE: Mapping[str, Compute] = MappingProxyType(
    {
        "nova-micro": Compute(cpus=15, memory_mib=25_000, accelerators=4),
        "nova-lite": Compute(cpus=20, memory_mib=35_000, accelerators=4),
        "nova-2-lite": Compute(cpus=20, memory_mib=100_000, accelerators=4),
    }
)
"""Model → the least that one copy needs (aws/nova-forge-sdk). For nova-pro nothing is published."""


def create_component_endpoint_config(
    *, name: str, role_arn: str, instance_type: str, instance_count: int, tags: Mapping[str, str]
) -> dict[str, Any]:
    """CreateEndpointConfig for an endpoint that components will share; a request goes to the least busy copy."""
    variant = {
        "VariantName": VARIANT,
        "InstanceType": instance_type,
        "InitialInstanceCount": instance_count,
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    return {
        "EndpointConfigName": name,
        "ExecutionRoleArn": role_arn,
        "ProductionVariants": [variant],
        "Tags": [_NOVA_TAG, *({"Key": key, "Value": value} for key, value in tags.items())],
    }


def create_inference_component(
    *,
    name: str,
    endpoint_name: str,
    image: str,
    model_uri: str,
    environment: Mapping[str, str],
    compute: Compute,
    copies: int,
    tags: Mapping[str, str],
) -> dict[str, Any]:
    """CreateInferenceComponent on an endpoint that is InService. It takes 10 to 20 minutes, by AWS's page.

    `environment` is that of `novaline.requests.endpoint.container_environment`; `model_uri` is a checkpoint's prefix.
    Raises ValueError for a URI that does not end with a slash.
    """
    return {
        "InferenceComponentName": name,
        "EndpointName": endpoint_name,
        "VariantName": VARIANT,
        "Specification": {
            "Container": {
                "Image": image,
                "ArtifactUrl": artifacts_prefix(model_uri),
                "Environment": dict(environment),
            },
            "ComputeResourceRequirements": {
                "NumberOfCpuCoresRequired": compute.cpus,
                "NumberOfAcceleratorDevicesRequired": compute.accelerators,
                "MinMemoryRequiredInMb": compute.memory_mib,
            },
        },
        "RuntimeConfig": {"CopyCount": copies},
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
