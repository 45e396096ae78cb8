"""Reads the parts of a customization file one by one, so that a mistake in one part hides none in another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails

from novaline.customization.model import (
    Budget,
    Customization,
    Deployment,
    Evaluation,
    EvaluationInstances,
    Gate,
    Instances,
    Stage,
    TrainingData,
)
from novaline.customization.yaml_source import DataPath, SourceDocument
from novaline.findings import Finding, nearest
from novaline.recipes.overrides import shown

Part = TypeVar("Part", bound=BaseModel)

# What the design has and this version has not: refused by name, so that nobody looks for a typing mistake.
_PLANNED_VALUES: dict[str, frozenset[str]] = {
    "model": frozenset({"nova-lite", "nova-pro", "nova-premier"}),
    "technique": frozenset({"dpo", "rft", "cpt", "ppo", "distillation"}),
    "tuning": frozenset({"full"}),
    "platform": frozenset({"bedrock", "serverless", "hyperpod"}),
    "task": frozenset(
        {
            "mmlu", "mmlu_pro", "bbh", "gpqa", "math", "strong_reject", "ifeval", "mmmu", "llm_judge", "mm_llm_judge",
            "rubric_llm_judge", "rft_eval", "aime_2024", "calendar_scheduling", "humaneval",
        }
    ),
    "metric": frozenset({"rouge1", "rouge2", "rougeL", "f1_score", "f1_score_quasi", "bleu"}),
    "target": frozenset({"bedrock-provisioned", "sagemaker-endpoint"}),
}  # fmt: skip
_PLANNED_KEYS: dict[type[BaseModel], frozenset[str]] = {
    Stage: frozenset({"reward"}),
    Evaluation: frozenset({"subtask", "reward", "processor"}),
}
_PATTERNS = {
    "name": "letters and digits, with single - or _ between them, at most 63 characters",
    "evaluation": "the name of an evaluation",
    "type": "a SageMaker instance type, such as ml.p5.48xlarge",
}
_EXAMPLES = {
    "name": "write for example `name: my-model`",
    "model": "write for example `model: nova-micro`",
    "stages": "write for example `stages: [{name: sft, technique: sft, data: {train: train.jsonl}}]`",
    "evaluations": "write for example `evaluations: [{name: holdout, task: gen_qa, data: eval.jsonl}]`",
    "gate": "write for example `gate: {evaluation: holdout, metric: exact_match}`",
    "budget": "write for example `budget: {usd: 500}`",
}
_PART_NAME = "lower-case letters and digits, with single - between them, at most 24 characters"
_WORDS = {"str": "text", "int": "an integer", "float": "a number", "bool": "true or false", "dict": "a mapping"}


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


_Head = create_model(
    "_Head",
    __config__=ConfigDict(strict=True, extra="ignore"),
    name=(Customization.model_fields["name"].rebuild_annotation(), ...),
    model=(Customization.model_fields["model"].rebuild_annotation(), ...),
)


def read_parts(document: SourceDocument) -> tuple[Parts, list[Finding]]:
    """The parts of the document, and every finding about their form."""
    data = document.data
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
    head = reader.lenient(_Head, {key: data[key] for key in ("name", "model") if key in data}, ())
    if head is not None:
        parts.name, parts.model = getattr(head, "name", None), getattr(head, "model", None)
    elif isinstance(data.get("model"), str):
        parts.model = data["model"]
    for key in data.keys() - Customization.model_fields.keys():
        reader.findings.append(_unknown_key(document, (key,), Customization))
    for key, info in Customization.model_fields.items():
        if info.is_required() and key not in data and key not in ("name", "model"):
            reader.findings.append(_missing(document, (key,)))
    if len(parts.stages) > 1:
        message = f"this version runs exactly one stage, found {len(parts.stages)}"
        reader.findings.append(document.finding("not-supported", message, ("stages", 1)))
    return parts, reader.findings


class _Reader:
    """Validates parts and collects what is wrong with them."""

    def __init__(self, document: SourceDocument) -> None:
        self.document = document
        self.findings: list[Finding] = []

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
        """The part without what is wrong in it, where that is possible: the rest is still worth checking."""
        try:
            return cls.model_validate(raw)
        except ValidationError as problem:
            errors = problem.errors(include_url=False)
        self.findings.extend(self._findings(errors, cls, path))
        pruned = deepcopy(raw)
        for error in errors:
            _remove(pruned, error["loc"])
        try:
            return cls.model_validate(pruned)
        except ValidationError:
            return None

    def _findings(self, errors: list[ErrorDetails], cls: type[BaseModel], path: DataPath) -> Iterator[Finding]:
        seen: set[DataPath] = set()
        for error in errors:
            location = _plain(error["loc"], self.document, path)
            if location not in seen:  # a union reports every branch that failed
                seen.add(location)
                yield _finding(self.document, error, _class_at(cls, error["loc"][:-1]), location)


def _finding(document: SourceDocument, error: ErrorDetails, owner: type[BaseModel], path: DataPath) -> Finding:
    match error["type"]:
        case "extra_forbidden":
            return _unknown_key(document, path, owner)
        case "missing":
            return _missing(document, path)
        case "literal_error":
            return _not_one_of(document, path, error["input"], owner)
    code, expected = _expectation(error, owner, str(path[-1]) if path else "")
    message = f"`{_said(path)}` must be {expected}, found {_found(error['input'])}"
    return document.finding(code, message, path, hint=_hint(error, owner, str(path[-1]) if path else ""))


def _found(value: object) -> str:
    return "nothing" if value is None else shown(value)


def _hint(error: ErrorDetails, owner: type[BaseModel], key: str) -> str | None:
    """What to write instead, where the expectation does not say it."""
    if error["type"] == "model_type":
        return f"its keys are {', '.join(_class_at(owner, error['loc'][-1:]).model_fields)}"
    value = error["input"]
    if key == "confidence" and isinstance(value, int | float) and 80 <= value < 100:
        return f"it is a share of 1: {value / 100:g}"
    if key == "margin" and isinstance(value, int | float) and 1 <= value < 100:
        return f"it is a share of 1, so {value:g} points of 100 are {value / 100:g}"
    return None


def _expectation(error: ErrorDetails, owner: type[BaseModel], key: str) -> tuple[str, str]:
    """The finding's code, and what the value must be."""
    kind = error["type"]
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind == "value_error":
        return "wrong-value", str(context["error"])
    if kind in ("string_pattern_mismatch", "string_too_long", "string_too_short"):
        part_name = owner in (Stage, Evaluation) and key == "name"
        return "wrong-value", _PART_NAME if part_name else _PATTERNS.get(key, "text of a sensible length")
    if kind.startswith(("greater_than", "less_than", "finite_number")):
        return "wrong-value", error["msg"].removeprefix("Input should be ")
    kind = {"model_type": "dict", "string_type": "str"}.get(kind, kind.removesuffix("_type"))
    return "wrong-type", _WORDS.get(kind, error["msg"].removeprefix("Input should be "))


