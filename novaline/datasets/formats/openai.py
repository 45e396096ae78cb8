"""OpenAI's form of messages and tools, which the rows of RFT and multi-turn RFT have.

Source: AWS's data-preparation page for RFT on Nova 2, AWS's validator script, and the checks of nova-forge-sdk 1.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from msgspec import UNSET, Struct, UnsetType

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.media import shown

_BOTH_TOOLS = "AWS's validator script and the Nova Forge SDK ask for it"


class ChatMessage(Struct, gc=False):
    """A turn. Fields that are not named here are let through."""

    role: str
    content: str | list[dict[str, object]] | UnsetType | None = UNSET
    tool_calls: list[object] | UnsetType | None = UNSET
    tool_call_id: str | UnsetType | None = UNSET

    @property
    def text(self) -> str:
        """What the turn says."""
        if isinstance(self.content, str):
            return self.content
        parts = self.content if isinstance(self.content, list) else []
        return "\n".join(part["text"] for part in parts if isinstance(part.get("text"), str))  # type: ignore[misc]  # asked just before


def chat_flaws(messages: Sequence[ChatMessage], place: str, *, roles: Sequence[str]) -> Iterator[Flaw]:
    """What is wrong with a chat that a model shall go on with; `place` is its path."""
    if not messages:
        yield Flaw("too-few-turns", "the messages hold at least the user's", detail=f"found an empty list at {place}")
        return
    if not any(message.role == "user" for message in messages):
        found = ", ".join(dict.fromkeys(shown(message.role) for message in messages[:5]))
        yield Flaw("no-user-turn", "the messages need at least one user turn", detail=f"found {found} at {place}")
    for index, message in enumerate(messages):
        here = f"{place}[{index}]"
        if message.role not in roles:
            detail = f"found {shown(message.role)} at {here}.role"
            yield Flaw("unknown-role", f"a role is one of {', '.join(roles)}", detail=detail)
        elif message.role == "system" and index:
            yield Flaw("system-not-first", "the system message stands first, once", detail=f"found at {here}")
        yield from _content_flaws(message, here)


def tool_flaws(tools: Sequence[dict[str, object]], place: str) -> Iterator[Flaw]:
    """What is wrong with the tools that a row declares."""
    if not tools:
        yield Flaw(
            "no-tools", "`tools` declares no tool", hint="leave it out", detail=f"found an empty list at {place}"
        )
    names: set[str] = set()
    for index, tool in enumerate(tools):
        here = f"{place}[{index}]"
        function = tool.get("function")
        if tool.get("type") != "function" or not isinstance(function, dict):
            hint = 'write {"type": "function", "function": {"name": "…", "description": "…", "parameters": {…}}}'
            found = ", ".join(shown(key) for key in list(tool)[:5]) or "an empty object"
            message = "a tool is in OpenAI's form: a type of `function`, and the function"
            yield Flaw("tool-form", message, hint=hint, detail=f"found {found} at {here}")
            continue
        yield from _function_flaws(function, f"{here}.function", names)


def _function_flaws(function: dict[str, object], here: str, names: set[str]) -> Iterator[Flaw]:
    name, about = function.get("name"), function.get("description")
    if not isinstance(name, str) or not name.strip():
        yield Flaw("tool-name", "a tool needs a name", detail=f"found {_of(name)} at {here}.name")
    elif name in names:
        yield Flaw("tool-declared-twice", "two tools share a name", detail=f"found {shown(name)} at {here}.name")
    else:
        names.add(name)
    if not isinstance(about, str) or not about.strip():
        yield Flaw("tool-description", f"a tool has no description; {_BOTH_TOOLS}", "warning", detail=f"at {here}")
    schema = function.get("parameters")
    if not isinstance(schema, dict) or schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
        message = f"a tool's parameters are no JSON Schema of an object; {_BOTH_TOOLS}"
        hint = 'write "parameters": {"type": "object", "properties": {…}}'
        yield Flaw("tool-schema", message, "warning", hint=hint, detail=f"at {here}.parameters")


def _content_flaws(message: ChatMessage, here: str) -> Iterator[Flaw]:
    calls = message.tool_calls
    if isinstance(calls, list):
        yield from _call_flaws(calls, message.role, here)
    if message.role == "tool" and not isinstance(message.tool_call_id, str):
        yield Flaw("tool-call-id", "a tool's message names the call: `tool_call_id`", detail=f"found none at {here}")
    if isinstance(message.content, list):
        others = [part for part in message.content if part.get("type") != "text"]
        if others and isinstance(others[0].get("type"), str):
            detail = f"found {_of(others[0]['type'])} at {here}.content"
            yield Flaw("media-not-supported", "the rows of RFT hold text only", detail=detail)
        elif others:
            found = ", ".join(shown(key) for key in list(others[0])[:5]) or "an empty part"
            hint = 'write "content": "…"; a list of {"text": "…"} is the form of `sft` rows'
            message_ = "the content of a message is text"
            yield Flaw("content-form", message_, hint=hint, detail=f"found a list with {found} at {here}.content")
        else:
            message_ = "AWS's validator script and the Nova Forge SDK take a text as content, no list of parts"
            yield Flaw("content-parts", message_, "warning", detail=f"found a list at {here}.content")
    elif not message.text.strip() and not (calls and message.role == "assistant"):
        found = "none" if not isinstance(message.content, str) else shown(message.content)
        yield Flaw(
            "empty-text", "a message has no text, or only white space", detail=f"found {found} at {here}.content"
        )


def _call_flaws(calls: Sequence[object], role: str, here: str) -> Iterator[Flaw]:
    if role != "assistant":
        yield Flaw("tool-use-misplaced", "tool_calls stand in assistant turns", detail=f"found at {here}")
    for index, call in enumerate(calls):
        function = cast("dict[str, object]", call).get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str) or "arguments" not in function:
            message = "a tool call names its function and its arguments"
            hint = 'write {"id": "…", "type": "function", "function": {"name": "…", "arguments": "{…}"}}'
            yield Flaw("tool-call-form", message, hint=hint, detail=f"at {here}.tool_calls[{index}]")


def _of(value: object) -> str:
    return shown(value) if isinstance(value, str) else "none" if value is None else f"a {type(value).__name__}"
