"""Rows of which nobody knows the format: JSON objects, which are counted and not looked into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, cast

import msgspec

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.formats.spec import FormatSpec, RuleContext, View

NAME = "rows"


def _flaws(row: dict[str, object], context: RuleContext) -> Iterator[Flaw]:
    """No rule is known."""
    yield from ()


def _view(row: dict[str, object]) -> View:
    """The row itself: what it asks and answers, nobody knows."""
    whole = msgspec.json.encode(row).decode()
    return View(prompt=whole, question="", answer=None, system=None, features=frozenset(), media=(), texts=(whole,))


ANY_ROWS: FormatSpec[Any] = FormatSpec(
    name=NAME,
    title="the form of any row, a JSON object",
    example='{"…": …}',
    fast=(),
    full=cast("type[Any]", dict),
    flaws=_flaws,
    view=_view,
)
SPECS: Mapping[str, FormatSpec[Any]] = MappingProxyType({**FORMATS, NAME: ANY_ROWS})
"""All formats, and none."""
