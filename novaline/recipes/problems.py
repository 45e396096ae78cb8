"""What is wrong with a setting, and how values are shown in messages."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass

from novaline.findings import Severity

_LONGEST_TEXT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with one setting. `key` is as it was written; `on_key` points at the key, not at the value.

    `rule` is the id of the rule that it breaks (`novaline.recipes.rules`), where one says so. `where` is the place in
    the stage or evaluation when that is not an override: `("instances", "count")`, `("start",)`.
    """

    key: str
    code: str
    message: str
    severity: Severity = "error"
    hint: str | None = None
    on_key: bool = False
    rule: str | None = None
    where: tuple[str | int, ...] | None = None


def shown(value: object) -> str:
    """A value as it would be written in YAML, short enough for a message."""
    match value:
        case None | bool():
            return json.dumps(value)
        case float():
            return repr(value) if math.isfinite(value) else f"{value}".replace("inf", ".inf").replace("nan", ".nan")
        case str():
            return f"the text {shortened(value)!r}"
        case dict():
            return "a mapping"
        case list() if len(value) > 6:
            return f"a list of {len(value)}"
    return str(value)


def shortened(text: str, *, longest: int = _LONGEST_TEXT) -> str:
    """The text, cut where it is long, with an ellipsis for what is left out: an ARN keeps its end, which tells it."""
    if len(text) <= longest:
        return text
    return f"…{text[-longest:]}" if text.startswith("arn:") else f"{text[:longest]}…"


def listed(parts: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`; the empty string for nothing."""
    *head, last = list(parts) or [""]
    return f"{', '.join(head)} and {last}" if head else last
