"""JSON in what a model writes: strictly JSON, wherever it stands."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from novaline.rewards.library.marks import fenced, spoken, tagged

Place = Literal["alone", "fence", "anywhere"]
_MOST_STARTS: Final = 20
"""How many openings are tried, so that a text full of them costs no more than a text."""
_DEEPEST: Final = 100
"""How deep a value may be nested, so that none takes the stack away."""


class NoJson(ValueError):
    """There is no JSON, or it is not one value."""


def json_in(text: str, place: Place) -> object:
    """The one value in a text. Raises NoJson.

    `alone`: the text is JSON. `fence`: so, or it holds one code fence or one pair of answer tags, which is; thoughts in
    `<think>` tags or the like do not count. `anywhere`: so, or else the first object or array in it. A name that stands
    twice in one object, NaN, Infinity, and what is nested more than a hundred deep, are no JSON here.
    """
    with contextlib.suppress(NoJson):
        return parsed(text)
    text = "" if place == "alone" else spoken(text)
    for candidate in (text, *_set_off(text)):
        with contextlib.suppress(NoJson):
            return parsed(candidate)
    if place == "anywhere":
        for value in values_in(text):
            return value
    raise NoJson("the answer is no JSON")


def values_in(text: str) -> Iterator[object]:
    """The objects and arrays in a text, in their order, those within others apart."""
    start, failed = -1, 0
    places = {opening: text.find(opening) for opening in "{["}
    while failed < _MOST_STARTS:
        for opening, place in places.items():
            if 0 <= place <= start:
                places[opening] = text.find(opening, start + 1)
        found = [place for place in places.values() if place >= 0]
        if not found:
            return
        start = min(found)
        try:
            value, end = _DECODER.raw_decode(text, start)
            value = _shallow(value)
        except (ValueError, RecursionError):
            failed += 1
        else:
            start = end - 1
            yield value


def _set_off(text: str) -> Iterator[str]:
    """What stands in the one code fence, or in the one pair of answer tags."""
    for fence in ("```", "~~~"):
        if fence not in text:
            continue
        fences = fenced(text)
        if len(fences) == 1:
            yield fences[0][1].rstrip().removesuffix(fence)
        if text.count(fence) == 2:  # on one line
            yield text.split(fence)[1].strip().removeprefix("json").removeprefix("JSON")
    tags = tagged(text)
    if len(tags) == 1:
        yield tags[0]
        yield from _set_off(tags[0])


def parsed(text: str) -> object:
    """The value that a text is. Raises NoJson."""
    try:
        return _shallow(_DECODER.decode(text.strip().removeprefix("\ufeff")))
    except (ValueError, RecursionError) as problem:
        raise NoJson("the text is no JSON") from problem


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


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NoJson("a number is beyond what a float holds")
    return number


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_no_constant, parse_float=_finite)
