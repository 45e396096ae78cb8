"""What the SDK sends, caught where botocore would send it; and no other way out of the process."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.model import OperationModel

SDK = int(version("sagemaker").partition(".")[0])
"""The generation of the SDK in this environment: 2 or 3."""

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Unexpected(AssertionError):
    """A call that no test foresaw, or a connection that went around botocore."""


class Wire:
    """AWS as the SDK sees it: every call is kept as it was serialized, and answered from a table.

    `answers` maps an operation to what it answers to its parameters. What goes wrong is raised and kept as well, in
    `unexpected`, because the SDKs swallow exceptions.
    """

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = dict(answers)
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.unexpected: list[str] = []

    def sent(self, operation: str) -> Mapping[str, Any]:
        """The parameters of the one call of this operation."""
        found = [parameters for name, parameters in self.calls if name == operation]
        assert len(found) == 1, f"{operation} was called {len(found)} times; calls: {[name for name, _ in self.calls]}"
        return found[0]

    def answer(self, model: OperationModel, params: Mapping[str, Any], **_: object) -> tuple[AWSResponse, Any]:
        """The handler of botocore's `before-call`: the request is validated and serialized, and nothing is sent."""
        parameters = _parameters(params)
        self.calls.append((model.name, parameters))
        if model.name not in self.answers:
            raise self._refusal(f"{model.service_model.service_name}:{model.name} was called with {parameters}")
        response = {"ResponseMetadata": {"HTTPStatusCode": 200}, **self.answers[model.name](parameters)}
        return AWSResponse(params["url"], 200, {}, None), response

    def refuse(self, *address: object, **_: object) -> None:
        """Takes the place of every function that opens a connection or looks up a host."""
        raise self._refusal(f"a connection was opened: {address}")

    def _refusal(self, what: str) -> Unexpected:
        self.unexpected.append(what)
        return Unexpected(what)


def _parameters(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """A serialized request, read back: JSON as it goes over the wire; of others the path and the body."""
    body = request["body"]
    if request["headers"].get("Content-Type", "").startswith("application/x-amz-json"):
        return dict(json.loads(body))
    return {"path": request["url_path"], "body": body.read() if hasattr(body, "read") else body}
