"""Chats of one plain question and its answer, which most chats are: taken apart into columns."""

from __future__ import annotations

from collections.abc import Sequence

_KEYS = {"role", "content"}
_ROLES = (["user", "assistant"], ["system", "user", "assistant"])


def plain_chats(chats: Sequence[object]) -> tuple[list[int], list[str], list[str], list[str | None]]:
    """Of the chats that are plain: indexes, questions, answers, and system texts where they have one."""
    indexes: list[int] = []
    questions: list[str] = []
    answers: list[str] = []
    systems: list[str | None] = []
    for index, chat in enumerate(chats):
        if type(chat) is not list or not 2 <= len(chat) <= 3:
            continue
        if any(type(turn) is not dict or turn.keys() != _KEYS or type(turn["content"]) is not str for turn in chat):
            continue
        if [turn["role"] for turn in chat] not in _ROLES:
            continue
        indexes.append(index)
        questions.append(chat[-2]["content"])
        answers.append(chat[-1]["content"])
        systems.append(chat[0]["content"] if len(chat) == 3 else None)
    return indexes, questions, answers, systems
