"""Mistakes in a customization file's form, in words: what was found, what was expected, what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from novaline.customization.model import (
    Customization,
    Evaluation,
    EvaluationInstances,
    Instances,
    Processor,
    Stage,
    TrainingData,
)
from novaline.customization.yaml_source import DataPath, SourceDocument
from novaline.findings import Finding, nearest
from novaline.recipes.bounds import spelling_hint
from novaline.recipes.overrides import shown

# What AWS or the design has and this version has not: refused by name, so that nobody looks for a typing mistake.
_NOT_YET: dict[str, dict[str, str | None]] = {
    "technique": {
        "multi-turn-rft": "AWS runs it by the API CreateJob, and publishes no schema of the document that it takes"
    },
    "metric": dict.fromkeys(
        (
            "rouge1", "rouge2", "rougeL", "f1_score", "f1_score_quasi", "bleu", "accuracy", "deflection", "pass@1",
            "winrate", "score", "aggregate_reward_score",
        ),
        "the gate compares paired answers that are right or wrong",
    ),
    "target": dict.fromkeys(("bedrock-provisioned", "sagemaker-endpoint")),
}  # fmt: skip
_INSTEAD = {
    ("model", "nova-premier"): "it is a teacher: `teacher: nova-premier` in a stage with `technique: distillation`",
    ("technique", "rlvr"): "write `rft`: it is trained by a reward function",
    ("technique", "peft"): "write `technique: sft` and `tuning: lora`",
    ("technique", "lora"): "write `technique: sft` and `tuning: lora`",
    ("platform", "smtj"): "write `sagemaker`",
    ("platform", "smhp"): "write `hyperpod`",
    ("target", "bedrock"): "write `bedrock-on-demand`",
}
_REWARD = "the name of a reward function: lower-case letters and digits, with single - between them"
_PATTERNS = {
    "name": "letters and digits, with single - or _ between them, at most 63 characters",
    "evaluation": "the name of an evaluation",
    "type": "a SageMaker instance type, such as ml.p5.48xlarge",
    "reward": _REWARD,
    "function": "the ARN of a Lambda function, without a version or an alias",
}
_EXAMPLES = {
    "name": "write for example `name: my-model`",
    "model": "write for example `model: nova-micro`",
    "stages": "write for example `stages: [{name: sft, technique: sft, data: {train: train.jsonl}}]`",
    "evaluations": "write for example `evaluations: [{name: holdout, task: gen_qa, data: eval.jsonl}]`",
    "gate": "write for example `gate: {evaluation: holdout, metric: exact_match}`",
    "budget": "write for example `budget: {usd: 500}`",
}
_EXAMPLES_IN_PARTS = {
    (Stage, "name"): "write for example `name: sft`",
    (Stage, "technique"): "write for example `technique: sft`",
    (Stage, "data"): "write for example `data: {train: train.jsonl}`",
    (TrainingData, "train"): "write for example `data: {train: train.jsonl}`",
    (Evaluation, "name"): "write for example `name: holdout`",
    (Evaluation, "task"): "write for example `task: gen_qa`",
}
_PART_NAME = "lower-case letters and digits, with single - between them, at most 24 characters"
_NAMES: dict[type[BaseModel], str] = {
    Stage: _PART_NAME,
    Evaluation: _PART_NAME,
    Processor: "the name of a processor: lower-case letters and digits, with single - between them",
}
_WORDS = {"str": "text", "int": "an integer", "float": "a number", "bool": "true or false", "dict": "a mapping"}
_KINDS = {"int_type": "integer", "int_from_float": "integer", "float_type": "float", "bool_type": "boolean"}
_NESTED: dict[tuple[type[BaseModel], str], type[BaseModel]] = {
    (Stage, "instances"): Instances,
    (Stage, "data"): TrainingData,
    (Evaluation, "instances"): EvaluationInstances,
    (Evaluation, "processor"): Processor,
}


def finding_of(document: SourceDocument, error: ErrorDetails, owner: type[BaseModel], path: DataPath) -> Finding:
    """The finding for one of pydantic's errors, about the key at `path`, which `owner` holds."""
    match error["type"]:
        case "extra_forbidden":
            return unknown_key(document, path, owner)
        case "missing":
            return missing(document, path, owner)
        case "literal_error":
            return _not_one_of(document, path, error["input"], owner)
    key = str(path[-1]) if path else ""
    code, expected = _expectation(error, owner, key)
    message = f"`{_said(path)}` must be {expected}, found {_found(error['input'])}"
    return document.finding(code, message, path, hint=_hint(error, owner, key))


