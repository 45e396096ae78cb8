"""A judge's reply, read strictly: one JSON object that repeats the nonce and gives a score on the scale, or none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from novaline.rewards.judging.question import Grading, Marks

_FENCES: Final = ("```json\n", "```\n")
_NAMES: Final = frozenset({"nonce", "reason", "score"})
_LONGEST: Final = 20_000  # characters; a verdict is a line, and what is longer was not asked for


class NoVerdict(ValueError):
    """The reply is no verdict; the message says why and quotes nothing of it."""


def verdict_in(reply: str, grading: Grading, marks: Marks) -> float:
    """The score on the scale. Raises NoVerdict."""
    text = reply.strip()
    if len(text) > _LONGEST:
        raise NoVerdict(f"the reply has {len(text)} characters")
    for fence in _FENCES:
        text = text.removeprefix(fence).removesuffix("\n```") if text.startswith(fence) else text
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        reason = str(problem) if isinstance(problem, NoVerdict) else "it is no JSON"
        raise NoVerdict(f"the reply is not one JSON object: {reason}") from None
    if not isinstance(found, Mapping):
        raise NoVerdict(f"the reply is {type(found).__name__}, not one JSON object")
    if found.keys() - _NAMES or not found.keys() >= {"nonce", "score"}:
        raise NoVerdict("the reply's object has other members than nonce, reason and score")
    if found["nonce"] != marks.nonce:
        raise NoVerdict("the reply does not repeat the nonce: it may be copied from the answer")
    return _score(found["score"], grading)


def reply_in(response: Mapping[str, Any]) -> str:
    """The text of a response of Converse; what a model reasons before it speaks is no part of it. Raises NoVerdict."""
    try:
        content = response["output"]["message"]["content"]
        texts = [part["text"] for part in content if "text" in part]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("text of another type")
    except (KeyError, TypeError):
        raise NoVerdict("the response holds no message") from None
    stopped = response.get("stopReason")
    if stopped != "end_turn":
        raise NoVerdict(f"the reply ended with {stopped}")
    return "".join(texts)


def tokens_in(response: Mapping[str, Any]) -> tuple[int, int]:
    """Tokens read and written, as the response bills them; 0 where it does not say."""
    usage = response.get("usage")
    if not isinstance(usage, Mapping):
        return 0, 0
    counts = [usage.get(name) for name in ("inputTokens", "outputTokens")]
    read, written = (count if isinstance(count, int) and not isinstance(count, bool) else 0 for count in counts)
    return read, written


def _score(found: object, grading: Grading) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise NoVerdict("the score is no number")
    if not grading.lowest <= found <= grading.highest:  # as it stands: a whole number may be too large for a float
        raise NoVerdict("the score is not on the scale")
    return float(found)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NoVerdict("a member is given twice")
    return found


def _no_constant(name: str) -> float:
    raise NoVerdict(f"{name} is no number of JSON")
