"""DPO rows: conversations in the Converse format whose last turn holds a preferred and a non-preferred answer.

Source: AWS's data-preparation page for Nova 1 and AWS's validator script.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import UNSET, UnsetType

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.columns import blank_rows, equal_rows
from novaline.datasets.formats.conversation import (
    Content,
    ConversationHead,
    Message,
    PlainConversation,
    PlainText,
    PlainUser,
    Shape,
    head_keys,
    kinds,
    system_texts,
)
from novaline.datasets.formats.media import shown
from novaline.datasets.formats.reading import answered, conversation_view
from novaline.datasets.formats.spec import Columns, FastShape, FormatSpec, RuleContext, View
from novaline.datasets.formats.turns import content_flaws, head_flaws, messages_flaws, order_flaws

_PREFERRED, _NON_PREFERRED = "preferred", "non-preferred"
_NOT_IN_DPO = ("video", "document", "reasoningContent")


class PlainPreferred(Shape):
    """The better answer, of one text."""

    content: tuple[PlainText]
    preferenceLabel: Literal["preferred"]  # noqa: N815  # AWS's field name


class PlainNonPreferred(Shape):
    """The worse answer, of one text."""

    content: tuple[PlainText]
    preferenceLabel: Literal["non-preferred"]  # noqa: N815  # AWS's field name


class PlainBetterFirst(Shape):
    """Two answers, the better one first."""

    role: Literal["assistant"]
    candidates: tuple[PlainPreferred, PlainNonPreferred]


class PlainWorseFirst(Shape):
    """Two answers, the worse one first."""

    role: Literal["assistant"]
    candidates: tuple[PlainNonPreferred, PlainPreferred]


class BetterFirst(PlainConversation, kw_only=True):
    """One question and two answers, the better one first."""

    messages: tuple[PlainUser, PlainBetterFirst]


class WorseFirst(PlainConversation, kw_only=True):
    """One question and two answers, the worse one first."""

    messages: tuple[PlainUser, PlainWorseFirst]


class Candidate(Shape):
    """One of the answers."""

    content: list[Content]
    preferenceLabel: str  # noqa: N815  # AWS's field name


class DpoMessage(Shape):
    """A turn: with content, or, the last one, with candidates."""

    role: str
    content: list[Content] | UnsetType = UNSET
    candidates: list[Candidate] | UnsetType = UNSET


class Preference(ConversationHead, kw_only=True):
    """A DPO row."""

    messages: list[DpoMessage]


def flaws(row: Preference, context: RuleContext) -> Iterator[Flaw]:
    """Every rule of a DPO row."""
    yield from head_flaws(row, context)
    yield from order_flaws([message.role for message in row.messages])
    yield from messages_flaws(row, _turns(row.messages[:-1]), context)
    last = len(row.messages) - 1
    for index, message in enumerate(row.messages):
        place = f"messages[{index}]"
        if index == last and message.candidates is not UNSET:
            yield from _candidates_flaws(message.candidates, f"{place}.candidates", context)
            if message.content is not UNSET:
                yield Flaw("content-and-candidates", "a turn has content or candidates", detail=f"both at {place}")
        elif index == last:
            message_ = "the last turn holds `candidates`: a preferred and a non-preferred answer"
            yield Flaw("no-candidates", message_, detail=f"found none at {place}")
        elif message.candidates is not UNSET:
            yield Flaw("candidates-misplaced", "only the last turn holds candidates", detail=f"found at {place}")
        elif message.content is UNSET:
            yield Flaw("empty-content", "a message needs content", detail=f"found none at {place}")
    yield from _kind_flaws(row, context)


def view(row: Preference) -> View:
    """What a DPO row says: the preferred candidate is the answer."""
    candidates = row.messages[-1].candidates if row.messages else UNSET
    if candidates is UNSET:
        return conversation_view(row, _turns(row.messages), None)
    preferred = next((each.content for each in candidates if each.preferenceLabel == _PREFERRED), None)
    others = [item for each in candidates if each.content is not preferred for item in each.content]
    return conversation_view(row, _turns(row.messages[:-1]), preferred, also=others)


def _turns(messages: Sequence[DpoMessage]) -> list[Message]:
    return [Message(role=each.role, content=each.content) for each in messages if each.content is not UNSET]


def _candidates_flaws(candidates: Sequence[Candidate], place: str, context: RuleContext) -> Iterator[Flaw]:
    labels = [candidate.preferenceLabel for candidate in candidates]
    if sorted(labels) != [_NON_PREFERRED, _PREFERRED]:
        message = f"there is exactly one {_PREFERRED!r} and one {_NON_PREFERRED!r} candidate"
        found = ", ".join(shown(label) for label in labels[:4]) or "none"
        yield Flaw("preference-labels", message, detail=f"found {found} at {place}")
    for index, candidate in enumerate(candidates):
        yield from content_flaws(candidate.content, "assistant", f"{place}[{index}].content", context)
    if len(candidates) == 2 and answered(candidates[0].content) == answered(candidates[1].content):
        message = "both candidates say the same: the row teaches no preference"
        yield Flaw("candidates-equal", message, "warning", detail=f"at {place}")


def _kind_flaws(row: Preference, context: RuleContext) -> Iterator[Flaw]:
    """What DPO takes of no model. What this model does not take at all, the model's own rules say."""
    model = context.model
    contents = [message.content for message in row.messages if message.content is not UNSET]
    found = {kind for content in contents for item in content for kind in kinds(item)}
    for kind in _NOT_IN_DPO:
        taken = model is None or kind in model.media or (kind == "reasoningContent" and model.reasoning)
        if kind in found and taken:
            yield Flaw("not-in-dpo", f"DPO takes text and images, no {kind}", detail=f"found {kind}")


