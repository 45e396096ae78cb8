"""One row of a source as a draft: what is asked, what is answered, and what else belongs to it. No format yet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite, isnan

from novaline.datasets.prepare.chat import Message, Note, converse_text, parse_chat, text_message
from novaline.datasets.prepare.problems import BadRow
from novaline.datasets.prepare.tools import Tool, parse_tools

_PARTS = ("prompt", "answer", "other", "system", "messages", "tools", "reasoning", "text")


@dataclass(slots=True, kw_only=True)
class Draft:
    """What a row of a source says. `asked` begins with the system text, where there is one.

    `answer` is the right or preferred one, `other` the one that it is compared with. `fields` holds what belongs to no
    turn (`id`, `metadata`, own fields), and under `answer` an answer that is an object. `place` is where the
    row stands.
    """

    asked: list[Message] = field(default_factory=list)
    answer: Message | None = None
    other: Message | None = None
    tools: list[Tool] = field(default_factory=list)
    fields: dict[str, object] = field(default_factory=dict)
    text: str | None = None
    place: str = ""


def draft_of(
    values: Mapping[str, object],
    *,
    words: Mapping[str, str],
    system: str | None,
    objects: bool,
    needs_answer: bool,
    note: Note,
) -> Draft:
    """The draft of a row, from the values of its roles; `words` are a person's words for roles.

    `system` is for rows without a system text of their own. `objects`: an answer may be an object that is kept as it
    is. `needs_answer`: a row may not go without one. Raises BadRow.
    """
    values = {role: None if _is_nothing(value) else value for role, value in values.items()}
    draft = Draft(fields={role: value for role, value in values.items() if role not in _PARTS and value is not None})
    for role, value in draft.fields.items():
        _require_numbers(value, words.get(role, role))
    if "text" in values:
        draft.text = as_text(values["text"], words.get("text", "text"))
        return draft
    draft.tools = parse_tools(values.get("tools"))
    prompt = values.get("messages") if "messages" in values else values.get("prompt")
    _ask(draft, prompt, word=words.get("prompt", "prompt"), chat="messages" in values, note=note)
    if values.get("answer") is not None and objects and isinstance(values["answer"], dict | list):
        draft.fields["answer"] = values["answer"]
    elif "answer" in values and (values["answer"] is not None or needs_answer):
        draft.answer = _reply(draft, values["answer"], word=words.get("answer", "answer"), note=note)
    if "other" in values:
        draft.other = _reply(draft, values["other"], word=words.get("other", "other"), note=note)
    if not any(message["role"] == "user" for message in draft.asked):
        raise BadRow("no-user-turn", "nothing is asked: there is no user's message before the answer")
    if draft.answer is not None and values.get("reasoning") not in (None, ""):
        draft.answer["reasoning_content"] = as_text(values["reasoning"], "reasoning")
    _put_system(draft, values.get("system"), default=system, note=note)
    return draft


def as_text(value: object, word: str) -> str:
    """A value as text: numbers and truth values as JSON has them. Raises BadRow for none, blanks and objects."""
    if isinstance(value, bool | int | float):
        _require_numbers(value, word)
        value = json.dumps(value)
    if value is None or value == "":
        raise BadRow(f"empty-{word.replace('_', '-').lower()}", f"the {word} is empty")
    if not isinstance(value, str):
        kind = "a list" if isinstance(value, list | tuple) else "an object"
        raise BadRow(f"{word.replace('_', '-').lower()}-no-text", f"the {word} is {kind}, expected text")
    if value.isspace():
        raise BadRow(f"empty-{word.replace('_', '-').lower()}", f"the {word} is empty")
    return value


def _is_nothing(value: object) -> bool:
    """Whether a value is the NaN by which tables of numbers say that there is none."""
    return isinstance(value, float) and isnan(value)


def _require_numbers(value: object, word: str) -> None:
    """Raises BadRow for NaN and Infinity at any depth: JSON has no word for them."""
    if isinstance(value, float) and not isfinite(value):
        raise BadRow("not-a-number", f"the {word} is or holds NaN or Infinity, which no JSON can hold")
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _require_numbers(each, word)


def _ask(draft: Draft, prompt: object, *, word: str, chat: bool, note: Note) -> None:
    """Puts what is asked into the draft; a chat's last turn, if it is the assistant's, is the answer."""
    if isinstance(prompt, dict) and prompt.get("tools") and not draft.tools:  # OpenAI's preference format
        draft.tools = parse_tools(prompt["tools"])
    if chat or isinstance(prompt, list) or (isinstance(prompt, dict) and "messages" in prompt):
        messages = parse_chat(prompt, written_calls=bool(draft.tools), note=note)
        if messages[-1]["role"] == "assistant":
            draft.answer = messages.pop()
        draft.asked = messages
    elif prompt is not None or "prompt" not in draft.fields:
        draft.asked = [] if prompt is None else [text_message("user", as_text(prompt, word))]


def _reply(draft: Draft, value: object, *, word: str, note: Note) -> Message:
    """An answer: text, a message, or the whole chat with it, whose other turns must be what is asked."""
    if isinstance(value, dict) and "messages" not in value:
        value = [value]
    if not isinstance(value, dict | list):
        text = as_text(value, word)
        if not draft.tools:
            return text_message("assistant", text)
        value = [text_message("assistant", text)]
    messages = parse_chat(value, written_calls=bool(draft.tools), note=note)
    reply = messages.pop()
    if reply["role"] != "assistant":
        raise BadRow("last-not-assistant", f"the last message of the {word} must be the assistant's")
    if messages and messages != draft.asked:
        if draft.asked and draft.asked[-1].get("content") not in [message.get("content") for message in messages]:
            raise BadRow("prompt-differs", f"the {word} is a chat about something else than the prompt")
        draft.asked = messages
    return reply


def _put_system(draft: Draft, own: object, *, default: str | None, note: Note) -> None:
    if draft.asked[0]["role"] == "system":
        if default is not None and draft.asked[0].get("content") != default:
            note("system")
        return
    if isinstance(own, list):
        own = converse_text(own)
    text = default if own is None or (isinstance(own, str) and not own.strip()) else as_text(own, "system")
    if default is not None and text != default:
        note("system")
    if text is not None:
        draft.asked.insert(0, text_message("system", text))
