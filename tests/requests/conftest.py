"""What official tools send, and a check that what Novaline would send is right by AWS's own models."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from novaline.requests.conformance import check_request


@pytest.fixture(scope="session")
def captured() -> Mapping[str, Mapping[str, Any]]:
    """Requests by `<tool>:<what>`; see the file's own word on where they come from."""
    path = Path(__file__).parent / "captured.json"
    return json.loads(path.read_text(encoding="utf-8"))["requests"]


@pytest.fixture(scope="session")
def conforming() -> Callable[[str, str, dict[str, Any]], dict[str, Any]]:
    """Returns a request that has passed the service's own model: members, types, patterns, enumerations, lengths."""

    def checked(service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        assert check_request(service, operation, request) == ()
        return request

    return checked


@pytest.fixture(scope="session")
def training_job(conforming) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Returns a training job's request that conforms once it has a name, which each attempt gets for itself."""

    def checked(request: dict[str, Any]) -> dict[str, Any]:
        conforming("sagemaker", "CreateTrainingJob", {"TrainingJobName": "n", **request})
        return request

    return checked
