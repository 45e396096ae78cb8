"""The event that Nova's trainers send to a reward function, and the answer that they take.

In: a JSON array of samples, each ``{"id", "messages": […], "reference_answer", …}``. Training jobs send the content
of a message as a list of parts and call the last speaker ``nova_assistant`` at times; Bedrock sends text and puts the
reference under ``metadata``. Out: an array of the same length and order, each
``{"id", "aggregate_reward_score": number, "metrics_list": [{"name", "value", "type": "Metric" | "Reward"}]}``.
Source: the reward-function pages of the Amazon Nova and Amazon Bedrock user guides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypedDict

_SPEAKERS: Final = frozenset({"assistant", "nova_assistant"})


class NotABatch(ValueError):
    """The event is no array of samples: nothing in it can be answered."""


class Unscorable(ValueError):
    """One sample cannot be scored; the message says why. The rest of its batch can."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """What is scored: the model's last words, and what they should have said."""

    answer: str
    reference: object


@dataclass(frozen=True, slots=True)
class Score:
    """A reward, usually 0 to 1, and named measures that the trainer logs beside it."""

    reward: float
    measures: Mapping[str, float] = field(default_factory=dict)


class Metric(TypedDict):
    """One measure, as the trainer takes it."""

    name: str
    value: float
    type: Literal["Metric", "Reward"]


class SampleAnswer(TypedDict):
    """The score of one sample, as the trainer takes it."""

    id: object
    aggregate_reward_score: float
    metrics_list: list[Metric]


def batch_of(event: object) -> Sequence[object]:
    """The samples of an event. Raises NotABatch."""
    if not isinstance(event, list):
        raise NotABatch(f"a reward function is invoked with an array of samples, not with {type(event).__name__}")
    return event


def id_of(sample: object, position: int) -> object:
    """The sample's id; a sample without one is answered under its position, so that the count stays right."""
    if isinstance(sample, Mapping) and sample.get("id") is not None:
        found: object = sample["id"]
        return found
    return str(position)


def rollout_of(sample: object) -> Rollout:
    """The rollout in one sample, in either shape. Raises Unscorable."""
    if not isinstance(sample, Mapping):
        raise Unscorable(f"a sample is an object, not {type(sample).__name__}")
    metadata = sample.get("metadata")
    reference = sample.get("reference_answer")
    if reference is None and isinstance(metadata, Mapping):
        reference = metadata.get("reference_answer")
    if reference is None:
        raise Unscorable("the sample has no reference_answer")
    return Rollout(answer=_last_words(sample.get("messages")), reference=reference)


def answer_of(sample_id: object, score: Score) -> SampleAnswer:
    """The answer for one sample. Raises Unscorable when a number in it is not finite."""
    for name, value in (("the reward", score.reward), *score.measures.items()):
        if not math.isfinite(value):
            raise Unscorable(f"{name} is {value}, not a finite number")
    metrics: list[Metric] = [{"name": "reward", "value": float(score.reward), "type": "Reward"}]
    metrics += [{"name": name, "value": float(value), "type": "Metric"} for name, value in score.measures.items()]
    return {"id": sample_id, "aggregate_reward_score": float(score.reward), "metrics_list": metrics}


def _last_words(messages: object) -> str:
    if not isinstance(messages, list):
        raise Unscorable("the sample has no list of messages")
    for message in reversed(messages):
        if isinstance(message, Mapping) and message.get("role") in _SPEAKERS:
            return _text(message.get("content"))
    raise Unscorable("no message is the model's")


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, Mapping) else part for part in content]
        return "\n".join(part for part in parts if isinstance(part, str))
    raise Unscorable(f"the content of a message is text or a list of parts, not {type(content).__name__}")
