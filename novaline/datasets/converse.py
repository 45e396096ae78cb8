"""The rules of SFT rows that a shape cannot express: turns, what may stand in them, tools, and reserved words.

Source: AWS's data-preparation pages for Nova, and the checks of AWS's validator script and of nova-forge-sdk 1.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import UNSET

from novaline.datasets.flaws import Flaw
from novaline.datasets.rows import Content, Conversation, Message, Text, TextConversation, TextMessage
from novaline.recipes.model import Model

RESERVED = (
    "System:", "SYSTEM:", "User:", "USER:", "Bot:", "BOT:", "Assistant:", "ASSISTANT:", "Thought:",
    "[EOS]", "<image>", "<video>", "<unk>",
)  # fmt: skip
"""Words that mark turns and media inside the training containers. In a row's text they break training."""

RESERVED_BYTES = re.compile(b"|".join(re.escape(word.encode()) for word in RESERVED))
_RESERVED_TEXT = re.compile("|".join(re.escape(word) for word in RESERVED))

_KINDS = ("text", "image", "video", "document", "reasoningContent", "toolUse", "toolResult")
_MEDIA = frozenset({"image", "video", "document"})
_MOST_IMAGES = 10

TOO_SHORT = Flaw("too-few-turns", "a conversation needs at least two messages, the user's and the assistant's")
NOT_ALTERNATING = Flaw("turns-not-alternating", "the turns must go user, assistant, user, assistant …")
LAST_NOT_ASSISTANT = Flaw(
    "last-not-assistant", "the last message must be the assistant's", hint="it is what the model learns to answer"
)
EMPTY_TEXT = Flaw("empty-text", "a message has no text, or only white space")
NOT_ONE_KIND = Flaw("content-kinds", "a content item must hold exactly one kind of content")


def turn_flaw(messages: Sequence[TextMessage] | Sequence[Message]) -> Flaw | None:
    """What is wrong with the order of the turns, or None."""
    if len(messages) < 2:
        return TOO_SHORT
    expected = "user"
    for message in messages:
        if message.role != expected:
            return NOT_ALTERNATING
        expected = "assistant" if expected == "user" else "user"
    return LAST_NOT_ASSISTANT if expected == "assistant" else None


def plain_prompt(row: TextConversation) -> str | None:
    """The prompt of the commonest row of all, one question and one answer without a flaw; None for any other row."""
    if len(row.messages) != 2:
        return None
    question, answer = row.messages
    if question.role != "user" or answer.role != "assistant" or len(question.content) + len(answer.content) != 2:
        return None
    asked, answered = question.content[0].text.strip(), answer.content[0].text
    return asked if answered and not answered.isspace() else None


def text_flaw(row: TextConversation) -> Flaw | None:
    """What is wrong with a text-only row, reserved words aside; None for nothing."""
    flaw = turn_flaw(row.messages)
    if flaw is not None:
        return flaw
    for message in row.messages:
        for item in message.content:
            if item.text and not item.text.isspace():
                break
        else:
            return EMPTY_TEXT
    return None


def conversation_flaws(row: Conversation, model: Model) -> Iterator[Flaw]:
    """Everything that is wrong with a row in the full format, reserved words aside."""
    flaw = turn_flaw(row.messages)
    if flaw is not None:
        yield flaw
    for message in row.messages:
        yield from _message_flaws(message, model)
    yield from _tool_flaws(row)


def reserved_flaws(row: TextConversation | Conversation) -> Iterator[Flaw]:
    """The reserved words in the row's texts, each once."""
    found: dict[str, None] = {}
    for text in texts(row):
        found.update(dict.fromkeys(_RESERVED_TEXT.findall(text)))
    for word in found:
        hint = "it marks turns or media inside the training container: write it differently"
        yield Flaw("reserved-word", f"the text contains the reserved word {word!r}", hint=hint)


