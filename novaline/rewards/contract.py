"""The event that Nova's trainers send to a reward function, and the answer that they take.

In: a JSON array of samples, each ``{"id", "messages": […], "reference_answer", …}``. Training jobs send the content
of a message as text or as a list of parts and call the last speaker ``nova_assistant`` at times; Bedrock puts the
reference under ``metadata``. Out: an array of the same length and order, each
``{"id", "aggregate_reward_score": number, "metrics_list": [{"name", "value", "type": "Metric" | "Reward"}]}``.
Source: the reward-function pages of the Amazon Nova and Amazon Bedrock user guides.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, Protocol, TypedDict

_READ_ELSEWHERE: Final = frozenset({"id", "messages", "reference_answer", "tools"})
MOST_MEASURES: Final = 50
"""How many measures a score may carry: an answer of many samples must fit into the 6 MB that a Lambda may return."""
LONGEST_MEASURE_NAME: Final = 100
UNSCORABLE: Final = "unscorable"
"""The measure, last in every answer, that is 1 for a sample that got its fallback, and 0 else."""


class NotABatch(ValueError):
    """The event is no array of samples: nothing in it can be answered."""


class Unscorable(ValueError):
    """One sample cannot be scored; the message says why, and is logged: it holds nothing of the prompt or answer.

    A subclass may carry `measures`, which stand beside the fallback: what a lost verdict has cost, say.
    """

    measures: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call that the model made: the tool's name and its arguments, as an object or as the text that came."""

    name: str
    arguments: Mapping[str, object] | str


@dataclass(frozen=True, slots=True)
class Rollout:
    """What is scored: the model's last words, what they should have said, and the row around them."""

    answer: str
    """The model's last words: the text parts of its last message, joined by line breaks."""
    reference: object = None
    """`reference_answer`, at the top or in the metadata; None when the row has none."""
    prompt: str = ""
    """The text of the last turn of the user."""
    messages: Sequence[Mapping[str, object]] = ()
    """All turns, as they came."""
    fields: Mapping[str, object] = field(default_factory=dict)
    """The row's own fields, over those of its metadata."""
    tools: Sequence[object] = ()
    """The tools that the model was offered, as they came."""
    tool_calls: Sequence[ToolCall] = ()
    """The calls in the model's last message that came as calls; calls written out as text are in `answer`."""


@dataclass(frozen=True, slots=True)
class Score:
    """A reward, usually 0 to 1, and named measures that the trainer logs beside it."""

    reward: float
    measures: Mapping[str, float] = field(default_factory=dict)


Reward = Callable[[Rollout], Score]
"""Scores one rollout, or raises Unscorable. One that mostly waits may also be a BatchReward."""


class BatchReward(Protocol):
    """A reward that scores the rollouts of a batch beside each other: a judge, or what is composed of one."""

    def __call__(self, rollout: Rollout) -> Score:
        """The score of one rollout."""
        ...

    def score_many(self, rollouts: Sequence[Rollout], *, seconds: float | None) -> Sequence[Score | Exception]:
        """One score, or the reason why there is none, a rollout: in their order, within `seconds` if these are set."""
        ...


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
    """The sample's id, as it came; a sample without one is answered under its position, so that the count stays.

    So is one whose id no JSON can carry back (NaN, half a surrogate pair): it would cost the whole answer.
    """
    found = sample.get("id") if isinstance(sample, dict) else None
    if found is None or not _returnable(found):
        return str(position)
    return found


def rollout_of(sample: object) -> Rollout:
    """The rollout in one sample, in either shape. Raises Unscorable when the model says nothing in it.

    Events are parsed JSON: objects are `dict`, arrays are `list`.
    """
    if not isinstance(sample, dict):
        raise Unscorable(f"a sample is an object, not {type(sample).__name__}")
    messages = sample.get("messages")
    if not isinstance(messages, list):
        raise Unscorable("the sample has no list of messages")
    said, asked = _turns(messages)
    if said is None:
        raise Unscorable("no message is the model's")
    reference, tools, fields = sample.get("reference_answer"), sample.get("tools"), _fields(sample)
    metadata = fields.get("metadata")
    if isinstance(metadata, dict):
        del fields["metadata"]
        reference = metadata.get("reference_answer") if reference is None else reference
        tools = metadata.get("tools") if tools is None else tools
        fields = _fields(metadata) | fields
    content = said.get("content")
    calls = tool_calls_of(said) if isinstance(content, list) or "tool_calls" in said else ()
    answer = content if isinstance(content, str) else _text(content)
    if answer is None and not calls:
        raise Unscorable(f"the content of a message is text or a list of parts, not {type(content).__name__}")
    prompt = None if asked is None else _text(asked.get("content"))
    return Rollout(
        answer or "", reference, prompt or "", messages, fields, tools if isinstance(tools, list) else (), calls
    )


