"""One SDK in one process, with AWS in a table and without a network.

Run by `make conformance`, in an environment that holds the SDK.
"""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

if importlib.util.find_spec("sagemaker") is None:
    pytest.exit("these tests need the SageMaker SDK; run them with: make conformance", returncode=4)

import botocore.handlers
import jsonschema
from cases import ACCOUNT, REGION
from wire import SDK, Answer, Wire

collect_ignore = ["test_serverless.py"] if SDK == 2 else []

_TELEMETRY_OFF = """\
SchemaVersion: "1.0"
SageMaker:
  PythonSDK:
    Modules:
      TelemetryOptOut: true
"""
_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/conformance"
_ANSWERS: dict[str, Answer] = {
    "GetCallerIdentity": lambda _: {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/caller"},
    "GetRole": lambda _: {"Role": {"Arn": f"arn:aws:iam::{ACCOUNT}:role/training"}},
    "SimulatePrincipalPolicy": lambda _: {"EvaluationResults": [{"EvalDecision": "allowed"}]},
    "ListBuckets": lambda _: {"Buckets": [{"Name": f"sagemaker-{REGION}-{ACCOUNT}"}]},
    "HeadBucket": lambda _: {},
    "PutObject": lambda _: {"ETag": "0"},
    "CreateTrainingJob": lambda _: {"TrainingJobArn": _ARN},
    "DescribeTrainingJob": lambda call: {
        "TrainingJobName": call["TrainingJobName"],
        "TrainingJobArn": _ARN,
        "TrainingJobStatus": "InProgress",
        "SecondaryStatus": "Starting",
    },
}


@pytest.fixture(scope="session")
def _only_wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """The wire, in place before the SDK is imported, since its import makes clients already."""
    folder: Path = tmp_path_factory.mktemp("home")
    settings = folder / "sagemaker.yaml"
    settings.write_text(_TELEMETRY_OFF, encoding="utf-8")
    wire = Wire(_ANSWERS)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "HOME": str(folder),
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_CONFIG_FILE": str(folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAGEMAKER_ADMIN_CONFIG_OVERRIDE": str(settings),
            "SAGEMAKER_USER_CONFIG_OVERRIDE": str(settings),
            "SAGEMAKER_SUPPRESS_V2_WARNING": "1",
        }.items():
            patch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "SAGEMAKER_HUB_NAME"):
            patch.delenv(name, raising=False)
        handlers = [*botocore.handlers.BUILTIN_HANDLERS, ("before-call", wire.answer)]
        patch.setattr(botocore.handlers, "BUILTIN_HANDLERS", handlers)
        # The SDKs hold the four lines above against a large schema time and again, for half of the whole run.
        patch.setattr(jsonschema, "validate", lambda *_, **__: None)
        patch.setattr(socket.socket, "connect", wire.refuse)
        patch.setattr(socket.socket, "connect_ex", wire.refuse)
        patch.setattr(socket, "getaddrinfo", wire.refuse)
        yield wire


@pytest.fixture
def wire(_only_wire: Wire) -> Iterator[Wire]:
    """AWS for one test; nothing but what the table answers may be called."""
    _only_wire.calls.clear()
    _only_wire.unexpected.clear()
    answers = dict(_only_wire.answers)
    yield _only_wire
    _only_wire.answers = answers
    assert _only_wire.unexpected == []
