"""One line of the table that `make bench` prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was measured beside which yardstick; `kept` is None where nothing is promised."""

    what: str
    measured: str
    yardstick: str
    promise: str = ""
    kept: bool | None = None
