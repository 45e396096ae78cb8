"""Chats in OpenAI's form as turns in Converse's: system texts apart, tools' results in the user's turn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from novaline.datasets.prepare.chat import Message
from novaline.datasets.prepare.problems import BadRow

Item = dict[str, Any]
_FORMATS = {"jpg": "jpeg"}
_ACCOUNT = re.compile(r"[0-9]{12}")


def converse_turns(messages: Sequence[Message], *, bucket_owner: str | None) -> tuple[list[str], list[Message]]:
    """The system texts, and the turns in Converse's form. Turns of one role that follow each other become one.

    Raises BadRow for a system text after the first turn and for media that no row can name.
    """
    system: list[str] = []
    turns: list[Message] = []
    for message in messages:
        role = message["role"]
        if role == "system":
            if turns:
                raise BadRow("system-not-first", "a system message stands after the first turn; Nova takes it first")
            system.append(str(message.get("content", "")))
            continue
        items = tool_result(message) if role == "tool" else content_items(message, bucket_owner=bucket_owner)
        speaker = "assistant" if role == "assistant" else "user"
        if turns and turns[-1]["role"] == speaker:
            turns[-1]["content"].extend(items)
        else:
            turns.append({"role": speaker, "content": items})
    return system, turns


def content_items(message: Message, *, bucket_owner: str | None = None) -> list[Item]:
    """A message's content items: what the assistant thought, what is said, which tools are called."""
    items: list[Item] = []
    if message.get("reasoning_content"):
        items.append({"reasoningContent": {"reasoningText": {"text": message["reasoning_content"]}}})
    calls = message.get("tool_calls", ())
    content = message.get("content")
    if isinstance(content, str):
        if content or not calls:
            items.append({"text": content})
    else:
        items += [_part(part, bucket_owner=bucket_owner) for part in content or ()]
    for call in calls:
        function = call["function"]
        items.append({"toolUse": {"toolUseId": call["id"], "name": function["name"], "input": function["arguments"]}})
    return items


def tool_result(message: Message) -> list[Item]:
    """What a tool returned. Raises BadRow when nobody asked for it."""
    if "tool_call_id" not in message:
        raise BadRow("tool-result-without-use", "a tool's result follows no call", hint="add the call before it")
    content = message.get("content") or ""
    texts = [content] if isinstance(content, str) else [str(part.get("text", "")) for part in content]
    return [{"toolResult": {"toolUseId": message["tool_call_id"], "content": [{"text": text} for text in texts]}}]


def _part(part: Item, *, bucket_owner: str | None) -> Item:
    if part["type"] == "text":
        return {"text": part["text"]}
    url = part["image_url"].get("url")
    if not isinstance(url, str) or not url.startswith("s3://"):
        hint = "put the pictures into a bucket and name them s3://…"
        raise BadRow("image-not-in-s3", "Nova's training rows name pictures in S3", hint=hint)
    if bucket_owner is None or not _ACCOUNT.fullmatch(bucket_owner):
        hint = "say --bucket-owner with the twelve digits of the account that owns the bucket"
        raise BadRow("no-bucket-owner", "a picture in S3 needs its bucket's owner", hint=hint)
    suffix = PurePosixPath(url).suffix.lstrip(".").lower()
    location = {"uri": url, "bucketOwner": bucket_owner}
    return {"image": {"format": _FORMATS.get(suffix, suffix), "source": {"s3Location": location}}}
