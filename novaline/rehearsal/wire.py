"""AWS's json and rest-json protocols from the server's side, driven by botocore's own shapes.

botocore writes requests and reads responses; this module does the reverse, so that a service can be written as
`dict in, dict out` with exactly the members that boto3 takes and returns. Nothing here knows of the emulator.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.utils import parse_timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One HTTP request; header names are lower case, `path` is decoded, `query` as urllib's parse_qs gives it."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """One HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


@lru_cache(maxsize=32)
def service_model(service: str) -> ServiceModel:
    """botocore's model of `service`."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service_name=service)


def find_operation(service: str, request: HttpRequest) -> OperationModel | None:
    """The operation of `service` that the request is for, or None."""
    model = service_model(service)
    if model.protocol == "json":
        prefix, _, name = request.headers.get("x-amz-target", "").rpartition(".")
        known = prefix == model.metadata["targetPrefix"] and name in model.operation_names
        return model.operation_model(name) if known else None
    for method, pattern, name in _routes(service):
        if method == request.method and pattern.fullmatch(request.path):
            return model.operation_model(name)
    return None


@lru_cache(maxsize=32)
def _routes(service: str) -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """(method, path pattern, operation), those with fewest labels first: literal paths win over labels."""
    model = service_model(service)
    routes = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        uri = http["requestUri"].partition("?")[0]
        pattern = "".join(
            f"(?P<{part[1:-1].rstrip('+')}>.+)" if part.startswith("{") else re.escape(part)
            for part in re.split(r"(\{[^}]+\})", uri)
        )
        routes.append((uri.count("{"), -len(uri), http["method"], re.compile(pattern), name))
    return tuple((method, pattern, name) for _, _, method, pattern, name in sorted(routes, key=lambda route: route[:2]))


def decode(operation: OperationModel, request: HttpRequest) -> dict[str, Any]:
    """The parameters as they were given to boto3. Raises ValueError if the body is no JSON object of that shape."""
    shape = operation.input_shape
    if shape is None:
        return {}
    document = json.loads(request.body) if request.body else {}
    if not isinstance(document, dict):
        raise TypeError("the body is not a JSON object")
    if operation.service_model.protocol == "json":
        found: dict[str, Any] = _decode(document, shape)
        return found
    return _decode_rest(operation, shape, request, document)


def _decode_rest(
    operation: OperationModel, shape: StructureShape, request: HttpRequest, document: dict[str, Any]
) -> dict[str, Any]:
    labels: dict[str, str] = {}
    for method, pattern, name in _routes(operation.service_model.service_name):
        match = pattern.fullmatch(request.path)
        if name == operation.name and method == request.method and match:
            labels = match.groupdict()
    found: dict[str, Any] = {}
    for key, member in shape.members.items():
        place = member.serialization.get("location")
        wire = member.serialization.get("name", key)
        if place == "uri":
            text: str | None = unquote(labels[wire]) if wire in labels else None
        elif place == "querystring":
            text = (request.query.get(wire) or [None])[0]  # type: ignore[list-item] # parse_qs never yields None
            if text is not None and isinstance(member, ListShape):
                found[key] = [_from_text(item, member.member) for item in request.query[wire]]
                continue
        elif place == "header":
            text = request.headers.get(wire.lower())
        else:
            payload = shape.serialization.get("payload") == key
            if payload:
                found[key] = _decode(document, member)
            elif document.get(wire) is not None:
                found[key] = _decode(document[wire], member)
            continue
        if text is not None:
            found[key] = _from_text(text, member)
    return found


def _from_text(text: str, shape: Shape) -> Any:  # noqa: ANN401 - any scalar
    match shape.type_name:
        case "integer" | "long":
            return int(text)
        case "float" | "double":
            return float(text)
        case "boolean":
            return text == "true"
        case "timestamp":
            return parse_timestamp(text)
    return text


def _decode(value: Any, shape: Shape) -> Any:  # noqa: ANN401 - any JSON value
    match shape:
        case StructureShape() if not is_document(shape):
            _demand(value, dict, shape)
            names = {member.serialization.get("name", key): key for key, member in shape.members.items()}
            return {
                names.get(wire, wire): _decode(item, shape.members[names[wire]]) if wire in names else item
                for wire, item in value.items()
                if item is not None
            }
        case ListShape():
            _demand(value, list, shape)
            return [_decode(item, shape.member) for item in value]
        case MapShape():
            _demand(value, dict, shape)
            return {key: _decode(item, shape.value) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return parse_timestamp(value)
    return base64.b64decode(value) if shape.type_name == "blob" else value


def is_document(shape: Shape) -> bool:
    """Whether a structure is a free JSON document."""
    return bool(getattr(shape, "is_document_type", False))


def _demand(value: object, kind: type, shape: Shape) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{shape.name} is not a JSON {'object' if kind is dict else 'array'}")


def encode(operation: OperationModel, response: Mapping[str, Any], request_id: str) -> HttpResponse:
    """The HTTP response that botocore reads back as `response`."""
    model = operation.service_model
    shape = operation.output_shape
    headers = {"Content-Type": _content_type(model), "x-amzn-RequestId": request_id}
    body: dict[str, Any] = {}
    status = int(operation.http.get("responseCode", 200))
    for key, value in response.items():
        member = shape.members.get(key) if shape is not None else None
        if member is None:
            raise KeyError(f"{operation.name} returned {key}, which its response does not have")
        if value is None:
            continue
        wire = member.serialization.get("name", key)
        if member.serialization.get("location") == "header":
            headers[wire] = str(value)
        else:
            body[wire] = _encode(value, member)
    return HttpResponse(status=status, headers=headers, body=json.dumps(body).encode())


def _encode(value: Any, shape: Shape) -> Any:  # noqa: ANN401 - any value that boto3 returns
    match shape:
        case StructureShape() if not is_document(shape):
            return {
                shape.members[key].serialization.get("name", key): _encode(item, shape.members[key])
                for key, item in value.items()
                if item is not None
            }
        case ListShape():
            return [_encode(item, shape.member) for item in value]
        case MapShape():
            return {key: _encode(item, shape.value) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return _encode_time(value, shape)
    return base64.b64encode(value).decode("ascii") if shape.type_name == "blob" else value


def _encode_time(value: datetime | str, shape: Shape) -> str | float:
    moment = value if isinstance(value, datetime) else parse_timestamp(value)
    if shape.serialization.get("timestampFormat") == "iso8601":
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return round(moment.timestamp(), 3)


def encode_error(service: str, code: str, message: str, status: int, request_id: str) -> HttpResponse:
    """A refusal, with the code where either protocol's parsers look for it."""
    headers = {
        "Content-Type": _content_type(service_model(service)),
        "x-amzn-RequestId": request_id,
        "x-amzn-ErrorType": code,
    }
    body = json.dumps({"__type": code, "message": message}).encode()
    return HttpResponse(status=status, headers=headers, body=body)


def _content_type(model: ServiceModel) -> str:
    if model.protocol == "json":
        return f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.1')}"
    return "application/json"