def tool_calls_of(message: Mapping[str, object]) -> Sequence[ToolCall]:
    """The calls in one message: `tool_calls` as OpenAI writes them, or parts `toolUse` as Converse does."""
    calls, content = message.get("tool_calls"), message.get("content")
    found: list[ToolCall] = []
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function", call) if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            found.append(ToolCall(function["name"], _arguments(function.get("arguments"))))
    for part in content if isinstance(content, list) else ():
        use = part.get("toolUse") if isinstance(part, dict) else None
        if isinstance(use, dict) and isinstance(use.get("name"), str):
            found.append(ToolCall(use["name"], _arguments(use.get("input"))))
    return found or ()


def answer_of(sample_id: object, score: Score) -> SampleAnswer:
    """The answer for one sample that was scored. Raises Unscorable when what is in it is no answer."""
    if not isinstance(score, Score):
        raise Unscorable(f"a reward gives a Score, not {type(score).__name__}")
    reward = number_of(score.reward, "the reward")
    metrics: list[Metric] = [{"name": "reward", "value": reward, "type": "Reward"}]
    if score.measures:
        metrics += _measured(score.measures)
    metrics.append({"name": UNSCORABLE, "value": 0.0, "type": "Metric"})
    return {"id": sample_id, "aggregate_reward_score": reward, "metrics_list": metrics}


def fallback_answer(sample_id: object, fallback: float, measures: Mapping[str, float]) -> SampleAnswer:
    """The answer for one sample that cannot be scored; measures that are none are left out."""
    metrics: list[Metric] = [{"name": "reward", "value": fallback, "type": "Reward"}]
    if measures:
        with contextlib.suppress(Exception):  # the sample is lost anyway, and its measures are somebody's code
            metrics += list(_measured(measures))
    metrics.append({"name": UNSCORABLE, "value": 1.0, "type": "Metric"})
    return {"id": sample_id, "aggregate_reward_score": fallback, "metrics_list": metrics}


def was_scored(answer: SampleAnswer) -> bool:
    """Whether the reward of this answer was found, and is not the fallback."""
    return not answer["metrics_list"][-1]["value"]


def number_of(value: object, what: str) -> float:
    """The finite number that `value` is; true and false are none. Raises Unscorable."""
    if type(value) is not float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unscorable(f"{what} is {type(value).__name__}, not a number")
        try:
            value = float(value)
        except OverflowError:
            raise Unscorable(f"{what} is a whole number beyond what a float holds") from None
    if not math.isfinite(value):
        raise Unscorable(f"{what} is {value}, not a finite number")
    return value


def _measured(measures: Mapping[str, float]) -> Iterator[Metric]:
    if len(measures) > MOST_MEASURES:
        raise Unscorable(f"a score carries at most {MOST_MEASURES} measures, not {len(measures)}")
    for position, (name, value) in enumerate(measures.items(), start=1):
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_MEASURE_NAME or not _returnable(name):
            raise Unscorable(f"the name of a measure is text of 1 to {LONGEST_MEASURE_NAME} characters")
        if name in ("reward", UNSCORABLE):
            raise Unscorable(f"a measure cannot be called {name}: every answer has one of that name already")
        yield {"name": name, "value": number_of(value, f"measure {position}"), "type": "Metric"}


def _returnable(value: object) -> bool:
    """Whether the answer can carry this back: Lambda's runtime writes it as JSON in UTF-8."""
    if isinstance(value, str):
        if value.isascii():
            return True
    elif type(value) is int:
        return True
    try:
        json.dumps([[value]], allow_nan=False, ensure_ascii=False).encode()  # as deep as it stands in an answer
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _turns(messages: Sequence[object]) -> tuple[dict[str, object] | None, dict[str, object] | None]:
    """The model's last message, and the user's last one before it."""
    said = None
    for message in reversed(messages):
        if not isinstance(message, dict):
            continue
        role = message.get("role")
        if said is None:
            if role in ("assistant", "nova_assistant"):
                said = message
        elif role == "user":
            return said, message
    return said, None


def _fields(row: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in _READ_ELSEWHERE}


def _text(content: object) -> str | None:
    """The text in a message's content, without the model's reasoning; None when there is no content."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = []
    for part in content:
        if isinstance(part, dict):
            text = None if part.get("type") in ("reasoning", "thinking") else part.get("text")
        else:
            text = part
        if isinstance(text, str):
            parts.append(text)
    return "\n".join(parts)


def _arguments(arguments: object) -> Mapping[str, object] | str:
    return arguments if isinstance(arguments, dict | str) else {}
