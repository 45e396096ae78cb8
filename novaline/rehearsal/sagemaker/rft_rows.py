"""Rows of reinforcement fine-tuning in OpenAI's form, read as strictly as the container reads them.

A row that breaks a rule fails the job, and the reason names the row (counted from 1). Everything in a row besides its
messages is the reward function's, and goes to it as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from novaline.rehearsal.learner.rows import Prompt, TrainingRow
from novaline.rehearsal.sagemaker.failures import JobFailure

ROLES = ("system", "user", "assistant", "tool", "bot", "developer")


@dataclass(frozen=True, slots=True, kw_only=True)
class RftRow:
    """One prompt with what its reward function needs: `content` is the row as it stands in the file."""

    content: Mapping[str, Any]
    prompt: Prompt
    reference: str  # "" where the row has none

    @property
    def training_row(self) -> TrainingRow:
        """The prompt, and an answer that somebody might give."""
        return TrainingRow(prompt=self.prompt, answer=self.reference)


def read_rft_rows(content: bytes, *, file: str) -> list[RftRow]:
    """Every row of a JSONL file. Raises JobFailure that names the first bad row, or the lack of rows."""
    rows = []
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            row = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise JobFailure.algorithm(f"row {number} of {file}: {error}") from error
        problem = _problem(row)
        if problem:
            raise JobFailure.algorithm(f"row {number} of {file}: {problem}")
        rows.append(_row(row))
    if not rows:
        raise JobFailure.algorithm(f"{file} has no rows")
    return rows


def _problem(row: object) -> str | None:
    if not isinstance(row, dict):
        return "not an object"
    messages = row.get("messages")
    if not isinstance(messages, list) or not messages:
        return "it has no list of messages"
    for index, message in enumerate(messages):
        problem = _message_problem(message, first=index == 0)
        if problem:
            return f"message {index + 1}: {problem}"
    if not any(message["role"] == "user" for message in messages):
        return "no message is by 'user'"
    return None


def _message_problem(message: object, *, first: bool) -> str | None:
    if not isinstance(message, dict):
        return "not an object"
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        return f"its role is {role!r}, expected one of {', '.join(ROLES)}"
    if role == "system" and not first:
        return "a system message stands first"
    if isinstance(content, str) or (content is None and message.get("tool_calls")):
        return None
    return _parts_problem(content)


def _parts_problem(content: object) -> str | None:
    if not isinstance(content, list):
        return "its content is neither text nor a list of parts"
    if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in content):
        return "a part of its content is no text, and only text can be trained"
    return None


def _row(row: dict[str, Any]) -> RftRow:
    said = [(message["role"], _text(message.get("content"))) for message in row["messages"]]
    system = "\n".join(text for role, text in said if role in ("system", "developer"))
    asked = "\n".join(text for role, text in said if role == "user")
    return RftRow(content=row, prompt=Prompt(text=asked, system=system), reference=_reference(row))


def _text(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content)
    return content if isinstance(content, str) else ""


def _reference(row: Mapping[str, Any]) -> str:
    """The reference as an answer: text as it stands, of an object with one text that text, and else its JSON."""
    reference = row.get("reference_answer")
    if isinstance(reference, dict) and len(reference) == 1 and isinstance(next(iter(reference.values())), str):
        (reference,) = reference.values()
    if reference is None or isinstance(reference, str):
        return reference or ""
    return msgspec.json.encode(reference).decode()
