"""Scorings: how good a rollout is. Pure functions of the model's last words and the reference."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from nova_reward.contract import Rollout, Score, Unscorable

Scoring = Callable[[Rollout], Score]

_LABEL_KEYS: Final = ("label", "answer", "class", "category", "intent")
_MARKED: Final = (
    re.compile(r"<answer>(.*?)</answer>", re.IGNORECASE | re.DOTALL),
    re.compile(r"\\boxed\{([^{}]*)\}"),
    re.compile(
        r"\b(?:answer|label|class|category|intent)\b[\"'`*_]*\s*(?:is\b\s*:?|[:=])[\"'`*_]*\s*(\S.*)$",
        re.IGNORECASE | re.MULTILINE,
    ),
)
_EDGES: Final = " \t\r\n\"'`*_.,;:!()[]{}<>"


def classification(rollout: Rollout) -> Score:
    """1 when the label that the model settled on is the reference's, else 0.

    The label may stand alone, in JSON, in answer tags, in a box, or behind "Answer:" or "the intent is". Of several
    the last counts, because models correct themselves. Case, quotes, and the choice among space, `_` and `-` do not
    matter; `5` equals `5.0`. The measure `marked` tells whether the answer was marked as such.
    """
    expected = normalised(_label_in(rollout.reference))
    if not expected:
        raise Unscorable("the reference holds no label")
    label, marked = extracted(rollout.answer)
    return Score(reward=float(normalised(label) == expected), measures={"marked": float(marked)})


SCORINGS: Final[Mapping[str, Scoring]] = {"classification": classification}


def extracted(answer: str) -> tuple[str, bool]:
    """The label in the model's words, and whether it was marked; without a mark, the last line that says something."""
    for candidate in _marked_labels(answer):
        if normalised(candidate):
            return candidate, True
    lines = [line for line in answer.splitlines() if line.strip(_EDGES)]
    return (lines[-1] if lines else ""), False


def normalised(label: str) -> str:
    """The label without what people and models vary: case, quotes, separators, trailing zeros of a number."""
    text = re.sub(r"[\s_-]+", " ", label.strip(_EDGES)).strip().casefold()
    try:
        number = Decimal(label.strip(_EDGES).replace(",", ""))
    except InvalidOperation:
        return text
    return f"{number.normalize():f}" if number.is_finite() and abs(number.adjusted()) < 50 else text


def _marked_labels(answer: str) -> Iterator[str]:
    """Every marked label, the most deliberate mark first and, within a mark, the last occurrence first."""
    found = _json_label(answer)
    if found is not None:
        yield found
    for pattern in _MARKED:
        for match in reversed(pattern.findall(answer)):
            yield _json_label(match) or match


def _json_label(text: str) -> str | None:
    body = re.sub(r"^\s*```(?:json)?\s*|\s*```\s*$", "", text)
    if not body.lstrip().startswith("{"):
        return None
    try:
        return _label_in(json.loads(body))
    except (ValueError, RecursionError, Unscorable):
        return None


def _label_in(reference: object) -> str:
    """The label in a reference: text, a number, or an object with a label under one of the usual names."""
    if isinstance(reference, str):
        return reference
    if isinstance(reference, bool) or reference is None:
        return str(reference)
    if isinstance(reference, int | float):
        return repr(reference)
    if isinstance(reference, Mapping):
        for key in _LABEL_KEYS:
            if key in reference:
                return _label_in(reference[key])
        if len(reference) == 1:
            return _label_in(next(iter(reference.values())))
    raise Unscorable(f"a reference is a label, or an object with one of {', '.join(_LABEL_KEYS)}")