def _unknown_key(document: SourceDocument, path: DataPath, owner: type[BaseModel]) -> Finding:
    key, known = str(path[-1]), list(owner.model_fields)
    if key in _PLANNED_KEYS.get(owner, ()):
        hint = f"the keys here are {', '.join(known)}"
        return document.finding("not-supported", f"`{key}` is not supported by this version", path, key=True, hint=hint)
    close = nearest(key, known)
    hint = f"did you mean `{close}`?" if close else f"the keys here are {', '.join(known)}"
    return document.finding("unknown-key", f"unknown key `{key}`", path, key=True, hint=hint)


def _missing(document: SourceDocument, path: DataPath) -> Finding:
    owner = _said(path[:-1])
    where = f"`{owner}`" if owner else "the customization"
    return document.finding("missing-key", f"{where} lacks `{path[-1]}`", path, hint=_EXAMPLES.get(_said(path)))


def _not_one_of(document: SourceDocument, path: DataPath, value: object, owner: type[BaseModel]) -> Finding:
    key = str(path[-1])
    info = (Customization if owner is _Head else owner).model_fields[key]
    choices = [str(choice) for choice in get_args(info.annotation)]
    supported = ", ".join(choices)
    known = key in _PLANNED_VALUES and isinstance(value, str) and value in _PLANNED_VALUES[key]
    if known or key == "start":
        message = f"`{key}: {value}` is not supported by this version; supported: {supported}"
        return document.finding("not-supported", message, path)
    close = nearest(str(value), choices)
    hint = f"did you mean `{close}`?" if close else None
    return document.finding("wrong-value", f"`{key}` must be one of {supported}; found {shown(value)}", path, hint=hint)


def _class_at(cls: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel]:
    """The model class that holds the keys at this place."""
    nested: dict[tuple[type[BaseModel], str], type[BaseModel]] = {
        (Stage, "instances"): Instances,
        (Stage, "data"): TrainingData,
        (Evaluation, "instances"): EvaluationInstances,
    }
    for part in location:
        cls = nested.get((cls, str(part)), cls)
    return cls


def _plain(location: tuple[int | str, ...], document: SourceDocument, path: DataPath) -> DataPath:
    """The place in the document; pydantic's location also names the branches of unions."""
    plain = path
    for index, part in enumerate(location):
        if (*plain, part) in document.values or (index == len(location) - 1 and part not in _BRANCHES):
            plain = (*plain, part)
    return plain


_BRANCHES = frozenset({"str", "int", "float", "bool", "list[any]", "dict[str,any]", "none", "[key]"})


def _remove(data: object, location: tuple[int | str, ...]) -> None:
    parents: list[tuple[dict[str, object], str]] = []
    node = data
    for part in location:
        if isinstance(node, dict) and part in node:
            parents.append((node, str(part)))
            node = node[str(part)]
    if parents:
        owner, key = parents[-1]
        owner.pop(key, None)


def _said(path: DataPath) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
