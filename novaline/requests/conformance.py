"""Checks a request against AWS's own service model, more strictly than the SDK does before it sends.

botocore's validator checks types, required members and some lengths; it leaves patterns, enumerations and upper bounds
to the service. A request that this module passes is one that the model says the service can accept. Works offline: the
models ship with botocore.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.loaders import create_loader
from botocore.model import ListShape, MapShape, OperationNotFoundError, ServiceModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

# Unicode classes of AWS's patterns, each as a class of Python's that holds at least the same characters.
_CHARACTER_CLASSES = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s", r"\p{Alnum}": "a-zA-Z0-9"}


def check_request(service: str, operation: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Everything that is wrong with the request, as sentences that name the member; empty when it conforms.

    `service` and `operation` are spelled as botocore does (`sagemaker`, `CreateTrainingJob`). Raises ValueError for a
    service or an operation that botocore does not know.
    """
    try:
        model = service_model(service).operation_model(operation)
    except (UnknownServiceError, OperationNotFoundError) as problem:
        raise ValueError(str(problem)) from None
    shape = model.input_shape
    if shape is None:
        return tuple(f"{operation} takes no parameters; found {name}" for name in parameters)
    report = ParamValidator().validate(dict(parameters), shape)
    problems = [line for line in report.generate_report().splitlines() if line]
    problems.extend(_stricter(parameters, shape, ""))
    return tuple(dict.fromkeys(problems))


@cache
def service_model(service: str) -> ServiceModel:
    """botocore's model of a service, read once per process."""
    return ServiceModel(create_loader().load_service_model(service, "service-2"), service)


def _stricter(value: object, shape: Shape, path: str) -> Iterator[str]:
    """What botocore's own validator does not look at. Wrong types are left to it."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        yield from _structure(value, shape, path)
    elif isinstance(shape, ListShape) and isinstance(value, list | tuple):
        yield from _size(len(value), shape, path, "items")
        for index, item in enumerate(value):
            yield from _stricter(item, shape.member, f"{path}[{index}]")
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        yield from _size(len(value), shape, path, "entries")
        for key, item in value.items():
            yield from _stricter(key, shape.key, f"{path} (key {key!r})")
            yield from _stricter(item, shape.value, f"{path}.{key}")
    elif isinstance(shape, StringShape) and isinstance(value, str):
        yield from _text(value, shape, path)
    elif shape.type_name in ("integer", "long", "float", "double") and isinstance(value, int | float):
        yield from _size(value, shape, path, "")


def _structure(value: Mapping[str, object], shape: StructureShape, path: str) -> Iterator[str]:
    for name, item in value.items():
        member = shape.members.get(name)
        if member is not None:
            yield from _stricter(item, member, f"{path}.{name}" if path else name)


def _text(value: str, shape: StringShape, path: str) -> Iterator[str]:
    yield from _size(len(value), shape, path, "characters")
    if shape.enum and value not in shape.enum:
        shown = ", ".join(shape.enum[:12]) + (", …" if len(shape.enum) > 12 else "")
        yield f"{path}: {value!r} is not one of {shown}"
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not _matches(pattern, value):
        yield f"{path}: {value[:120]!r} does not match the pattern {pattern}"


def _size(size: float, shape: Shape, path: str, unit: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    noun = f" {unit}" if unit else ""
    if least is not None and size < least:
        yield f"{path}: {size}{noun} is below the minimum of {least}"
    if most is not None and size > most:
        yield f"{path}: {size}{noun} is above the maximum of {most}"


def _matches(pattern: str, value: str) -> bool:
    expression = _compiled(pattern)
    return expression is None or expression.fullmatch(value) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """The model's pattern for Python; None for the few that use what Python's `re` does not have."""
    translated = pattern
    for theirs, ours in _CHARACTER_CLASSES.items():
        translated = translated.replace(theirs, ours)
    try:
        return re.compile(translated)
    except re.error:
        return None
