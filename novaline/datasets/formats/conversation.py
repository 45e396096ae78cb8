"""The shapes of Converse rows, for a decoder that checks them while it reads. Unknown fields are refused.

The full shapes hold what the decoder alone can say (fields and types); values are judged by rules, which say more.
Source: AWS's data-preparation pages for Nova training jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

SCHEMA_VERSION = "bedrock-conversation-2024"


class Shape(Struct, forbid_unknown_fields=True, gc=False):
    """A shape that holds exactly its fields."""


# Rows of plain text, which most rows are: the decoder checks the order of turns too.


class PlainText(Shape):
    """A content item that is text, and not the empty one."""

    text: Annotated[str, Meta(min_length=1)]


class PlainUser(Shape):
    """A user's turn of one text."""

    role: Literal["user"]
    content: tuple[PlainText]


class PlainAssistant(Shape):
    """An assistant's turn of one text."""

    role: Literal["assistant"]
    content: tuple[PlainText]


class PlainTurn(Shape):
    """Anybody's turn of one text."""

    role: Literal["user", "assistant"]
    content: tuple[PlainText]


class PlainConversation(Shape):
    """What rows of plain text hold beside their messages."""

    system: tuple[PlainText] | UnsetType = UNSET
    schemaVersion: Literal["bedrock-conversation-2024"] | UnsetType = UNSET  # noqa: N815  # AWS's field name


# The whole Converse format.


class Text(Shape):
    """A content item that is text."""

    text: str


class S3Location(Shape):
    """An object in S3, with the account that owns its bucket."""

    uri: str
    bucketOwner: str | UnsetType = UNSET  # noqa: N815  # AWS's field name


class Source(Shape):
    """Where a medium is: in S3. The Converse API takes bytes as well, which training does not."""

    s3Location: S3Location | UnsetType = UNSET  # noqa: N815  # AWS's field name
    bytes: str | UnsetType = UNSET


class Image(Shape):
    """A picture."""

    format: str
    source: Source


class Video(Shape):
    """A video."""

    format: str
    source: Source


class Document(Shape):
    """A document."""

    format: str
    source: Source
    name: str | UnsetType = UNSET


class ReasoningContent(Shape):
    """What the model thinks before it answers."""

    reasoningText: Text  # noqa: N815  # AWS's field name


class ToolUse(Shape):
    """A call of a tool."""

    toolUseId: str  # noqa: N815  # AWS's field name
    name: str
    input: dict[str, object]


class ToolResultContent(Shape):
    """One part of what a tool returned."""

    text: str | UnsetType = UNSET
    json: dict[str, object] | UnsetType = UNSET


class ToolResult(Shape):
    """What a tool returned."""

    toolUseId: str  # noqa: N815  # AWS's field name
    content: list[ToolResultContent]
    status: str | UnsetType = UNSET


class Content(Shape):
    """A content item: exactly one of these is set."""

    text: str | UnsetType = UNSET
    image: Image | UnsetType = UNSET
    video: Video | UnsetType = UNSET
    document: Document | UnsetType = UNSET
    reasoningContent: ReasoningContent | UnsetType = UNSET  # noqa: N815  # AWS's field name
    toolUse: ToolUse | UnsetType = UNSET  # noqa: N815  # AWS's field name
    toolResult: ToolResult | UnsetType = UNSET  # noqa: N815  # AWS's field name


class Message(Shape):
    """A turn."""

    role: str
    content: list[Content]


class InputSchema(Shape):
    """The JSON Schema of a tool's input."""

    json: dict[str, object]


class ToolSpec(Shape):
    """What a tool is."""

    name: str
    inputSchema: InputSchema  # noqa: N815  # AWS's field name
    description: str | UnsetType = UNSET


class Tool(Shape):
    """A tool that the model may call."""

    toolSpec: ToolSpec  # noqa: N815  # AWS's field name


class ToolConfig(Shape):
    """The tools of a conversation."""

    tools: list[Tool]


class ConversationHead(Shape):
    """What a row holds beside its messages."""

    system: list[Text] | UnsetType = UNSET
    toolConfig: ToolConfig | UnsetType = UNSET  # noqa: N815  # AWS's field name
    schemaVersion: str | UnsetType = UNSET  # noqa: N815  # AWS's field name


class Conversation(ConversationHead, kw_only=True):
    """A Converse row."""

    messages: list[Message]


MEDIA = frozenset({"image", "video", "document"})
KINDS = ("text", "image", "video", "document", "reasoningContent", "toolUse", "toolResult")


def kinds(item: Content) -> tuple[str, ...]:
    """The kinds of content that are set in one item."""
    values = _values(item)
    if values[0] is not UNSET and values.count(UNSET) == len(KINDS) - 1:
        return _TEXT  # as most are
    return tuple([kind for kind, value in zip(KINDS, values, strict=True) if value is not UNSET])


_TEXT = KINDS[:1]
_values = attrgetter(*KINDS)


def system_texts(rows: Sequence[PlainConversation]) -> list[str] | None:
    """The system text of each row, empty where it has none; None where no row has one."""
    texts = [row.system[0].text if row.system else "" for row in rows]
    return texts if any(texts) else None


def head_keys(rows: Sequence[PlainConversation], systems: Sequence[str] | None) -> int:
    """The JSON keys of rows beside those in their messages; `systems` are these rows' system texts."""
    with_system = 0 if systems is None else len(systems) - systems.count("")
    with_version = [row.schemaVersion is not UNSET for row in rows].count(True)
    return len(rows) + 2 * with_system + with_version
