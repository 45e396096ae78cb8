"""What Converse rows say, for the checks that compare rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import msgspec
from msgspec import UNSET

from novaline.datasets.formats.conversation import MEDIA, Content, ConversationHead, Message, kinds
from novaline.datasets.formats.media import media_of, medium
from novaline.datasets.formats.spec import Medium, View


def system_of(row: ConversationHead) -> str | None:
    """The system text of a row; None where it has none."""
    return None if not row.system else "\n".join(item.text for item in row.system)


def said(content: Sequence[Content]) -> str:
    """The texts of a message."""
    return "\n".join(item.text for item in content if isinstance(item.text, str))


def answered(content: Sequence[Content]) -> str:
    """The texts of a message, and the tools that it calls."""
    calls = [
        f"{item.toolUse.name}({msgspec.json.encode(item.toolUse.input, order='deterministic').decode()})"
        for item in content
        if item.toolUse is not UNSET
    ]
    return "\n".join([said(content), *calls] if calls else [said(content)])


def asked(messages: Sequence[Message]) -> str:
    """All that the next turn depends on: each turn with its texts, calls, results and media."""
    if len(messages) == 1 and not any(each != ("text",) for each in map(kinds, messages[0].content)):
        return said(messages[0].content)  # as a fast shape has it
    return msgspec.json.encode([message.content for message in messages]).decode()


def question_of(messages: Sequence[Message]) -> str:
    """The last turn that a user wrote, with what names its media; the empty string where there is none."""
    for message in reversed(messages):
        if message.role == "user":
            text, media = said(message.content), media_of(message.content)
            if text or media:
                return "\n".join([text, *(medium(kind, found).uri for _, kind, found in media)])
    return ""


def texts_of(row: ConversationHead, contents: Sequence[Sequence[Content]]) -> Iterator[str]:
    """All texts of a row: the system's, the turns', the reasoning's and the tools' results."""
    yield from [] if row.system is UNSET else (item.text for item in row.system)
    for content in contents:
        for item in content:
            if item.text is not UNSET:
                yield str(item.text)
            if item.reasoningContent is not UNSET:
                yield item.reasoningContent.reasoningText.text
            if item.toolResult is not UNSET:
                yield from (part.text for part in item.toolResult.content if isinstance(part.text, str))


def conversation_view(
    row: ConversationHead, turns: Sequence[Message], answer: Sequence[Content] | None, *, also: Sequence[Content] = ()
) -> View:
    """The view of a row: the turns that are asked, what is answered to them, and content that is in the row `also`."""
    contents: list[Sequence[Content]] = [message.content for message in turns]
    contents += [answer] if answer else []
    contents += [also] if also else []
    features = set(chain.from_iterable([kinds(item) for content in contents for item in content]))
    media: tuple[Medium, ...] = ()
    if not MEDIA.isdisjoint(features):
        media = tuple(medium(kind, each) for content in contents for _, kind, each in media_of(content))
    features.discard("text")
    if row.system:
        features.add("system")
    return View(
        prompt=asked(turns),
        question=question_of(turns),
        answer=None if answer is None else answered(answer),
        system=system_of(row),
        features=frozenset(features),
        media=media,
        texts=tuple(texts_of(row, contents)),
        tools=row.toolConfig is not UNSET,
    )
