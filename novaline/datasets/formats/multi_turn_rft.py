"""Multi-turn RFT rows: a prompt for an environment that talks with the model over many turns.

Source: the checks of nova-forge-sdk 1.4, which brings the environments that read these rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.columns import blank_rows
from novaline.datasets.formats.conversation import Shape
from novaline.datasets.formats.media import shown
from novaline.datasets.formats.openai import ChatMessage, chat_flaws
from novaline.datasets.formats.rft import chat_view, id_flaws, unsuited
from novaline.datasets.formats.spec import Columns, FastShape, FormatSpec, RuleContext, View

ROLES = ("system", "user", "assistant", "tool")

_NonEmpty = Annotated[str, Meta(min_length=1)]


class PlainEpisodeData(Shape):
    """A prompt of text, with its answer."""

    prompt: _NonEmpty
    answer: _NonEmpty
    task: str | UnsetType = UNSET
    info: dict[str, object] | UnsetType = UNSET


class PlainEpisode(Shape):
    """A row whose prompt is text."""

    id: _NonEmpty
    metadata: PlainEpisodeData


class EpisodeData(Shape):
    """A prompt, with what the environment needs to judge."""

    prompt: str | list[ChatMessage]
    answer: str | UnsetType | None = UNSET
    task: str | UnsetType | None = UNSET
    info: dict[str, object] | str | UnsetType | None = UNSET


class Episode(Shape):
    """A multi-turn RFT row."""

    id: str
    metadata: EpisodeData


def flaws(row: Episode, context: RuleContext) -> Iterator[Flaw]:
    """Every rule of a multi-turn RFT row."""
    yield from id_flaws(row.id)
    data = row.metadata
    if isinstance(data.prompt, str):
        if not data.prompt.strip():
            yield Flaw("empty-text", "`metadata.prompt` has no text, or only white space")
    else:
        yield from chat_flaws(data.prompt, "metadata.prompt", roles=ROLES)
    if isinstance(data.answer, str) and not data.answer.strip():
        yield Flaw("empty-answer", "`metadata.answer` is empty", hint="fill it in, or leave it out")
    if isinstance(data.info, str) and not _is_json(data.info):
        message = "`metadata.info` is an object, or text that holds JSON"
        yield Flaw("info-not-json", message, detail=f"found {shown(data.info)}")


def view(row: Episode) -> View:
    """What a multi-turn RFT row says."""
    data = row.metadata
    answer = data.answer if isinstance(data.answer, str) else None
    features = frozenset() if answer is None else frozenset({"answer"})
    messages = [ChatMessage(role="user", content=data.prompt)] if isinstance(data.prompt, str) else data.prompt
    return chat_view(messages, answer=answer, features=features, row_id=row.id)


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _columns(rows: list[PlainEpisode]) -> Columns:
    prompts = [row.metadata.prompt for row in rows]
    ids = [row.id for row in rows]
    answers = [row.metadata.answer for row in rows]
    doubtful = blank_rows(prompts, ids, answers)
    return Columns(prompts=prompts, answers=answers, systems=None, doubtful=doubtful, ids=ids, read=(prompts,))


MULTI_TURN_RFT = FormatSpec(
    name="multi-turn-rft",
    title="the form of multi-turn RFT rows",
    example='{"id": "…", "metadata": {"prompt": "…", "answer": "…"}}',
    fast=(FastShape(PlainEpisode, _columns, frozenset({"answer"})),),
    full=Episode,
    flaws=flaws,
    view=view,
    unsuited=unsuited,
    reserved_words="warning",
)
