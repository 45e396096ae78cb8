"""Rows of reinforcement fine-tuning, read for the laboratory: so many as are asked for, evenly over the file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from novaline.findings import NovalineError

_TAKEN = ("id", "messages", "reference_answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row. `line` counts from 1; `rest` is all that is neither its id, nor its messages, nor its reference."""

    line: int
    id: str | None
    messages: Sequence[Mapping[str, object]]
    reference: object
    rest: Mapping[str, object]

    @property
    def prompt(self) -> str:
        """The text of the last turn of the user."""
        for message in reversed(self.messages):
            if message.get("role") == "user":
                content = message.get("content")
                if isinstance(content, str):
                    return content
                parts = content if isinstance(content, list) else []
                texts = [part.get("text") if isinstance(part, Mapping) else part for part in parts]
                return "\n".join(text for text in texts if isinstance(text, str))
        return ""

    @property
    def name(self) -> str:
        """How a person finds the row again."""
        return f"line {self.line}" if self.id is None else f"line {self.line}, id {self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows that were taken, and of how many."""

    file: str
    taken: tuple[Row, ...]
    in_all: int


def read_rows(path: Path, most: int) -> Rows:
    """At most so many rows, evenly over the whole file, so that one sorted by label is seen from all sides.

    Raises NovalineError for a line that is no row, and for a file without one.
    """
    with path.open("rb") as file:
        lines = [number for number, line in enumerate(file, start=1) if line.strip()]
    if not lines:
        raise NovalineError.of("no-rows", "the file has no rows", file=str(path), hint="every line is one JSON object")
    count = min(most, len(lines))
    wanted = {lines[index * len(lines) // count] for index in range(count)}
    with path.open("rb") as file:
        taken = [_row(line, number, path) for number, line in enumerate(file, start=1) if number in wanted]
    return Rows(file=str(path), taken=tuple(taken), in_all=len(lines))


def row_of(document: object, line: int) -> Row | str:
    """The row in a JSON value, or what is wrong with it."""
    if not isinstance(document, Mapping):
        return "a row is an object"
    messages = document.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
        return "a row has `messages`, a list of objects"
    if not any(message.get("role") == "user" for message in messages):
        return "no message of the row is a user's"
    given = document.get("id")
    return Row(
        line=line,
        id=given if isinstance(given, str) else None,
        messages=tuple(messages),
        reference=document.get("reference_answer"),
        rest={name: value for name, value in document.items() if name not in _TAKEN},
    )


def _row(line: bytes, number: int, path: Path) -> Row:
    try:
        found = row_of(json.loads(line), number)
    except (ValueError, RecursionError) as problem:
        found = f"the line is no JSON: {problem}"
    if isinstance(found, str):
        hint = f"`novaline data validate {path} --format rft` finds all such lines"
        raise NovalineError.of("unreadable-row", found, file=str(path), line=number, hint=hint)
    return found