def _unsuited(context: RuleContext) -> Iterator[Flaw]:
    if context.model is not None and context.model.generation != "nova-1":
        message = f"DPO is for Nova 1 models only, not for {context.model.title}"
        yield Flaw("format-not-for-model", message, hint="Nova 2 Lite learns by SFT or RFT")


def _better_first(rows: list[BetterFirst]) -> Columns:
    return _columns(
        [row.messages[0].content[0].text for row in rows],
        [row.messages[1].candidates[0].content[0].text for row in rows],
        [row.messages[1].candidates[1].content[0].text for row in rows],
        rows,
    )


def _worse_first(rows: list[WorseFirst]) -> Columns:
    return _columns(
        [row.messages[0].content[0].text for row in rows],
        [row.messages[1].candidates[1].content[0].text for row in rows],
        [row.messages[1].candidates[0].content[0].text for row in rows],
        rows,
    )


def _columns(
    prompts: list[str], better: list[str], worse: list[str], rows: Sequence[BetterFirst | WorseFirst]
) -> Columns:
    systems = system_texts(rows)
    doubtful = sorted({*blank_rows(prompts, better, worse, systems), *equal_rows(better, worse)})
    keys = head_keys(rows, systems) + 11 * len(rows)
    read = (prompts, better, worse, systems)
    return Columns(prompts=prompts, answers=better, systems=systems, doubtful=doubtful, keys=keys, read=read)


DPO = FormatSpec(
    name="dpo",
    title="the form of DPO rows",
    example='{"messages": [{"role": "user", "content": [{"text": "…"}]}, {"role": "assistant", "candidates": '
    '[{"content": [{"text": "the better answer"}], "preferenceLabel": "preferred"}, '
    '{"content": [{"text": "the worse answer"}], "preferenceLabel": "non-preferred"}]}]}',
    fast=(FastShape(BetterFirst, _better_first), FastShape(WorseFirst, _worse_first)),
    full=Preference,
    flaws=flaws,
    view=view,
    unsuited=_unsuited,
    reserved_words="error",
)
