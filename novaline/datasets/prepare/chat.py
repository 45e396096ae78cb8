"""Chats as people have them (OpenAI's, ShareGPT's, Converse's, tool calls written as text) in one form: OpenAI's.

A message here is a dictionary with `role` (system, user, assistant, tool) and, as far as set, `content` (text, or a
list of parts), `reasoning_content`, `tool_calls` and `tool_call_id`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from novaline.datasets.prepare.problems import BadRow

Message = dict[str, Any]
Note = Callable[[str], None]
"""Told of a key that a message has and Nova's rows have no place for."""

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
}
_KEPT = {"role", "from", "content", "value", "reasoning_content", "reasoning", "tool_calls", "tool_call_id"}
_KNOWN = _KEPT | {"function_call", "name"}
_WRITTEN_CALLS = re.compile(r"<(TOOLCALL|tool_call)>(.*?)(?:</\1>|\Z)", re.DOTALL)


def parse_chat(value: object, *, written_calls: bool, note: Note) -> list[Message]:
    """The messages of a chat: a list of them, an object that holds the list, or either as JSON text.

    `written_calls`: tool calls may be written into the assistant's text, between <TOOLCALL> or <tool_call> tags.
    Raises BadRow.
    """
    value = _unpacked(value, "the messages")
    head: list[Message] = []
    if isinstance(value, dict):
        if isinstance(value.get("system"), list):  # Converse keeps the system text beside the messages
            head = [{"role": "system", "content": converse_text(value["system"])}]
        value = value.get("messages")
    if not isinstance(value, list) or not value:
        found = "an empty list" if value == [] else _kind(value)
        raise BadRow("no-messages", "the messages are a list of objects with role and content", detail=f"found {found}")
    messages = list(head)
    for given in value:
        if not isinstance(given, dict):
            raise BadRow("no-messages", "a message is an object with role and content", detail=f"found {_kind(given)}")
        messages += _parsed(given, written_calls=written_calls, note=note)
    _number_calls(messages)
    return messages


def text_message(role: str, text: str) -> Message:
    """A message of text."""
    return {"role": role, "content": text}


def content_text(message: Message) -> str:
    """The text of a message. Raises BadRow for parts that are no text."""
    content = message.get("content")
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for part in content:
        if part.get("type") != "text":
            raise BadRow("media-not-supported", "only text can be converted to this format", detail="found a picture")
        texts.append(str(part.get("text") or ""))
    return "\n".join(texts)


def _parsed(given: Mapping[str, Any], *, written_calls: bool, note: Note) -> list[Message]:
    """A message as it was given, in our form: several where Converse puts several tools' results into one turn."""
    named = given.get("role", given.get("from"))
    role = _ROLES.get(named) if isinstance(named, str) else None
    if role is None:
        known = "system, developer, user, assistant, tool"
        raise BadRow("unknown-role", f"a role is one of {known}", detail=f"found {named!r}")
    for key, value in given.items():
        if key not in _KNOWN and value not in (None, [], {}, ""):
            note(key)
    content = given.get("content", given.get("value"))
    if isinstance(content, list) and any(isinstance(part, dict) and "type" not in part for part in content):
        return _from_converse(role, content)
    message: Message = {"role": role}
    if content is not None:
        message["content"] = _content(content)
    reasoning = given.get("reasoning_content") or given.get("reasoning")
    if isinstance(reasoning, str) and reasoning.strip():
        message["reasoning_content"] = reasoning
    calls = _calls(given)
    if role == "assistant" and written_calls and not calls and isinstance(message.get("content"), str):
        calls, rest = _written(message["content"])
        if calls and not rest:
            del message["content"]
        elif calls:
            message["content"] = rest
    if calls:
        message["tool_calls"] = calls
    if role == "tool" and given.get("tool_call_id"):
        message["tool_call_id"] = str(given["tool_call_id"])
    return [message]


