"""SFT rows: conversations in the Converse format whose last turn is what the model learns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Annotated

import msgspec
from msgspec import Meta

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.columns import blank_rows
from novaline.datasets.formats.conversation import (
    Conversation,
    PlainAssistant,
    PlainConversation,
    PlainTurn,
    PlainUser,
    head_keys,
    system_texts,
)
from novaline.datasets.formats.reading import conversation_view
from novaline.datasets.formats.spec import Columns, FastShape, FormatSpec, RuleContext, View
from novaline.datasets.formats.turns import head_flaws, messages_flaws, order_flaws

_IN_TURN = ["user", "assistant"] * 50


class PlainPair(PlainConversation, kw_only=True):
    """One question and one answer."""

    messages: tuple[PlainUser, PlainAssistant]


class PlainChat(PlainConversation, kw_only=True):
    """Turns of text, in any order."""

    messages: Annotated[list[PlainTurn], Meta(min_length=2)]


def chat_columns(rows: list[PlainChat]) -> Columns:
    """What a block of chats says. A chat out of order is doubtful, and one longer than chats usually are."""
    chats = [row.messages for row in rows]
    texts = [[turn.content[0].text for turn in chat] for chat in chats]
    systems = system_texts(rows)
    doubtful = set(blank_rows(systems))
    doubtful.update(
        index
        for index, chat in enumerate(chats)
        if len(chat) % 2 or [turn.role for turn in chat] != _IN_TURN[: len(chat)]
    )
    if any(map(str.isspace, chain.from_iterable(texts))):
        doubtful.update(index for index, row in enumerate(texts) if any(map(str.isspace, row)))
    encode = msgspec.json.Encoder().encode  # as `asked` tells what is asked
    return Columns(
        prompts=[
            row[0] if len(row) == 2 else encode([turn.content for turn in chat[:-1]]).decode()
            for row, chat in zip(texts, chats, strict=True)
        ],
        questions=[row[-2] for row in texts],
        answers=[row[-1] for row in texts],
        systems=systems,
        doubtful=sorted(doubtful),
        keys=head_keys(rows, systems) + 3 * sum(map(len, texts)),
        read=(["".join(row) for row in texts], systems),
    )


def pair_columns(rows: list[PlainPair]) -> Columns:
    """What a block of pairs says."""
    prompts = [row.messages[0].content[0].text for row in rows]
    answers = [row.messages[1].content[0].text for row in rows]
    systems = system_texts(rows)
    doubtful = blank_rows(prompts, answers, systems)
    keys = head_keys(rows, systems) + 6 * len(rows)
    return Columns(prompts=prompts, answers=answers, systems=systems, doubtful=doubtful, keys=keys)


def flaws(row: Conversation, context: RuleContext) -> Iterator[Flaw]:
    """Every rule of an SFT row."""
    yield from head_flaws(row, context)
    yield from order_flaws([message.role for message in row.messages])
    yield from messages_flaws(row, row.messages, context)


def view(row: Conversation) -> View:
    """What an SFT row says: the last turn is the answer, where it is an assistant's."""
    if row.messages and row.messages[-1].role == "assistant":
        return conversation_view(row, row.messages[:-1], row.messages[-1].content)
    return conversation_view(row, row.messages, None)


SFT = FormatSpec(
    name="sft",
    title="the Converse format",
    example='{"system": [{"text": "…"}], "messages": [{"role": "user", "content": [{"text": "…"}]}, '
    '{"role": "assistant", "content": [{"text": "…"}]}]}',
    fast=(FastShape(PlainPair, pair_columns), FastShape(PlainChat, chat_columns)),
    full=Conversation,
    flaws=flaws,
    view=view,
    reserved_words="error",
)
