"""JSON in what a model writes: strictly JSON, wherever it stands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, Literal

from novaline.rewards.library.marks import fenced

Place = Literal["alone", "fence", "anywhere"]
_MOST_STARTS: Final = 20
"""How many openings are tried, so that a text full of them costs no more than a text."""
_DEEPEST: Final = 100
"""How deep a value may be nested, so that none takes the stack away."""


class NoJson(ValueError):
    """There is no JSON, or it is not one value."""


def json_in(text: str, place: Place) -> object:
    """The one value in a text. Raises NoJson.

    `alone`: the text is JSON. `fence`: so, or it holds one code fence, which is. `anywhere`: so, or else the first
    object or array in it. A name that stands twice in one object, NaN, Infinity, and
    what is nested more than a hundred deep, are no JSON here.
    """
    fences = fenced(text) if place != "alone" and "```" in text else []
    for candidate in [text, *(body for _, body in fences[:1] if len(fences) == 1)]:
        try:
            return parsed(candidate)
        except NoJson:
            continue
    if place == "anywhere":
        return _first(text)
    raise NoJson("the answer is no JSON")


def parsed(text: str) -> object:
    """The value that a text is. Raises NoJson."""
    try:
        return _shallow(_DECODER.decode(text.strip()))
    except (ValueError, RecursionError) as problem:
        raise NoJson("the text is no JSON") from problem


def _first(text: str) -> object:
    start = -1
    for _ in range(_MOST_STARTS):
        found = [at for at in (text.find("{", start + 1), text.find("[", start + 1)) if at >= 0]
        if not found:
            break
        start = min(found)
        try:
            return _shallow(_DECODER.raw_decode(text, start)[0])
        except (ValueError, RecursionError):
            continue
    raise NoJson("the answer holds no JSON")


def _shallow(value: object) -> object:
    """The value, unless it is nested too deep. Raises NoJson."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            one
            for outer in level
            if isinstance(outer, dict | list)
            for one in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return value
    raise NoJson(f"the value is nested more than {_DEEPEST} deep")


def _members(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NoJson("a name stands twice in one object")
    return members


def _no_constant(name: str) -> object:
    raise NoJson(f"{name} is no JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_no_constant)
