"""What a row is that does not have its format's shape: in words, and with the format that it seems to be of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.formats.media import shown
from novaline.datasets.formats.spec import FormatSpec

# The decoder's names of JSON types → a person's.
_TYPES = {
    "object": "an object",
    "array": "a list",
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
}
_EXPECTED = re.compile(r"Expected `([\w |]+)`(?: of length [^`]*)?, got `(\w+)`")
_UNKNOWN = re.compile(r"contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"missing required field `(\w+)`")
_MOST_PLACE = 120


def shape_flaw(spec: FormatSpec[Any], problem: msgspec.ValidationError, line: bytes) -> Flaw:
    """What is wrong with a line of JSON that does not decode as the format's rows.

    The codes are `unknown-field`, `missing-field` and `wrong-shape`; one line has one such flaw, for the decoder stops.
    """
    text, _, where = str(problem).rpartition(" - at `$")
    text, where = (text, where[:-1].lstrip(".")) if text else (where, "")
    place = f" at {where[:_MOST_PLACE]}" if where else ""
    hint = f"{_resemblance(spec, line)}a row is {spec.example}"
    unknown, missing = _UNKNOWN.search(text), _MISSING.search(text)
    if unknown is not None:
        detail = f"found {shown(unknown[1])}{place}"
        return Flaw(
            "unknown-field", f"the row is not in {spec.title}: it has an unknown field", hint=hint, detail=detail
        )
    if missing is not None:
        message = f"the row is not in {spec.title}: the field `{missing[1]}` is missing"
        return Flaw("missing-field", message, hint=hint, detail=place.strip())
    message = f"the row is not in {spec.title}: a value has another type"
    return Flaw("wrong-shape", message, hint=hint, detail=f"{_in_words(text)}{place}")


def _resemblance(spec: FormatSpec[Any], line: bytes) -> str:
    row = _object(line)
    if row is None:
        return ""
    if '"content": [{"text"' in spec.example and _is_openai_chat(row):
        return "the messages are in OpenAI's form, which `novaline data prepare --from openai-chat` converts; here, "
    other = looks_like(row)
    if other is None or other == spec.name or FORMATS[other].example == spec.example:
        return ""
    return f"the row looks like one for `--format {other}`; here, "


def looks_like(row: Mapping[str, object]) -> str | None:
    """The name of the format that a row's keys suggest; None for an object that is like none."""
    keys = set(row)
    for name, marks in _MARKS:
        if marks <= keys:
            return name
    messages = row.get("messages")
    if isinstance(messages, list) and messages and all(isinstance(each, dict) for each in messages):
        if any("candidates" in each for each in messages):
            return "dpo"
        if any(isinstance(each.get("content"), str) for each in messages):
            return "rft"
        if any(isinstance(each.get("content"), list) for each in messages):
            return "sft"
    return "cpt" if keys == {"text"} else None


_MARKS: tuple[tuple[str, frozenset[str]], ...] = (
    ("llm_judge", frozenset({"prompt", "response_A", "response_B"})),
    ("gen_qa", frozenset({"query", "response"})),
    ("multi-turn-rft", frozenset({"id", "metadata"})),
)


def _is_openai_chat(row: Mapping[str, object]) -> bool:
    messages = row.get("messages")
    return (
        "reference_answer" not in row
        and isinstance(messages, list)
        and any(
            isinstance(each, dict) and (isinstance(each.get("content"), str) or each.get("role") == "system")
            for each in messages
        )
    )


def _object(line: bytes) -> dict[str, object] | None:
    try:
        row = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _in_words(text: str) -> str:
    match = _EXPECTED.search(text)
    if match is None:
        return text[:1].lower() + text[1:]
    wanted = " or ".join(dict.fromkeys(_TYPES.get(each, each) for each in match[1].split(" | ")))
    return f"found {_TYPES.get(match[2], match[2])}, expected {wanted}"
