"""RFT rows: a chat in OpenAI's form that the model goes on with, and what the reward function needs to judge that.

Source: AWS's data-preparation page for RFT on Nova 2, AWS's validator script, and the checks of nova-forge-sdk 1.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.columns import blank_rows
from novaline.datasets.formats.media import shown
from novaline.datasets.formats.openai import ChatMessage, chat_flaws, tool_flaws
from novaline.datasets.formats.spec import Columns, FastShape, FormatSpec, RuleContext, View

ROLES = ("system", "user", "assistant", "tool", "bot", "developer")

_NonEmpty = Annotated[str, Meta(min_length=1)]
_NonEmptyObject = Annotated[dict[str, object], Meta(min_length=1)]


class PlainSystemTurn(Struct, gc=False):
    """The system text."""

    role: Literal["system"]
    content: _NonEmpty
    tool_calls: UnsetType | None = UNSET


class PlainUserTurn(Struct, gc=False):
    """What the user asks."""

    role: Literal["user"]
    content: _NonEmpty
    tool_calls: UnsetType | None = UNSET


class PlainTask(Struct, gc=False, kw_only=True):
    """What rows without tools hold beside their messages, own fields aside."""

    reference_answer: _NonEmpty | _NonEmptyObject
    id: _NonEmpty | UnsetType = UNSET
    tools: UnsetType | None = UNSET


class PlainQuestion(PlainTask, kw_only=True):
    """One question."""

    messages: tuple[PlainUserTurn]


class PlainQuestionWithSystem(PlainTask, kw_only=True):
    """A system text and one question."""

    messages: tuple[PlainSystemTurn, PlainUserTurn]


class Task(Struct, gc=False):
    """An RFT row. Fields that are not named here are the reward function's."""

    messages: list[ChatMessage]
    id: object | UnsetType = UNSET
    tools: list[dict[str, object]] | UnsetType | None = UNSET
    reference_answer: object | UnsetType = UNSET


def flaws(row: Task, context: RuleContext) -> Iterator[Flaw]:
    """Every rule of an RFT row."""
    yield from id_flaws(row.id)
    yield from chat_flaws(row.messages, "messages", roles=ROLES)
    if isinstance(row.tools, list):
        yield from tool_flaws(row.tools, "tools")
    answer = row.reference_answer
    if answer is UNSET or answer is None:
        return
    if not isinstance(answer, str | dict):
        message = "`reference_answer` is text or an object"
        yield Flaw("reference-answer", message, detail=f"found {json_type(answer)}")
    elif not answer or (isinstance(answer, str) and not answer.strip()):
        message = "`reference_answer` is empty"
        yield Flaw("empty-answer", message, hint="fill it in, or leave it out if the reward function needs none")


def id_flaws(found: object) -> Iterator[Flaw]:
    """What is wrong with a row's `id`, if it has one: results of the reward function are matched by it."""
    if found is UNSET or found is None:
        return
    if not isinstance(found, str):
        yield Flaw("row-id", "the `id` of a row is text", detail=f"found {json_type(found)}")
    elif not found.strip():
        yield Flaw("row-id", "the `id` of a row is not empty", detail=f"found {shown(found)}")


def json_type(value: object) -> str:
    """What a value is, in a person's words."""
    if isinstance(value, bool):
        return "true or false"
    names = {int: "a number", float: "a number", list: "a list", dict: "an object", str: "text"}
    return names.get(type(value), "null")


def view(row: Task) -> View:
    """What an RFT row says: the reference answer, if there is one, is the answer."""
    found = row.reference_answer
    answer = None
    if found is not UNSET and found is not None:
        answer = found if isinstance(found, str) else _as_text(found)
    features = set() if answer is None else {"reference_answer"}
    return chat_view(
        row.messages,
        answer=answer,
        features=frozenset(features | ({"tools"} if row.tools else set())),
        row_id=row.id if isinstance(row.id, str) else None,
        tools=bool(row.tools),
    )


def chat_view(
    messages: Sequence[ChatMessage],
    *,
    answer: str | None,
    features: frozenset[str],
    row_id: str | None,
    tools: bool = False,
) -> View:
    """The view of a row with a chat."""
    system = messages[0].text if messages and messages[0].role == "system" else None
    turns = [message for message in messages if message.role != "system"]
    users = [message.text for message in turns if message.role == "user"]
    alone = len(turns) == 1 and turns[0].role == "user"  # as a fast shape has it
    return View(
        prompt=users[0] if alone else msgspec.json.encode(turns).decode(),
        question=users[-1] if users else "",
        answer=answer,
        system=system,
        features=features | {"system"} if system is not None else features,
        media=(),
        texts=tuple(message.text for message in messages),
        id=row_id,
        tools=tools,
    )


def _as_text(answer: object) -> str:
    return msgspec.json.encode(answer, order="deterministic").decode()


def unsuited(context: RuleContext) -> Iterator[Flaw]:
    """RFT is for Nova 2 Lite only."""
    if context.model is not None and context.model.generation != "nova-2":
        message = f"RFT is for Nova 2 Lite only, not for {context.model.title}"
        yield Flaw("format-not-for-model", message, hint="Nova 1 models learn by SFT or DPO")


def _questions(rows: list[PlainQuestion]) -> Columns:
    return _columns(rows, [row.messages[0].content for row in rows], None)


def _questions_with_system(rows: list[PlainQuestionWithSystem]) -> Columns:
    systems = [row.messages[0].content for row in rows]
    return _columns(rows, [row.messages[1].content for row in rows], systems)


def _columns(rows: Sequence[PlainTask], prompts: list[str], systems: list[str] | None) -> Columns:
    answers = [
        row.reference_answer if isinstance(row.reference_answer, str) else _as_text(row.reference_answer)
        for row in rows
    ]
    ids = [row.id or "" for row in rows]
    return Columns(
        prompts=prompts,
        answers=answers,
        systems=systems,
        doubtful=blank_rows(prompts, systems, answers, ids),
        ids=ids if any(ids) else None,
        read=(prompts, systems),
    )


_ANSWERED = frozenset({"reference_answer"})

RFT = FormatSpec(
    name="rft",
    title="the form of RFT rows",
    example='{"id": "…", "messages": [{"role": "system", "content": "…"}, {"role": "user", "content": "…"}], '
    '"reference_answer": "…"}',
    fast=(
        FastShape(PlainQuestionWithSystem, _questions_with_system, _ANSWERED),
        FastShape(PlainQuestion, _questions, _ANSWERED),
    ),
    full=Task,
    flaws=flaws,
    view=view,
    unsuited=unsuited,
    reserved_words="warning",
)
