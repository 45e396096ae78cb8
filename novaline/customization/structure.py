"""Reads the parts of a customization file one by one, so that a mistake in one part hides none in another.

What is wrong is mended where a person's intent is plain (`stf` is read as `sft`, as the hint says) and otherwise
replaced by a stand-in, so that the rest of the part is still checked. `Parts` remembers both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails

from novaline.customization.mistakes import class_at, finding_of, guess, missing, unknown_key
from novaline.customization.model import (
    Budget,
    Customization,
    Deployment,
    Evaluation,
    Gate,
    Stage,
    TrainingData,
)
from novaline.customization.yaml_source import DataPath, SourceDocument
from novaline.findings import Finding
from novaline.recipes.overrides import shown

Part = TypeVar("Part", bound=BaseModel)

_STAND_INS: dict[tuple[type[BaseModel], str], object] = {
    (Stage, "name"): "unnamed",
    (Stage, "technique"): "sft",
    (Stage, "data"): {"train": "unknown"},
    (TrainingData, "train"): "unknown",
    (Evaluation, "name"): "unnamed",
    (Evaluation, "task"): "gen_qa",
    (Gate, "evaluation"): "unnamed",
    (Gate, "metric"): "exact_match",
    (Budget, "usd"): 1.0,
}
"""Required keys, and what stands for one that is missing or wrong. `Parts.known` is false there."""

_BRANCHES = frozenset({"str", "int", "float", "bool", "list[any]", "dict[str,any]", "none", "[key]"})
_MOST_STAGES = next(
    item.max_length for item in Customization.model_fields["stages"].metadata if hasattr(item, "max_length")
)


@dataclass(slots=True)
class Parts:
    """What could be read of a customization; a part that could not is None."""

    name: str | None = None
    model: str | None = None
    stages: list[Stage | None] = field(default_factory=list)
    evaluations: list[Evaluation | None] = field(default_factory=list)
    gate: Gate | None = None
    deployment: Deployment | None = None
    budget: Budget | None = None
    unknown: frozenset[DataPath] = frozenset()
    """Where a stand-in or a default stands for what is wrong or missing."""
    mended: frozenset[DataPath] = frozenset()
    """Where a value was read as the one that its mistake's hint names, or came by a merge key."""

    def known(self, *path: str | int) -> bool:
        """Whether the value at `path` is what the file says, or says nothing about: conclusions may be drawn."""
        return not any(path[:length] in self.unknown for length in range(1, len(path) + 1))


_Head = create_model(
    "_Head",
    __config__=ConfigDict(strict=True, extra="ignore"),
    name=(Customization.model_fields["name"].rebuild_annotation(), ...),
    model=(Customization.model_fields["model"].rebuild_annotation(), ...),
)


def read_parts(document: SourceDocument) -> tuple[Parts, list[Finding]]:
    """The parts of the document, and every finding about their form."""
    data = document.data
    if () in document.unreadable:
        return Parts(), []
    if not isinstance(data, dict):
        found = "the file is empty" if data is None else f"found {shown(data)}"
        message = f"a customization is a mapping of keys; {found}"
        hint = f"its keys are {', '.join(Customization.model_fields)}"
        return Parts(), [document.finding("wrong-shape", message, (), hint=hint)]
    reader = _Reader(document)
    parts = Parts(
        stages=reader.items("stages", data, Stage),
        evaluations=reader.items("evaluations", data, Evaluation),
        gate=reader.part("gate", data, Gate),
        deployment=reader.part("deployment", data, Deployment),
        budget=reader.part("budget", data, Budget),
    )
    reader.head(parts, data)
    for key in data.keys() - Customization.model_fields.keys():
        reader.findings.append(unknown_key(document, (key,), Customization))
    for key, info in Customization.model_fields.items():
        if info.is_required() and key not in data and key not in ("name", "model"):
            reader.findings.append(missing(document, (key,)))
    if len(parts.stages) > _MOST_STAGES:
        message = f"a customization has at most {_MOST_STAGES} stages, found {len(parts.stages)}"
        reader.findings.append(document.finding("wrong-value", message, ("stages", _MOST_STAGES)))
    parts.unknown = frozenset(reader.unknown) | document.unreadable
    parts.mended = frozenset(reader.mended) | document.merged
    told = {document.locate(path)[:2] for path in document.unreadable | document.merged}
    return parts, [finding for finding in reader.findings if (finding.line, finding.column) not in told]


