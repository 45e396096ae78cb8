"""The rules of Converse rows: turns in order, and what may stand in them.

Source: AWS's data-preparation pages for Nova, AWS's validator script, and the checks of nova-forge-sdk 1.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import UNSET

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.conversation import MEDIA, SCHEMA_VERSION, Content, ConversationHead, Message, kinds
from novaline.datasets.formats.media import media_flaws, shown
from novaline.datasets.formats.spec import RuleContext
from novaline.datasets.formats.tools import ToolTrail, declaration_flaws

_TAKES_THE_PLACE_OF_TEXT = frozenset({"image", "video", "document", "toolUse", "toolResult"})


def head_flaws(row: ConversationHead, context: RuleContext) -> Iterator[Flaw]:
    """What is wrong with what stands beside the messages."""
    if row.schemaVersion is not UNSET and row.schemaVersion != SCHEMA_VERSION:
        detail = f"found {shown(row.schemaVersion)}"
        yield Flaw("schema-version", f"schemaVersion, where a row has it, is {SCHEMA_VERSION}", detail=detail)
    if row.system is not UNSET and not any(item.text.strip() for item in row.system):
        message = "`system` has no text, or only white space"
        yield Flaw("empty-system", message, hint='write "system": [{"text": "…"}], or leave it out')
    yield from declaration_flaws(row, context)


def order_flaws(roles: Sequence[str], *, answered: bool = True) -> Iterator[Flaw]:
    """What is wrong with the order of turns: user and assistant in turn, the last one the assistant's if `answered`.

    The first turn out of order is told, and no further one.
    """
    if len(roles) < 1 + answered:
        message = "a conversation needs at least one message, the user's"
        if answered:
            message = "a conversation needs at least two messages, the user's and the assistant's"
        yield Flaw("too-few-turns", message, detail=f"found {len(roles)}")
        return
    for index, role in enumerate(roles):
        expected = "assistant" if index % 2 else "user"
        if role not in ("user", "assistant"):
            hint = "a system text stands in `system`, beside `messages`" if role == "system" else None
            detail = f"found {shown(role)} at messages[{index}].role"
            yield Flaw("unknown-role", "a role is user or assistant", hint=hint, detail=detail)
            return
        if role != expected:
            detail = f"found {role}, expected {expected} at messages[{index}].role"
            yield Flaw("turns-not-alternating", "the turns must go user, assistant, user, assistant …", detail=detail)
            return
    if answered and roles[-1] != "assistant":
        hint = "it is what the model learns to answer"
        detail = f"found {roles[-1]} at messages[{len(roles) - 1}].role"
        yield Flaw("last-not-assistant", "the last message must be the assistant's", hint=hint, detail=detail)


def messages_flaws(row: ConversationHead, messages: Sequence[Message], context: RuleContext) -> Iterator[Flaw]:
    """What is wrong inside of messages, their order aside."""
    trail = ToolTrail(row)
    documents = 0
    for index, message in enumerate(messages):
        place = f"messages[{index}].content"
        if index and index == len(messages) - 1:
            yield from trail.open_flaws()
        yield from content_flaws(message.content, message.role, place, context)
        yield from trail.turn_flaws(message.content, message.role, place)
        documents += [item.document is not UNSET for item in message.content].count(True)
    if documents > 1:
        message_ = "AWS's validator script takes one document a row"
        yield Flaw("too-many-documents", message_, "warning", detail=f"found {documents}")


def content_flaws(content: Sequence[Content], role: str, place: str, context: RuleContext) -> Iterator[Flaw]:
    """What is wrong with one message's content, the trail of its tools aside; `place` is its path."""
    if not content:
        yield Flaw("empty-content", "a message needs content", detail=f"found an empty list at {place}")
        return
    used: list[str] = []
    for index, item in enumerate(content):
        found = kinds(item)
        if len(found) != 1:
            detail = f"found {', '.join(found) or 'none'} at {place}[{index}]"
            yield Flaw("content-kinds", "a content item must hold exactly one kind of content", detail=detail)
        used += found
    yield from _text_flaws(content, frozenset(used), place)
    if not MEDIA.isdisjoint(used):
        yield from media_flaws(content, role, place, context)
    if "reasoningContent" in used:
        yield from _reasoning_flaws(content, frozenset(used), role, place, context)


def _text_flaws(content: Sequence[Content], used: frozenset[str], place: str) -> Iterator[Flaw]:
    texts: list[str] = []
    for item in content:
        if isinstance(item.text, str):
            if item.text and not item.text.isspace():
                return
            texts.append(item.text)
    if not used & (MEDIA if texts else _TAKES_THE_PLACE_OF_TEXT):
        if texts:
            found, hint = "only white space" if any(texts) else "an empty text", None
            if used & _TAKES_THE_PLACE_OF_TEXT:
                hint = "leave the empty text item out"
        else:
            found, hint = f"only {', '.join(sorted(used)) or 'empty items'}", None
        message = "a message has no text, or only white space"
        yield Flaw("empty-text", message, hint=hint, detail=f"found {found} at {place}")


def _reasoning_flaws(
    content: Sequence[Content], used: frozenset[str], role: str, place: str, context: RuleContext
) -> Iterator[Flaw]:
    if context.model is not None and not context.model.reasoning:
        message = f"{context.model.title} takes no reasoningContent"
        yield Flaw("reasoning-not-supported", message, hint="Nova 2 Lite takes it", detail=f"found at {place}")
    if role != "assistant" or used & MEDIA:
        found = f"a turn of {shown(role)}" if role != "assistant" else f"a turn with {', '.join(sorted(used & MEDIA))}"
        message = "reasoningContent stands in assistant turns, without media"
        yield Flaw("reasoning-misplaced", message, detail=f"found in {found} at {place}")
    for index, item in enumerate(content):
        if item.reasoningContent is not UNSET and not item.reasoningContent.reasoningText.text.strip():
            message = "a reasoningText has no text, or only white space"
            yield Flaw("empty-reasoning", message, detail=f"found at {place}[{index}]")