def _content(content: object) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise BadRow("message-content", "the content is text or a list of parts", detail=f"found {_kind(content)}")
    parts: list[dict[str, Any]] = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if isinstance(part, str):
            parts.append({"type": "text", "text": part})
        elif kind in ("text", "input_text", "output_text") and isinstance(part.get("text"), str):
            parts.append({"type": "text", "text": part["text"]})
        elif kind == "image_url":
            url = part.get("image_url")
            parts.append({"type": "image_url", "image_url": url if isinstance(url, dict) else {"url": url}})
        else:
            raise BadRow("message-content", "a part is a text or an image_url", detail=f"found {kind or _kind(part)}")
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _calls(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = given.get("tool_calls") or ([given["function_call"]] if given.get("function_call") else [])
    found = _unpacked(found, "the tool calls")
    if not isinstance(found, list):
        raise BadRow("tool-call-form", "tool_calls is a list", detail=f"found {_kind(found)}")
    return [_call(call) for call in found]


def _call(call: object) -> dict[str, Any]:
    """A call, whether its function stands inside of it or is it; arguments as an object."""
    inner = call.get("function", call) if isinstance(call, dict) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    if not isinstance(call, dict) or not isinstance(inner, dict) or not isinstance(name, str) or not name.strip():
        raise BadRow("tool-call-form", "a tool call names its function and its arguments")
    arguments = inner.get("arguments", inner.get("parameters", {}))
    if isinstance(arguments, str):
        arguments = _json(arguments, "the arguments of a tool call") if arguments.strip() else {}
    if not isinstance(arguments, dict):
        raise BadRow("tool-call-form", "a tool call's arguments are an object", detail=f"found {_kind(arguments)}")
    made: dict[str, Any] = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return {"id": str(call["id"]), **made} if call.get("id") else made


def _written(text: str) -> tuple[list[dict[str, Any]], str]:
    """The calls that are written into a text, and what else it says."""
    calls: list[dict[str, Any]] = []
    for match in _WRITTEN_CALLS.finditer(text):
        found = _json(match[2], "a tool call that is written as text")
        calls += [_call(call) for call in (found if isinstance(found, list) else [found])]
    return calls, _WRITTEN_CALLS.sub("", text).strip()


def _from_converse(role: str, content: Sequence[Any]) -> list[Message]:
    """A turn in the Converse format: its results are messages of their own here."""
    results: list[Message] = []
    texts: list[str] = []
    turn: Message = {"role": role}
    calls: list[dict[str, Any]] = []
    for item in content:
        if not isinstance(item, dict) or len(item) != 1:
            raise BadRow("message-content", "a content item holds exactly one kind of content")
        kind, value = next(iter(item.items()))
        if kind == "text" and isinstance(value, str):
            texts.append(value)
        elif kind == "reasoningContent" and isinstance(value, dict) and isinstance(value.get("reasoningText"), dict):
            turn["reasoning_content"] = str(value["reasoningText"].get("text", ""))
        elif kind == "toolUse" and isinstance(value, dict):
            call = {"id": value.get("toolUseId"), "name": value.get("name"), "arguments": value.get("input")}
            calls.append(_call(call))
        elif kind == "toolResult" and isinstance(value, dict) and isinstance(value.get("content"), list):
            text = converse_text(value["content"])
            results.append({"role": "tool", "tool_call_id": str(value.get("toolUseId")), "content": text})
        else:
            raise BadRow("message-content", "only text and tools can be converted", detail=f"found {kind}")
    if calls:
        turn["tool_calls"] = calls
    if texts:
        turn["content"] = "\n".join(texts)
    return [*results, turn] if len(turn) > 1 or not results else results


def converse_text(content: Sequence[Any]) -> str:
    """The texts of Converse content; JSON parts as JSON text."""
    return "\n".join(
        part["text"] if isinstance(part.get("text"), str) else json.dumps(part.get("json"), ensure_ascii=False)
        for part in content
        if isinstance(part, dict)
    )


def _number_calls(messages: Sequence[Message]) -> None:
    """Gives calls without an id one, and results without one the id of the first call that has no result yet."""
    given = {call["id"] for message in messages for call in message.get("tool_calls", ()) if "id" in call}
    fresh = (name for number in count(1) if (name := f"call_{number}") not in given)
    waiting: list[str] = []
    for message in messages:
        for call in message.get("tool_calls", ()):
            call.setdefault("id", next(fresh))
            waiting.append(call["id"])
        if message["role"] == "tool":
            named = message.get("tool_call_id")
            if named is None and waiting:
                message["tool_call_id"] = named = waiting[0]
            if named in waiting:
                waiting.remove(named)


def _unpacked(value: object, what: str) -> object:
    """A value that may have been written as JSON text, as a CSV must."""
    return _json(value, what) if isinstance(value, str) and value.lstrip()[:1] in ("[", "{") else value


def _json(text: str, what: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise BadRow("no-json", f"{what} cannot be read as JSON", detail=f"found {text[:60]!r}") from None


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", int: "a number", float: "a number", bool: "a truth value"}
    return "nothing" if value is None else names.get(type(value), f"a {type(value).__name__}")
