"""What a trial asks a reward function to score: real rows, each with a right, a wrong and an empty answer. Pure."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal["reference", "wrong", "empty"]
Shape = Literal["parts", "text"]
SHAPES: Final[tuple[Shape, ...]] = ("parts", "text")
"""How trainers write a turn: as a list of parts said by `nova_assistant`, or as text said by `assistant`."""

_WRONG: Final = "I would rather talk about something else."
"""A wrong answer where no other row gives one."""


class NoRows(Exception):
    """The run's folder holds no row to try the reward function on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One answer to one row. `sure` where it is a row's own reference, word for word, and so must be the best one."""

    id: str
    kind: Kind
    answer: str
    row: Mapping[str, Any]
    sure: bool = False


def read_rows(content: bytes) -> list[dict[str, Any]]:
    """The rows of a JSONL file. Raises NoRows for a file without any."""
    rows = [json.loads(line) for line in content.splitlines() if line.strip()]
    if not rows:
        raise NoRows("there is no row to try the reward function on")
    return rows


def rollouts(rows: Sequence[Mapping[str, Any]]) -> list[Rollout]:
    """A right, a wrong and an empty answer to each row.

    A reference that is text or a number is an answer as it stands. Of an object nobody knows how the model would say
    it, so it is tried as JSON and by each text in it. A row without a reference has a wrong and an empty answer only.
    """
    answers = [list(_answers(_reference(row))) for row in rows]
    found = []
    for number, row in enumerate(rows):
        own = answers[number]
        others = (answer for other in answers if other != own for answer, _ in other)
        said: list[tuple[Kind, str, bool]] = [("reference", answer, sure) for answer, sure in own]
        said += [("wrong", next(others, _WRONG), False), ("empty", "", False)]
        for place, (kind, answer, sure) in enumerate(said):
            identifier = f"trial-{number}-{place}-{kind}"
            found.append(Rollout(id=identifier, kind=kind, answer=answer, row=row, sure=sure))
    return found


def samples(asked: Iterable[Rollout], *, shape: Shape) -> list[dict[str, Any]]:
    """The event of a training job: the row's own fields, its messages with the answer at their end, an id."""
    return [_sample(rollout, shape) for rollout in asked]


def _sample(rollout: Rollout, shape: Shape) -> dict[str, Any]:
    sample = copy.deepcopy(dict(rollout.row))
    role, content = ("assistant", rollout.answer) if shape == "text" else ("nova_assistant", _parts(rollout.answer))
    turns = [_turn(turn, shape) for turn in sample.get("messages", ())]
    return {**sample, "id": rollout.id, "messages": [*turns, {"role": role, "content": content}]}


def _turn(turn: Any, shape: Shape) -> Any:  # noqa: ANN401 - a message as the row has it
    """The turn in the shape; what is no text stays as it is."""
    if shape == "parts" and isinstance(turn, dict) and isinstance(turn.get("content"), str):
        return {**turn, "content": _parts(turn["content"])}
    return turn


def _parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


def _reference(row: Mapping[str, Any]) -> object:
    metadata = row.get("metadata")
    inner = metadata.get("reference_answer") if isinstance(metadata, Mapping) else None
    return row.get("reference_answer", inner)


def _answers(reference: object) -> Iterator[tuple[str, bool]]:
    """What a model might say that gives the reference, and whether that is sure."""
    if isinstance(reference, str):
        yield reference, True
    elif isinstance(reference, int | float) and not isinstance(reference, bool):
        yield json.dumps(reference), True
    elif isinstance(reference, list | dict):
        yield json.dumps(reference, ensure_ascii=False), False
        for text in list(dict.fromkeys(_texts(reference)))[:_MOST_TEXTS]:
            yield text, False


_MOST_TEXTS: Final = 5


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
