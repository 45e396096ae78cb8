"""Supervised fine-tuning rows in Converse format, read as strictly as the container reads them.

A row that breaks a rule fails the job, and the reason names the row (counted from 1).
"""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from novaline.rehearsal.learner.rows import Prompt, TrainingRow
from novaline.rehearsal.sagemaker.failures import JobFailure

RESERVED = (
    "System:", "SYSTEM:", "User:", "USER:", "Bot:", "BOT:", "Assistant:", "ASSISTANT:", "Thought:",
    "[EOS]", "<image>", "<video>", "<unk>",
)  # fmt: skip


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    text: str


class _ReasoningText(msgspec.Struct, forbid_unknown_fields=True):
    reasoningText: _Text  # noqa: N815 - the format's own spelling


class _ToolUse(msgspec.Struct, forbid_unknown_fields=True):
    toolUseId: str  # noqa: N815 - the format's own spelling
    name: str
    input: dict[str, Any]


class _ToolResult(msgspec.Struct, forbid_unknown_fields=True):
    toolUseId: str  # noqa: N815 - the format's own spelling
    content: list[dict[str, Any]]
    status: str | None = None


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    text: str | None = None
    image: dict[str, Any] | None = None
    video: dict[str, Any] | None = None
    document: dict[str, Any] | None = None
    reasoningContent: _ReasoningText | None = None  # noqa: N815 - the format's own spelling
    toolUse: _ToolUse | None = None  # noqa: N815 - the format's own spelling
    toolResult: _ToolResult | None = None  # noqa: N815 - the format's own spelling

    def kinds(self) -> list[str]:
        return [name for name in self.__struct_fields__ if getattr(self, name) is not None]


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    role: Literal["user", "assistant"]
    content: list[_Content]

    def texts(self) -> list[str]:
        return [item.text for item in self.content if item.text is not None]


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    messages: list[_Message]
    schemaVersion: Literal["bedrock-conversation-2024"] | None = None  # noqa: N815 - the format's own spelling
    system: list[_Text] | None = None
    toolConfig: dict[str, Any] | None = None  # noqa: N815 - the format's own spelling


_decoder = msgspec.json.Decoder(_Row)


def read_rows(content: bytes, *, generation: Literal[1, 2], text_only: bool) -> list[TrainingRow]:
    """Every row of a JSONL file. Raises JobFailure that names the first bad row, or the lack of rows."""
    rows = []
    for number, line in numbered_lines(content):
        try:
            row = _decoder.decode(line)
            problem = _problem(row, generation=generation, text_only=text_only)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise JobFailure.algorithm(f"row {number} of the training data: {error}") from error
        if problem:
            raise JobFailure.algorithm(f"row {number} of the training data: {problem}")
        rows.append(_training_row(row))
    if not rows:
        raise JobFailure.algorithm("the training data have no rows")
    return rows


def row_of(document: object, *, generation: Literal[1, 2], text_only: bool) -> TrainingRow:
    """One row that was decoded already. Raises ValueError for what breaks a rule."""
    row = msgspec.convert(document, _Row)
    problem = _problem(row, generation=generation, text_only=text_only)
    if problem:
        raise ValueError(problem)
    return _training_row(row)


def numbered_lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Every line with its number, counted from 1. Raises JobFailure for an empty one."""
    for number, line in enumerate(content.removesuffix(b"\n").split(b"\n"), start=1):
        if not line.strip():
            if content.strip():
                raise JobFailure.algorithm(f"row {number} of the training data is empty")
            return
        yield number, line


def _problem(row: _Row, *, generation: Literal[1, 2], text_only: bool) -> str | None:
    messages = row.messages
    if len(messages) < 2:
        return f"{len(messages)} messages, expected a user turn and an assistant turn at least"
    for index, message in enumerate(messages):
        expected = ("user", "assistant")[index % 2]
        if message.role != expected:
            return f"message {index + 1} is by {message.role!r}, expected {expected!r}"
    if messages[-1].role != "assistant":
        return "the last message is by 'user', expected 'assistant'"
    texts = [item.text for item in row.system or ()]
    for index, message in enumerate(messages):
        problem = _message_problem(message, generation=generation, text_only=text_only)
        if problem:
            return f"message {index + 1}: {problem}"
        texts.extend(message.texts())
    for text in texts:
        word = next((word for word in RESERVED if word in text), None)
        if word:
            return f"{word!r} is a reserved word that breaks training"
    return _tool_problem(messages)


def _message_problem(message: _Message, *, generation: Literal[1, 2], text_only: bool) -> str | None:
    """What is wrong with a turn by itself."""
    allowed = {"text", "image", "video", "document", "toolResult"}
    if message.role == "assistant":
        allowed = {"text", "toolUse"} | ({"reasoningContent"} if generation == 2 else set())
    if text_only:
        allowed -= {"image", "video", "document"}
    kinds = []
    for number, item in enumerate(message.content, start=1):
        found = item.kinds()
        if len(found) != 1:
            return f"content {number} has {', '.join(found) or 'nothing'}, expected exactly one kind"
        kinds.append(found[0])
        if found[0] not in allowed:
            return f"content {number} is {found[0]}, which this model takes in no {message.role} turn"
    if set(kinds) <= {"text", "reasoningContent"} and not "".join(message.texts()).strip():
        return "its text is empty"
    return None


def _tool_problem(messages: list[_Message]) -> str | None:
    """Whether each tool result answers one earlier use, once."""
    open_uses: set[str] = set()
    for index, message in enumerate(messages):
        for item in message.content:
            if item.toolUse is not None:
                open_uses.add(item.toolUse.toolUseId)
            if item.toolResult is not None:
                if item.toolResult.toolUseId not in open_uses:
                    return f"message {index + 1}: result of {item.toolResult.toolUseId!r}, which no earlier use has"
                open_uses.discard(item.toolResult.toolUseId)
    return None


def _training_row(row: _Row) -> TrainingRow:
    """System text and user turns are the prompt, the last assistant turn is the answer (its tool uses if textless)."""
    last = row.messages[-1]
    answer = "\n".join(last.texts())
    if not answer:
        uses = [item.toolUse for item in last.content if item.toolUse is not None]
        answer = msgspec.json.encode(uses).decode()
    asked = (text for message in row.messages if message.role == "user" for text in message.texts())
    system = "\n".join(item.text for item in row.system or ())
    return TrainingRow(prompt=Prompt(text="\n".join(asked), system=system), answer=answer)
