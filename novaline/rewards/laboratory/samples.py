"""Answers to rows, as the events that Nova's trainers send: one shape of training jobs, and one of Bedrock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from novaline.rewards.laboratory.rows import Row

Shape = Literal["training job", "Bedrock"]
SHAPES: tuple[Shape, ...] = ("training job", "Bedrock")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model could say: words, and calls of tools."""

    text: str
    calls: tuple[Mapping[str, object], ...] = ()
    """Each `{"name", "arguments"}`."""


def sample_of(row: Row, answer: Answer, sample_id: str, shape: Shape = "training job") -> dict[str, object]:
    """The sample that a trainer makes of a row and the answer to it."""
    last: dict[str, object] = {"role": "assistant", "content": answer.text}
    if shape == "training job":
        last = {"role": "nova_assistant", "content": [{"type": "text", "text": answer.text}]}
    if answer.calls:
        last["tool_calls"] = [_call(call, number) for number, call in enumerate(answer.calls)]
    sample: dict[str, object] = {"id": sample_id, "messages": [*row.messages, last]}
    if shape == "training job":
        return sample | dict(row.rest) | ({} if row.reference is None else {"reference_answer": row.reference})
    metadata = {name: value for name, value in row.rest.items() if name != "tools"}
    tools = {"tools": row.rest["tools"]} if "tools" in row.rest else {}
    if row.reference is not None:
        metadata["reference_answer"] = row.reference
    return sample | tools | {"metadata": metadata}


def event_bytes(event: Sequence[object]) -> int:
    """The size of an event as it is sent."""
    return len(json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _call(call: Mapping[str, object], number: int) -> dict[str, object]:
    arguments = call.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return {"id": f"call-{number}", "type": "function", "function": {"name": call.get("name"), "arguments": text}}