class _Reader:
    """Validates parts and collects what is wrong with them."""

    def __init__(self, document: SourceDocument) -> None:
        self.document = document
        self.findings: list[Finding] = []
        self.unknown: set[DataPath] = set()
        self.mended: set[DataPath] = set()

    def head(self, parts: Parts, data: Mapping[str, object]) -> None:
        """The name and the model, each whether or not the other is right."""
        raw = {key: data[key] for key in ("name", "model") if key in data}
        try:
            _Head.model_validate(raw)
        except ValidationError as problem:
            errors = problem.errors(include_url=False)
            self.findings.extend(self._findings(errors, _Head, ()))
            for error in errors:
                key = str(error["loc"][0])
                meant = guess(error, _Head)
                (self.unknown if meant is None else self.mended).add((key,))
                raw[key] = meant
        name, model = raw.get("name"), raw.get("model")
        parts.name = name if isinstance(name, str) else None
        parts.model = model if isinstance(model, str) else None

    def items(self, key: str, data: Mapping[str, object], cls: type[Part]) -> list[Part | None]:
        raw = data.get(key)
        if key not in data:
            return []
        if not isinstance(raw, list) or not raw:
            message = f"`{key}` must be a list with at least one item, found {shown(raw)}"
            self.findings.append(self.document.finding("wrong-shape", message, (key,)))
            return []
        return [self.lenient(cls, item, (key, index)) for index, item in enumerate(raw)]

    def part(self, key: str, data: Mapping[str, object], cls: type[Part]) -> Part | None:
        return self.lenient(cls, data[key], (key,)) if key in data else None

    def lenient(self, cls: type[Part], raw: object, path: DataPath) -> Part | None:
        """The part with what is wrong in it mended or replaced, where that is possible."""
        try:
            return cls.model_validate(raw)
        except ValidationError as problem:
            errors = problem.errors(include_url=False)
        self.findings.extend(self._findings(errors, cls, path))
        if not isinstance(raw, dict):
            self.unknown.add(path)
            return None
        mended = deepcopy(raw)
        for error in errors:
            self._mend(mended, error, cls, path)
        try:
            return cls.model_validate(mended)
        except ValidationError:
            self.unknown.add(path)
            return None

    def _mend(self, data: dict[str, object], error: ErrorDetails, cls: type[BaseModel], base: DataPath) -> None:
        """Puts what was meant, a stand-in or nothing in place of what is wrong, in `data`."""
        owner, node, keys = cls, data, [str(part) for part in error["loc"]]
        for depth, key in enumerate(keys):
            inner = node.get(key)
            if depth + 1 < len(keys) and isinstance(inner, dict) and keys[depth + 1] not in _BRANCHES:
                node, owner = inner, class_at(owner, (key,))
                continue
            path = (*base, *keys[: depth + 1])
            meant = guess(error, owner)
            if meant is not None:
                node[key] = meant
                self.mended.add(path)
            else:
                node.pop(key, None)
                self.unknown.add(path)
                if (owner, key) in _STAND_INS:
                    node[key] = deepcopy(_STAND_INS[owner, key])
            return

    def _findings(self, errors: list[ErrorDetails], cls: type[BaseModel], path: DataPath) -> Iterator[Finding]:
        found: dict[DataPath, ErrorDetails] = {}
        for error in errors:
            location = _plain(error["loc"], self.document, path)
            # A union reports every branch that failed; of a number that is not finite, only one says so.
            if location not in found or error["type"] == "finite_number":
                found[location] = error
        for location, error in found.items():
            yield finding_of(self.document, error, class_at(cls, error["loc"][:-1]), location)


def _plain(location: tuple[int | str, ...], document: SourceDocument, path: DataPath) -> DataPath:
    """The place in the document; pydantic's location also names the branches of unions."""
    plain = path
    for index, part in enumerate(location):
        if (*plain, part) in document.values or (index == len(location) - 1 and part not in _BRANCHES):
            plain = (*plain, part)
    return plain
