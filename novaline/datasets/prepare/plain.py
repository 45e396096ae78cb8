"""Rows of plain text, whole columns at once: what the general way would make of them, in a fraction of its time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from novaline.datasets.formats.conversation import SCHEMA_VERSION
from novaline.datasets.formats.reserved import RESERVED

Texts = Sequence[str]


class _Text(Struct, gc=False):
    text: str


class _User(Struct, gc=False, tag_field="role", tag="user"):
    content: tuple[_Text]


class _Assistant(Struct, gc=False, tag_field="role", tag="assistant"):
    content: tuple[_Text]


class _Candidate(Struct, gc=False):
    content: tuple[_Text]
    preferenceLabel: str  # noqa: N815  # AWS's field name


class _Candidates(Struct, gc=False, tag_field="role", tag="assistant"):
    candidates: tuple[_Candidate, _Candidate]


class _Converse(Struct, gc=False, tag_field="schemaVersion", tag=SCHEMA_VERSION):
    system: Raw | UnsetType
    messages: tuple[Any, ...]


class _Turn(Struct, gc=False):
    role: str
    content: str


class _Task(Struct, gc=False):
    messages: tuple[_Turn, ...]
    reference_answer: str | UnsetType


class _CorpusText(Struct, gc=False):
    text: str


class _GenQa(Struct, gc=False):
    query: str
    response: str
    system: str | UnsetType


class _Judgement(Struct, gc=False):
    prompt: str
    response_A: str  # noqa: N815  # AWS's field name
    response_B: str  # noqa: N815  # AWS's field name


def _system_items(systems: Sequence[str | None]) -> list[Raw | UnsetType]:
    """The `system` of Converse rows, encoded once for each text."""
    known: dict[str | None, Raw | UnsetType] = {None: UNSET}
    for system in systems:
        if system not in known:
            known[system] = Raw(msgspec.json.encode((_Text(system or ""),)))
    return [known[system] for system in systems]


def _sft(prompts: Texts, answers: Texts, others: Texts, systems: Sequence[str | None]) -> list[Struct]:
    return [
        _Converse(system, (_User((_Text(prompt),)), _Assistant((_Text(answer),))))
        for system, prompt, answer in zip(_system_items(systems), prompts, answers, strict=True)
    ]


def _distillation(prompts: Texts, answers: Texts, others: Texts, systems: Sequence[str | None]) -> list[Struct]:
    if answers:
        return _sft(prompts, answers, others, systems)
    return [
        _Converse(system, (_User((_Text(prompt),)),))
        for system, prompt in zip(_system_items(systems), prompts, strict=True)
    ]


def _dpo(prompts: Texts, answers: Texts, others: Texts, systems: Sequence[str | None]) -> list[Struct]:
    return [
        _Converse(
            system,
            (
                _User((_Text(prompt),)),
                _Candidates((_Candidate((_Text(better),), "preferred"), _Candidate((_Text(worse),), "non-preferred"))),
            ),
        )
        for system, prompt, better, worse in zip(_system_items(systems), prompts, answers, others, strict=True)
    ]


def _rft(prompts: Texts, answers: Texts, others: Texts, systems: Sequence[str | None]) -> list[Struct]:
    references: Sequence[str | UnsetType] = answers or [UNSET] * len(prompts)
    return [
        _Task(
            (_Turn("user", prompt),) if system is None else (_Turn("system", system), _Turn("user", prompt)), reference
        )
        for system, prompt, reference in zip(systems, prompts, references, strict=True)
    ]


def _cpt(prompts: Texts, answers: Texts, others: Texts, systems: Sequence[str | None]) -> list[Struct]:
    return [_CorpusText(text) for text in prompts]


def _gen_qa(prompts: Texts, answers: Texts, others: Texts, systems: Sequence[str | None]) -> list[Struct]:
    return [
        _GenQa(prompt, answer, UNSET if system is None else system)
        for system, prompt, answer in zip(systems, prompts, answers, strict=True)
    ]


def _judge(prompts: Texts, answers: Texts, others: Texts, systems: Sequence[str | None]) -> list[Struct]:
    return [_Judgement(prompt, answer, other) for prompt, answer, other in zip(prompts, answers, others, strict=True)]


PLAIN: Mapping[str, Callable[[Texts, Texts, Texts, Sequence[str | None]], list[Struct]]] = {
    "sft": _sft,
    "dpo": _dpo,
    "rft": _rft,
    "cpt": _cpt,
    "distillation": _distillation,
    "gen_qa": _gen_qa,
    "llm_judge": _judge,
    "rubric_llm_judge": _judge,
}
"""Format → rows of prompts (or texts), answers, other answers and system texts; columns that it lacks are empty."""

_AFTER_COLON = "|".join(f"(?<={re.escape(word)})" for word in RESERVED if word.endswith(":"))
_COLON = re.compile(f":(?:{_AFTER_COLON})")
_SIGNS = [(word[0], word) for word in RESERVED if not word.endswith(":")]
"""Words with the sign that they begin with: looking for one character costs next to nothing."""


def has_reserved(text: str) -> bool:
    """Whether a text holds a word that marks turns or media in the containers. Looks behind colons: fast on prose."""
    return _COLON.search(text) is not None or any(sign in text and word in text for sign, word in _SIGNS)


def doubtful_rows(columns: Sequence[Texts], *, reserved: bool) -> set[int]:
    """The indexes of rows that only the general way can judge: blank texts, and with `reserved` reserved words."""
    found: set[int] = set()
    for column in columns:
        if not all(column) or any(map(str.isspace, column)):
            found.update(index for index, text in enumerate(column) if not text or text.isspace())
        if reserved and has_reserved("\n".join(column)):
            found.update(index for index, text in enumerate(column) if has_reserved(text))
    return found
