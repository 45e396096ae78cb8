"""Compares two requests field by field, and the outcome with what is listed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_NAMES = ("ChannelName", "Key")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One field in which Novaline's request and an SDK's are meant to differ, by its path.

    `ours` and `theirs` are patterns for the value as Python spells it; None: the field is absent. It occurs in every
    case, or only in those, or in all but those, that the labels name: a case's name or its technique.
    """

    asked: str
    path: str
    ours: str | None
    theirs: str | None
    reason: str
    only: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()

    def concerns(self, labels: Collection[str]) -> bool:
        """Whether it is expected of a case with these labels."""
        return (not self.only or any(label in self.only for label in labels)) and not any(
            label in self.unless for label in labels
        )

    def describes(self, found: Found) -> bool:
        """Whether this is the difference that was found."""
        return self.path == found.path and _matches(self.ours, found.ours) and _matches(self.theirs, found.theirs)


@dataclass(frozen=True, kw_only=True)
class Found:
    """One field in which two requests differ, with the values as Python spells them. None: the field is absent."""

    path: str
    ours: str | None
    theirs: str | None


def complaints(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], *, listed: Collection[Difference], labels: Collection[str]
) -> list[str]:
    """What is wrong: differences that nobody listed, and listed ones that do not occur."""
    expected = [difference for difference in listed if difference.concerns(labels)]
    found = differences(ours, theirs)
    unlisted = [item for item in found if not any(entry.describes(item) for entry in expected)]
    gone = [entry for entry in expected if not any(entry.describes(item) for item in found)]
    return [
        *(f"not listed: {item.path}: ours {item.ours}, the SDK's {item.theirs}" for item in unlisted),
        *(f"listed, and does not occur: {item.path}: ours {item.ours}, the SDK's {item.theirs}" for item in gone),
    ]


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[Found, ...]:
    """Every field in which two requests differ, sorted by path. Channels and tags are told apart by their names."""
    mine, other = dict(_leaves(ours)), dict(_leaves(theirs))
    return tuple(
        Found(path=path, ours=mine.get(path), theirs=other.get(path))
        for path in sorted(mine.keys() | other.keys())
        if mine.get(path) != other.get(path)
    )


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value with its path, spelled so that `1`, `"1"` and `True` stay apart."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{_name(inner, position)}]")
    else:
        yield path, repr(value)


def _name(item: object, position: int) -> str:
    """What tells an item of a list apart: its name, where it has one."""
    if isinstance(item, Mapping):
        for name in _NAMES:
            if name in item:
                return str(item[name])
    return str(position)


def _matches(pattern: str | None, value: str | None) -> bool:
    if pattern is None or value is None:
        return pattern is value
    return re.fullmatch(pattern, value) is not None
