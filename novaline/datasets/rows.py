"""The shapes of dataset rows, for the decoder that checks them while it reads. Unknown fields are refused.

Source: AWS's data-preparation pages for Nova training jobs and evaluation.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Role = Literal["user", "assistant"]
SchemaVersion = Literal["bedrock-conversation-2024"]
NonEmptyText = Annotated[str, Meta(min_length=1)]


class _Shape(Struct, forbid_unknown_fields=True, gc=False):
    """A shape that holds exactly its fields."""


# Text-only conversations, which most datasets are: the shape that decodes fastest.


class Text(_Shape):
    """A content item that is text."""

    text: str


class TextMessage(_Shape):
    """A turn of text."""

    role: Role
    content: Annotated[list[Text], Meta(min_length=1)]


class TextConversation(_Shape):
    """A Converse row without tools, media and reasoning."""

    messages: Annotated[list[TextMessage], Meta(min_length=1)]
    system: list[Text] = []
    schemaVersion: SchemaVersion = "bedrock-conversation-2024"  # noqa: N815  # AWS's field name


# The whole Converse format.


class S3Location(_Shape):
    """An object in S3, with the account that owns its bucket."""

    uri: Annotated[str, Meta(pattern="^s3://")]
    bucketOwner: Annotated[str, Meta(pattern="^[0-9]{12}$")]  # noqa: N815  # AWS's field name


class Source(_Shape):
    """Where a medium is."""

    s3Location: S3Location  # noqa: N815  # AWS's field name


class Image(_Shape):
    """A picture."""

    format: Literal["gif", "jpeg", "png", "webp"]
    source: Source


class Video(_Shape):
    """A video."""

    format: Literal["mov", "mkv", "mp4", "webm"]
    source: Source


class Document(_Shape):
    """A document."""

    format: Literal["pdf"]
    source: Source
    name: str | UnsetType = UNSET


class ReasoningContent(_Shape):
    """What the model thinks before it answers."""

    reasoningText: Text  # noqa: N815  # AWS's field name


class ToolUse(_Shape):
    """A call of a tool."""

    toolUseId: NonEmptyText  # noqa: N815  # AWS's field name
    name: NonEmptyText
    input: dict[str, object]


class ToolResultContent(_Shape):
    """One part of what a tool returned."""

    text: str | UnsetType = UNSET
    json: dict[str, object] | UnsetType = UNSET


class ToolResult(_Shape):
    """What a tool returned."""

    toolUseId: NonEmptyText  # noqa: N815  # AWS's field name
    content: list[ToolResultContent]
    status: Literal["success", "error"] | UnsetType = UNSET


class Content(_Shape):
    """A content item: exactly one of these is set."""

    text: str | UnsetType = UNSET
    image: Image | UnsetType = UNSET
    video: Video | UnsetType = UNSET
    document: Document | UnsetType = UNSET
    reasoningContent: ReasoningContent | UnsetType = UNSET  # noqa: N815  # AWS's field name
    toolUse: ToolUse | UnsetType = UNSET  # noqa: N815  # AWS's field name
    toolResult: ToolResult | UnsetType = UNSET  # noqa: N815  # AWS's field name


class Message(_Shape):
    """A turn."""

    role: Role
    content: Annotated[list[Content], Meta(min_length=1)]


class InputSchema(_Shape):
    """The JSON Schema of a tool's input."""

    json: dict[str, object]


class ToolSpec(_Shape):
    """What a tool is."""

    name: NonEmptyText
    inputSchema: InputSchema  # noqa: N815  # AWS's field name
    description: str | UnsetType = UNSET


class Tool(_Shape):
    """A tool that the model may call."""

    toolSpec: ToolSpec  # noqa: N815  # AWS's field name


class ToolConfig(_Shape):
    """The tools of a conversation."""

    tools: Annotated[list[Tool], Meta(min_length=1)]


class Conversation(_Shape):
    """A Converse row."""

    messages: Annotated[list[Message], Meta(min_length=1)]
    system: list[Text] = []
    toolConfig: ToolConfig | UnsetType = UNSET  # noqa: N815  # AWS's field name
    schemaVersion: SchemaVersion = "bedrock-conversation-2024"  # noqa: N815  # AWS's field name


# Evaluation with an own dataset.


class ImageData(_Shape):
    """A picture inside the row."""

    data: Annotated[str, Meta(pattern="^data:image/[a-z]+;base64,")]


class GenQa(_Shape):
    """A row of the task gen_qa: what is asked, and what should be answered."""

    query: str
    response: str
    system: str | UnsetType = UNSET
    images: list[ImageData] | UnsetType = UNSET
    metadata: str | UnsetType = UNSET
