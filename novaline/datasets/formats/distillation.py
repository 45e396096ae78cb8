"""Distillation rows: conversations in the Converse format. A teacher answers them, so the last answer may be left out.

Source: AWS's page on distillation for Nova.
"""

from __future__ import annotations

from collections.abc import Iterator

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.columns import blank_rows
from novaline.datasets.formats.conversation import (
    Conversation,
    PlainConversation,
    PlainUser,
    head_keys,
    system_texts,
)
from novaline.datasets.formats.sft import PlainPair, pair_columns, view
from novaline.datasets.formats.spec import Columns, FastShape, FormatSpec, RuleContext
from novaline.datasets.formats.turns import head_flaws, messages_flaws, order_flaws


class PlainQuestion(PlainConversation, kw_only=True):
    """One question."""

    messages: tuple[PlainUser]


def flaws(row: Conversation, context: RuleContext) -> Iterator[Flaw]:
    """Every rule of a distillation row."""
    yield from head_flaws(row, context)
    yield from order_flaws([message.role for message in row.messages], answered=False)
    yield from messages_flaws(row, row.messages, context)


def _question_columns(rows: list[PlainQuestion]) -> Columns:
    prompts = [row.messages[0].content[0].text for row in rows]
    systems = system_texts(rows)
    keys = head_keys(rows, systems) + 3 * len(rows)
    return Columns(prompts=prompts, answers=None, systems=systems, doubtful=blank_rows(prompts, systems), keys=keys)


DISTILLATION = FormatSpec(
    name="distillation",
    title="the form of distillation rows",
    example='{"system": [{"text": "…"}], "messages": [{"role": "user", "content": [{"text": "…"}]}]}',
    fast=(FastShape(PlainQuestion, _question_columns), FastShape(PlainPair, pair_columns)),
    full=Conversation,
    flaws=flaws,
    view=view,
    reserved_words="error",
    longest_line=180 * 1024,
)