def texts(row: TextConversation | Conversation) -> Iterator[str]:
    """All texts of a row: the system's, the turns', the reasoning's and the tools' results."""
    for item in row.system:
        yield item.text
    contents = (content for message in row.messages for content in message.content)
    for content in contents:
        if content.text is not UNSET:
            yield str(content.text)
        if isinstance(content, Content):
            if content.reasoningContent is not UNSET:
                yield content.reasoningContent.reasoningText.text
            if content.toolResult is not UNSET:
                yield from (str(part.text) for part in content.toolResult.content if part.text is not UNSET)


def prompt(row: TextConversation | Conversation) -> str:
    """The text of the last user turn: what the last assistant turn answers."""
    turns: Sequence[TextMessage | Message] = row.messages
    for message in reversed(turns):
        if message.role == "user":
            contents: Sequence[Text | Content] = message.content
            return "\n".join(str(item.text) for item in contents if item.text is not UNSET).strip()
    return ""


def features(row: Conversation) -> frozenset[str]:
    """The kinds of content that a row has, which all rows of a dataset should share."""
    found = {kind for message in row.messages for item in message.content for kind in kinds(item)}
    return frozenset(found - {"text"})


def kinds(item: Content) -> tuple[str, ...]:
    """The kinds of content that are set in one item."""
    return tuple(kind for kind in _KINDS if getattr(item, kind) is not UNSET)


def _message_flaws(message: Message, model: Model) -> Iterator[Flaw]:
    found = [kinds(item) for item in message.content]
    if any(len(each) != 1 for each in found):
        yield NOT_ONE_KIND
        return
    used = [each[0] for each in found]
    media = _MEDIA & set(used)
    texts_ = [item.text for item in message.content if isinstance(item.text, str)]
    if not any(text.strip() for text in texts_) and not media and not {"toolUse", "toolResult"} & set(used):
        yield EMPTY_TEXT
    yield from _media_flaws(message, used, media, model)
    yield from _placement_flaws(message, used, media, model)


def _media_flaws(message: Message, used: Sequence[str], media: frozenset[str], model: Model) -> Iterator[Flaw]:
    for kind in sorted(media - set(model.media)):
        yield Flaw("media-not-supported", f"{model.title} takes no {kind}s")
    if media and message.role == "assistant":
        yield Flaw("media-in-answer", "an assistant's message holds no media")
    if len(media) > 1:
        yield Flaw("mixed-media", "a message holds one kind of media")
    if used.count("image") > _MOST_IMAGES:
        yield Flaw("too-many-images", f"a message holds at most {_MOST_IMAGES} images")
    if used.count("video") > 1:
        yield Flaw("too-many-videos", "a message holds at most one video")


def _placement_flaws(message: Message, used: Sequence[str], media: frozenset[str], model: Model) -> Iterator[Flaw]:
    if "reasoningContent" in used:
        if not model.reasoning:
            yield Flaw("reasoning-not-supported", f"{model.title} takes no reasoningContent")
        if message.role != "assistant" or media:
            yield Flaw("reasoning-misplaced", "reasoningContent stands in assistant turns, without media")
    if "toolUse" in used and message.role != "assistant":
        yield Flaw("tool-use-misplaced", "toolUse stands in assistant turns")
    if "toolResult" in used and message.role != "user":
        yield Flaw("tool-result-misplaced", "toolResult stands in user turns")


def _tool_flaws(row: Conversation) -> Iterator[Flaw]:
    declared = set() if row.toolConfig is UNSET else {tool.toolSpec.name for tool in row.toolConfig.tools}
    used: set[str] = set()
    answered: set[str] = set()
    for message in row.messages:
        for item in message.content:
            if item.toolUse is not UNSET:
                if item.toolUse.toolUseId in used:
                    yield Flaw("tool-use-twice", "two toolUse items share a toolUseId")
                if item.toolUse.name not in declared:
                    yield Flaw("tool-not-declared", "a toolUse names a tool that toolConfig does not declare")
                used.add(item.toolUse.toolUseId)
            if item.toolResult is not UNSET:
                if item.toolResult.toolUseId not in used:
                    yield Flaw("tool-result-without-use", "a toolResult comes before its toolUse, or without one")
                if item.toolResult.toolUseId in answered:
                    yield Flaw("tool-result-twice", "two toolResult items answer one toolUse")
                answered.add(item.toolResult.toolUseId)
