"""Drafts as rows of each format: the general way, which knows chats, tools and own fields."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from novaline.datasets.formats.conversation import SCHEMA_VERSION
from novaline.datasets.prepare.chat import Message, content_text
from novaline.datasets.prepare.converse import content_items, converse_turns
from novaline.datasets.prepare.drafts import Draft, as_text
from novaline.datasets.prepare.problems import BadRow
from novaline.datasets.prepare.tools import converse_tools

Row = dict[str, Any]
Builder = Callable[[Draft, str | None], Row]
"""A draft and the owner of the buckets with its pictures → a row."""


def _sft(draft: Draft, bucket_owner: str | None) -> Row:
    if draft.answer is None:
        raise BadRow("last-not-assistant", "the last message must be the assistant's: it is what the model learns")
    return _converse(draft, [*draft.asked, draft.answer], bucket_owner)


def _distillation(draft: Draft, bucket_owner: str | None) -> Row:
    return _converse(draft, [*draft.asked, *([draft.answer] if draft.answer else [])], bucket_owner)


def _dpo(draft: Draft, bucket_owner: str | None) -> Row:
    answer, other = _both(draft)
    better, worse = content_items(answer), content_items(other)
    if better == worse:
        raise BadRow("candidates-equal", "the chosen and the rejected answer are the same")
    row = _converse(draft, draft.asked, bucket_owner)
    candidates = [
        {"content": better, "preferenceLabel": "preferred"},
        {"content": worse, "preferenceLabel": "non-preferred"},
    ]
    row["messages"].append({"role": "assistant", "candidates": candidates})
    return row


def _converse(draft: Draft, messages: Sequence[Message], bucket_owner: str | None) -> Row:
    system, turns = converse_turns(messages, bucket_owner=bucket_owner)
    row: Row = {"schemaVersion": SCHEMA_VERSION}
    if system:
        row["system"] = [{"text": text} for text in system]
    if draft.tools:
        row["toolConfig"] = converse_tools(draft.tools)
    return {**row, "messages": turns}


def _rft(draft: Draft, bucket_owner: str | None) -> Row:
    fields = dict(draft.fields)
    reference = fields.pop("answer", None)
    if reference is None and draft.answer is not None:
        reference = _reference(draft.answer)
    row: Row = {}
    if "id" in fields:
        row["id"] = as_text(fields.pop("id"), "id")
    row["messages"] = [_openai(message) for message in draft.asked]
    if draft.tools:
        row["tools"] = draft.tools
    if reference is not None:
        row["reference_answer"] = reference
    return {**row, **fields}


def _multi_turn_rft(draft: Draft, bucket_owner: str | None) -> Row:
    fields = dict(draft.fields)
    given = fields.pop("id", None)
    alone = len(draft.asked) == 1
    prompt: object = content_text(draft.asked[0]) if alone else [_openai(message) for message in draft.asked]
    answer = fields.pop("answer", None)
    if answer is None and draft.answer is not None:
        answer = _reference(draft.answer)
    metadata = {"prompt": prompt, **({} if answer is None else {"answer": answer}), **fields}
    return {"id": as_text(given, "id") if given is not None else row_id(metadata, draft.place), "metadata": metadata}


def row_id(content: Mapping[str, object], place: str) -> str:
    """An id made of what a row says and where it stands: the same every time, and never that of a repeated row."""
    text = json.dumps([content, place], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:16]


def _cpt(draft: Draft, bucket_owner: str | None) -> Row:
    return {"text": draft.text}


def _gen_qa(draft: Draft, bucket_owner: str | None) -> Row:
    if draft.answer is None:
        raise BadRow("empty-response", "the response is empty: there is nothing to compare the model's answer with")
    system, question, pictures = _question(draft, "gen_qa")
    row: Row = {"query": question, "response": _text_only(draft.answer, "gen_qa")}
    if system:
        row["system"] = system
    pictures += _images(draft.fields.get("images"))
    if pictures:
        row["images"] = [{"data": picture} for picture in pictures]
    metadata = draft.fields.get("metadata")
    if metadata is not None:
        row["metadata"] = metadata if isinstance(metadata, str) else json.dumps(metadata, ensure_ascii=False)
    return row


def _judge(draft: Draft, bucket_owner: str | None) -> Row:
    answer, other = _both(draft)
    system, question, pictures = _question(draft, "a judge")
    if pictures:
        raise BadRow("media-not-supported", "a judge reads text only", detail="found a picture")
    if system:
        question = f"{system}\n\n{question}"
    return {"prompt": question, "response_A": _text_only(answer, "a judge"), "response_B": _text_only(other, "a judge")}


BUILDERS: Mapping[str, Builder] = {
    "sft": _sft,
    "dpo": _dpo,
    "rft": _rft,
    "multi-turn-rft": _multi_turn_rft,
    "cpt": _cpt,
    "distillation": _distillation,
    "gen_qa": _gen_qa,
    "llm_judge": _judge,
    "rubric_llm_judge": _judge,
}
"""Format → how its rows are built. A builder raises BadRow."""


def _both(draft: Draft) -> tuple[Message, Message]:
    if draft.answer is None or draft.other is None:
        raise BadRow("one-answer", "two answers are needed, and the row has one")
    return draft.answer, draft.other


def _question(draft: Draft, who: str) -> tuple[str, str, list[str]]:
    """System text, question and pictures of a draft with one question. Raises BadRow for a longer chat."""
    systems = [content_text(message) for message in draft.asked if message["role"] == "system"]
    turns = [message for message in draft.asked if message["role"] != "system"]
    if len(turns) != 1:
        raise BadRow("several-turns", f"{who} asks one question, and the chat has several turns before the answer")
    content = turns[0].get("content")
    parts = content if isinstance(content, list) else []
    pictures = [str(part["image_url"].get("url")) for part in parts if part["type"] == "image_url"]
    if any(not picture.startswith("data:image/") for picture in pictures):
        raise BadRow("image-not-inside", "evaluation rows hold pictures themselves, as data:image/…;base64,…")
    texts = [part["text"] for part in parts if part["type"] == "text"]
    question = "\n".join(texts) if parts else content_text(turns[0])
    return "\n".join(systems), question, pictures


def _text_only(message: Message, who: str) -> str:
    if message.get("tool_calls"):
        raise BadRow("tool-call-in-answer", f"{who} compares text, and the answer calls a tool")
    return content_text(message)


def _reference(message: Message) -> object:
    """An answer for the reward function: its text, or an object where it calls tools."""
    calls = [call["function"] for call in message.get("tool_calls", ())]
    text = content_text(message)
    return text if not calls else {**({"content": text} if text else {}), "tool_calls": calls}


def _openai(message: Message) -> Message:
    """A message as OpenAI's API writes it: content as one text, arguments as JSON text."""
    made: Message = {"role": message["role"]}
    calls = message.get("tool_calls", ())
    if "content" in message or not calls:
        made["content"] = content_text(message)
    if calls:
        made["tool_calls"] = [
            {
                **call,
                "function": {
                    "name": call["function"]["name"],
                    "arguments": json.dumps(call["function"]["arguments"], ensure_ascii=False),
                },
            }
            for call in calls
        ]
    if "tool_call_id" in message:
        made["tool_call_id"] = message["tool_call_id"]
    return made


def _images(value: object) -> list[str]:
    found = [] if value is None or value == "" else value if isinstance(value, list) else [value]
    images = [each.get("data") if isinstance(each, dict) else each for each in found]
    if not all(isinstance(image, str) and image.startswith("data:image/") for image in images):
        raise BadRow("image-not-inside", "evaluation rows hold pictures themselves, as data:image/…;base64,…")
    return [str(image) for image in images]
