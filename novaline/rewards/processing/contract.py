"""The events that Nova's evaluation container sends to a processor, and the answers that it takes.

With ``lambda_type: custom_metrics`` each invocation is about one sample, before or after the model is asked::

    {"process_type": "preprocess", "data": {"system": text or null, "prompt": text, "gold": text}}
    -> {"statusCode": 200, "body": {"system": text or null, "prompt": text, "gold": text}}
    {"process_type": "postprocess", "data": {"prompt": text, "inference_output": text, "gold": text}}
    -> {"statusCode": 200, "body": [{"metric": name, "value": number}, …]}

With ``lambda_type: rft`` an invocation is a batch, as a reward function takes it: see `novaline.rewards.contract`.
Sources: "Bring your own metrics" in the Amazon Nova and SageMaker user guides, and the models of Amazon's own SDK for
such functions (aws/nova-custom-eval-sdk), which take no other members than these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypedDict

PREPROCESS: Final = "preprocess"
POSTPROCESS: Final = "postprocess"


class NotAnEvent(ValueError):
    """The event is none that a processor takes; the message says what was found, and holds nothing of its texts."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the model will be asked: a row of gen_qa on its way to the model."""

    prompt: str
    gold: str
    """What it should answer."""
    system: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What the model answered."""

    prompt: str
    inference_output: str
    gold: str


class MetricValue(TypedDict):
    """One metric of one sample."""

    metric: str
    value: float


class AskedAnswer(TypedDict):
    """The answer to `preprocess`."""

    statusCode: Literal[200]
    body: Mapping[str, str | None]


class MetricsAnswer(TypedDict):
    """The answer to `postprocess`."""

    statusCode: Literal[200]
    body: Sequence[MetricValue]


class Refusal(TypedDict):
    """The answer to an event that is none, as Amazon's SDK gives it."""

    statusCode: Literal[400]
    body: Mapping[str, str]


def stage_of(event: object) -> str:
    """`preprocess` or `postprocess`. Raises NotAnEvent."""
    if not isinstance(event, Mapping):
        raise NotAnEvent(f"an event is an object with process_type, not {type(event).__name__}")
    stage = event.get("process_type")
    if stage not in (PREPROCESS, POSTPROCESS):
        found = repr(stage[:40]) if isinstance(stage, str) else type(stage).__name__
        raise NotAnEvent(f"process_type is {found}, expected {PREPROCESS} or {POSTPROCESS}")
    return str(stage)


def asked_in(event: object) -> Asked:
    """What the model will be asked, from the event of `preprocess`. Raises NotAnEvent."""
    data = _data(event)
    system = data.get("system")
    if system is not None and not isinstance(system, str):
        raise NotAnEvent(f"data.system is {type(system).__name__}, expected text or null")
    return Asked(prompt=_text(data, "prompt"), gold=_text(data, "gold"), system=system)


def answered_in(event: object) -> Answered:
    """What the model answered, from the event of `postprocess`. Raises NotAnEvent."""
    data = _data(event)
    return Answered(
        prompt=_text(data, "prompt"), inference_output=_text(data, "inference_output"), gold=_text(data, "gold")
    )


def asked_answer(asked: Asked) -> AskedAnswer:
    """The answer that has the model asked so."""
    system = None if asked.system is None else _sendable(asked.system)
    return {
        "statusCode": 200,
        "body": {"system": system, "prompt": _sendable(asked.prompt), "gold": _sendable(asked.gold)},
    }


def metrics_answer(values: Mapping[str, float]) -> MetricsAnswer:
    """The answer that gives one sample these metrics."""
    return {"statusCode": 200, "body": [{"metric": name, "value": value} for name, value in values.items()]}


def refusal(message: str) -> Refusal:
    """The answer to an event that cannot be answered otherwise."""
    return {"statusCode": 400, "body": {"error": message}}


def _data(event: object) -> Mapping[str, object]:
    """The event's data. One page of the SDK shows it in an array of one, its models and the user guide do not."""
    data = event.get("data") if isinstance(event, Mapping) else None
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if not isinstance(data, Mapping):
        found = f"an array of {len(data)}" if isinstance(data, list) else type(data).__name__
        raise NotAnEvent(f"data is {found}, expected one object")
    return data


def _text(data: Mapping[str, object], name: str) -> str:
    found = data.get(name)
    if not isinstance(found, str):
        raise NotAnEvent(f"data.{name} is {type(found).__name__}, expected text")
    return found


def _sendable(text: str) -> str:
    """The text without half characters, which an event can hold as escapes and no answer can carry back."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
