"""Which columns play which role in a format: as a person says it, or as the columns' names say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from novaline.datasets.readers.batches import shown_names
from novaline.findings import NovalineError, UsageProblem, nearest

Shape = Literal["openai-chat", "pairs", "table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatRoles:
    """The roles of a format. `words` are the format's own names of roles; `own_fields`: it takes any further field.

    `system` says whether a row has a place for a system text, `file` what its rows are for.
    """

    needed: tuple[str, ...] = ("prompt", "answer")
    optional: tuple[str, ...] = ("system",)
    words: Mapping[str, str]
    own_fields: bool = False
    file: str = "train"

    @property
    def roles(self) -> tuple[str, ...]:
        """All roles."""
        return self.needed + self.optional

    @property
    def system(self) -> bool:
        """Whether a row has a place for a system text."""
        return "system" in self.optional


_JUDGE = FormatRoles(
    needed=("prompt", "answer", "other"),
    optional=(),
    words={"answer": "response_A", "other": "response_B"},
    file="eval",
)

FORMAT_ROLES: Mapping[str, FormatRoles] = {
    "sft": FormatRoles(optional=("system", "reasoning", "tools"), words={}),
    "dpo": FormatRoles(
        needed=("prompt", "answer", "other"),
        optional=("system", "tools"),
        words={"answer": "chosen", "other": "rejected"},
    ),
    "rft": FormatRoles(
        needed=("prompt",),
        optional=("answer", "system", "id", "tools"),
        words={"answer": "reference_answer"},
        own_fields=True,
    ),
    "multi-turn-rft": FormatRoles(needed=("prompt",), optional=("answer", "system", "id", "task", "info"), words={}),
    "cpt": FormatRoles(needed=("text",), optional=(), words={}),
    "distillation": FormatRoles(needed=("prompt",), optional=("answer", "system", "tools"), words={}),
    "gen_qa": FormatRoles(
        optional=("system", "images", "metadata"), words={"prompt": "query", "answer": "response"}, file="eval"
    ),
    "llm_judge": _JUDGE,
    "rubric_llm_judge": _JUDGE,
}
"""Format → its roles."""

_SYNONYMS = {
    "query": "prompt",
    "question": "prompt",
    "response": "answer",
    "reference_answer": "answer",
    "response_A": "answer",
    "chosen": "answer",
    "rejected": "other",
    "response_B": "other",
    "candidate": "other",
}
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "prompt": ("prompt", "question", "query", "instruction", "input", "text", "utterance"),
    "answer": (
        *("answer", "response", "completion", "output", "label", "intent", "target", "reference_answer"),
        *("chosen", "chosen_response", "preferred_output", "response_A"),
    ),
    "other": ("rejected", "rejected_response", "non_preferred_output", "response_B"),
    "system": ("system", "system_prompt"),
    "text": ("text", "content", "document"),
    "messages": ("messages", "conversations", "conversation"),
    "tools": ("tools", "functions", "toolConfig"),
    "reasoning": ("reasoning", "reasoning_content"),
    "id": ("id",),
}
"""Role → the names of columns that stand for it without being told."""
_OTHER_DELIMITERS = {";": "';'", "\t": "tab", "|": "'|'"}
_GUESSED_FOR = ("chosen", "chosen_response", "preferred_output")


def parse_mapping(words: Sequence[str], *, format: str) -> dict[str, str]:  # noqa: A002 - the field's own word
    """`role=column` as role → column. Raises UsageProblem for another form, an unknown role, and one given twice."""
    roles = FORMAT_ROLES[format]
    mapping: dict[str, str] = {}
    for word in words:
        named, equals, column = word.partition("=")
        if not equals or not named or not column:
            hint = "write --map prompt=question --map answer=reply"
            raise UsageProblem.of("wrong-mapping", f"expected role=column, found {word!r}", hint=hint)
        role = named if named in roles.roles else _SYNONYMS.get(named, named)
        if role not in (*roles.roles, "messages") and not roles.own_fields:
            known = [roles.words.get(each, each) for each in (*roles.roles, "messages")]
            close = nearest(named, [*known, *roles.roles])
            hint = f"did you mean {close}?" if close else f"{format} has {', '.join(known)}"
            raise UsageProblem.of("unknown-role", f"{format} has no role {named!r}", hint=hint)
        if role in mapping:
            raise UsageProblem.of("wrong-mapping", f"{named} is mapped to two columns: {mapping[role]} and {column}")
        mapping[role] = column
    _refuse_same_column(mapping, roles)
    return mapping


def _refuse_same_column(mapping: Mapping[str, str], roles: FormatRoles) -> None:
    """Raises UsageProblem when what is asked and what is answered would be one and the same."""
    texts = [(role, mapping[role]) for role in ("prompt", "answer", "other") if role in mapping]
    for (one, column), (other, also) in combinations(texts, 2):
        if column == also:
            words = [roles.words.get(role, role) for role in (one, other)]
            message = f"{words[0]} and {words[1]} are both mapped to the column {column}"
            raise UsageProblem.of("wrong-mapping", message, hint="map each to a column of its own")


def shape_of(names: Sequence[str], mapping: Mapping[str, str]) -> Shape:
    """What the columns of a source are, as far as their names and the mapping tell."""
    if "messages" in mapping or (not mapping.keys() & {"prompt", "text"} and _found("messages", names)):
        return "pairs" if any(name in names for name in _GUESSED_FOR) else "openai-chat"
    if any(name in names for name in _GUESSED_FOR):
        return "pairs"
    return "table"


def complete_mapping(
    given: Mapping[str, str],
    names: Sequence[str],
    *,
    format: str,  # noqa: A002 - the field's own word
    shape: Shape,
    made: Sequence[str] = (),
    source: str,
    example: str = "",
) -> dict[str, str]:
    """The mapping with what the columns' names tell; roles in `made` need no column.

    Raises NovalineError when a needed role has no column, or when several columns could play it.
    """
    roles = FORMAT_ROLES[format]
    mapping = dict(given)
    wanted = list(roles.roles)
    if shape == "openai-chat":
        wanted = ["messages", *(role for role in wanted if role not in ("prompt", "answer", "text", "reasoning"))]
    elif shape == "pairs" and "prompt" not in mapping:
        wanted = ["messages", *wanted]
    taken = set(mapping.values())
    for role in wanted:
        found = [name for name in _found(role, names) if name not in taken]
        if role in mapping or role in made or not found:
            continue
        if len(found) > 1 and role in (*roles.needed, "messages"):
            word = roles.words.get(role, role)
            hint = f"say which with --map {word}={found[0]}"
            raise NovalineError.of(
                "which-column", f"several columns could be the {word}: {', '.join(found)}", file=source, hint=hint
            )
        mapping[role] = found[0]
        taken.add(found[0])
    if "messages" in mapping and shape == "pairs" and "prompt" in mapping and "messages" not in given:
        del mapping["messages"]
    _require(mapping, names, roles, shape=shape, made=made, source=source, example=example)
    return mapping


def _require(
    mapping: Mapping[str, str],
    names: Sequence[str],
    roles: FormatRoles,
    *,
    shape: Shape,
    made: Sequence[str],
    source: str,
    example: str,
) -> None:
    from_chat = {"prompt", "answer"} if "messages" in mapping else set()
    if shape == "pairs":
        from_chat = {"prompt"}  # a chat of chosen and rejected may hold its own prompt
    if shape == "openai-chat" and "messages" not in mapping:
        hint = "name the column of the messages with --map messages=COLUMN"
        raise NovalineError.of("missing-column", f"no column of {_list(names)} holds messages", file=source, hint=hint)
    missing = [role for role in roles.needed if role not in mapping and role not in made and role not in from_chat]
    if missing:
        words = [roles.words.get(role, role) for role in missing]
        hint = "say which: " + " ".join(f"--map {word}=COLUMN" for word in words)
        between = next((word for sign, word in _OTHER_DELIMITERS.items() if len(names) == 1 and sign in names[0]), None)
        if between is not None:
            hint = f"say what stands between the columns: --delimiter {between}"
        message = f"no column is known to be the {' and the '.join(words)}; there is {_list(names)}"
        message += f", as in {example}" if example else ""
        raise NovalineError.of("missing-column", message, file=source, hint=hint)


def _list(names: Sequence[str]) -> str:
    return shown_names(names) or "none"


def _found(role: str, names: Sequence[str]) -> list[str]:
    known = _COLUMNS.get(role, (role,))
    return [name for name in names if name.strip().lower().replace(" ", "_") in (word.lower() for word in known)]