def guess(error: ErrorDetails, owner: type[BaseModel]) -> str | None:
    """What a value from a closed set was meant to be, where its mistake's hint says so; None otherwise."""
    if error["type"] != "literal_error" or not isinstance(error["input"], str):
        return None
    key, value = str(error["loc"][-1]), error["input"]
    if value in _NOT_YET.get(key, ()) or (key, value) in _INSTEAD:
        return None
    return nearest(value, _choices(owner, key))


def class_at(cls: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel]:
    """The model class that holds the keys at this place."""
    for part in location:
        cls = _NESTED.get((cls, str(part)), cls)
    return cls


def unknown_key(document: SourceDocument, path: DataPath, owner: type[BaseModel]) -> Finding:
    """The finding about a key that does not exist."""
    key, known = str(path[-1]), list(owner.model_fields)
    close = nearest(key, known)
    hint = f"did you mean `{close}`?" if close else f"the keys here are {', '.join(known)}"
    return document.finding("unknown-key", f"unknown key `{key}`", path, key=True, hint=hint)


def missing(document: SourceDocument, path: DataPath, owner: type[BaseModel] = Customization) -> Finding:
    """The finding about a required key that is not there; it points at what lacks it."""
    said = _said(path[:-1])
    where = f"`{said}`" if said else "the customization"
    key = str(path[-1])
    hint = _EXAMPLES_IN_PARTS.get((owner, key)) or _EXAMPLES.get(_said(path))
    return document.finding("missing-key", f"{where} lacks `{key}`", path, hint=hint)


def _not_one_of(document: SourceDocument, path: DataPath, value: object, owner: type[BaseModel]) -> Finding:
    key = str(path[-1])
    choices = _choices(owner, key)
    listed = ", ".join(choices)
    planned = _NOT_YET.get(key, {})
    if isinstance(value, str) and value in planned:
        message = f"`{key}: {value}` is not supported by this version; supported: {listed}"
        return document.finding("not-supported", message, path, hint=planned[value])
    close = nearest(str(value), choices)
    hint = _INSTEAD.get((key, str(value).lower())) or (f"did you mean `{close}`?" if close else None)
    return document.finding("wrong-value", f"`{key}` must be one of {listed}; found {shown(value)}", path, hint=hint)


def _choices(owner: type[BaseModel], key: str) -> list[str]:
    annotation = owner.model_fields[key].annotation
    literals = [annotation, *get_args(annotation)]  # `Literal[…] | None` holds the literal one level down
    return [str(choice) for item in literals if get_origin(item) is Literal for choice in get_args(item)]


def _found(value: object) -> str:
    return "nothing" if value is None else shown(value)


def _hint(error: ErrorDetails, owner: type[BaseModel], key: str) -> str | None:
    """What to write instead, where the expectation does not say it."""
    if error["type"] == "model_type":
        return f"its keys are {', '.join(class_at(owner, error['loc'][-1:]).model_fields)}"
    value = error["input"]
    if key == "confidence" and isinstance(value, int | float) and 80 <= value < 100:
        return f"it is a share of 1: {value / 100:g}"
    if key == "margin" and isinstance(value, int | float) and 1 <= value < 100:
        return f"it is a share of 1, so {value:g} points of 100 are {value / 100:g}"
    return spelling_hint(value, _KINDS.get(error["type"], ""))


def _expectation(error: ErrorDetails, owner: type[BaseModel], key: str) -> tuple[str, str]:
    """The finding's code, and what the value must be."""
    kind = error["type"]
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind == "value_error":
        return "wrong-value", str(context["error"])
    if kind in ("string_pattern_mismatch", "string_too_long", "string_too_short"):
        if key == "name" and owner in _NAMES:
            return "wrong-value", _NAMES[owner]
        return "wrong-value", _PATTERNS.get(key, "text of a sensible length")
    if kind.startswith(("greater_than", "less_than", "finite_number")):
        return "wrong-value", error["msg"].removeprefix("Input should be ")
    kind = {"model_type": "dict", "string_type": "str"}.get(kind, kind.removesuffix("_type"))
    return "wrong-type", _WORDS.get(kind, error["msg"].removeprefix("Input should be "))


def _said(path: DataPath) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
