"""JSON Schema, as much of it as describes what a model should answer; every keyword is kept or refused.

Source: JSON Schema, draft 2020-12, core and validation. `$ref` stays within the schema (`#/$defs/…`), `pattern` is
matched in linear time, a whole number may be written 5.0, and `format` is refused, since it promises no check.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from novaline.rewards.library.json_values import TYPES, is_multiple, is_number, key_of, same
from novaline.rewards.library.linear import WrongPattern, read_pattern
from novaline.rewards.options import OptionProblem

_MOST_CHECKS: Final = 200_000
"""For one value, so that no choice of alternatives within alternatives takes for ever; beyond, it does not fit."""


class TooMuch(Exception):
    """The value and the schema together take too many checks."""


@dataclass(slots=True)
class _Effort:
    left: int = _MOST_CHECKS


_Check = Callable[[object, _Effort], bool]


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema, read; meaningless when there are problems with it."""

    problems: Sequence[OptionProblem]
    _check: _Check

    def fits(self, value: object) -> bool:
        """Whether the value fits; one that is nested too deep for its schema does not."""
        try:
            return self._check(value, _Effort())
        except (TooMuch, RecursionError):
            return False


def read_schema(schema: object) -> Schema:
    """The schema, with everything that is wrong with it, or that is not kept here."""
    reader = _Reader(schema)
    check = reader.read(schema, "", ("#",))
    return Schema(reader.problems, check)


class _Reader:
    """Turns a schema into one check. `passed` are the references that led here without going deeper into the value."""

    def __init__(self, root: object) -> None:
        self.problems: list[OptionProblem] = []
        self._root = root
        self._referred: dict[str, list[_Check]] = {}

    def read(self, schema: object, path: str, passed: tuple[str, ...]) -> _Check:
        """The check for one schema within the whole; problems are gathered."""
        if isinstance(schema, bool) and path:
            return lambda _value, _effort: schema
        if not isinstance(schema, dict):
            return self._wrong(path, f"is {schema!r:.60}, expected a schema: a mapping of keywords")
        checks: list[_Check] = []
        for name, wanted in schema.items():
            here = f"{path}.{name}" if path else str(name)
            if name in ("$defs", "definitions", "properties"):
                checks += self._named(name, wanted, here)
            elif name in _INSIDE:
                checks.append(_INSIDE[name](self.read(wanted, here, ()), schema))
            elif name in _IN_PLACE:
                checks.append(_IN_PLACE[name](self._several(wanted, here, passed)))
            elif name == "prefixItems":
                checks.append(_in_turn(self._several(wanted, here, ())))
            elif name == "not":
                checks.append(_negated(self.read(wanted, here, passed)))
            elif name == "$ref":
                checks.append(self._reference(wanted, here, passed))
            elif name in _PLAIN:
                checks.append(self._plain(name, wanted, here))
            elif name not in _ANNOTATIONS:
                self._unknown(name, here)
        return _all_of(checks)

    def _named(self, name: str, wanted: object, path: str) -> Iterable[_Check]:
        if not isinstance(wanted, dict):
            yield self._wrong(path, "is no mapping of names to schemas")
            return
        checks = {key: self.read(within, f"{path}.{key}", ()) for key, within in wanted.items()}
        if name == "properties":
            yield (
                lambda value, effort: (
                    not isinstance(value, dict)
                    or all(check(value[key], effort) for key, check in checks.items() if key in value)
                )
            )

    def _several(self, wanted: object, path: str, passed: tuple[str, ...]) -> Sequence[_Check]:
        if not isinstance(wanted, list) or not wanted:
            return [self._wrong(path, "is no list of schemas")]
        return [self.read(one, f"{path}[{at}]", passed) for at, one in enumerate(wanted)]

    def _reference(self, wanted: object, path: str, passed: tuple[str, ...]) -> _Check:
        if not isinstance(wanted, str) or (schema := _pointed(self._root, wanted)) is None:
            return self._wrong(path, f"is {wanted!r:.60}, which is nowhere in the schema; expected #/$defs/…")
        if wanted in passed:
            return self._wrong(path, f"leads back to {wanted}, so that nothing could be checked against it")
        if wanted not in self._referred:
            found = self._referred[wanted] = []
            found.append(self.read(schema, wanted, (*passed, wanted)))
        found = self._referred[wanted]
        return lambda value, effort: found[0](value, effort)  # noqa: PLW0108  # may be there only later

    def _plain(self, name: str, wanted: Any, path: str) -> _Check:  # noqa: ANN401  # a keyword's
        takes, expected, make = _PLAIN[name]
        if not takes(wanted):
            return self._wrong(path, f"is {wanted!r:.60}, expected {expected}")
        try:
            check = make(wanted)
        except WrongPattern as problem:
            return self._wrong(path, str(problem))
        return lambda value, _effort: check(value)

    def _unknown(self, name: object, path: str) -> None:
        known = sorted({*_PLAIN, *_INSIDE, *_IN_PLACE, "$defs", "$ref", "not", "prefixItems", "properties"})
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        self.problems.append(OptionProblem(path, "is no keyword of JSON Schema that is kept here", hint))

    def _wrong(self, path: str, message: str) -> _Check:
        self.problems.append(OptionProblem(path, message))
        return lambda _value, _effort: False


def _all_of(checks: Sequence[_Check]) -> _Check:
    def check(value: object, effort: _Effort) -> bool:
        effort.left -= len(checks) + 1
        if effort.left < 0:
            raise TooMuch
        return all(one(value, effort) for one in checks)

    return check


def _any_of(checks: Sequence[_Check]) -> _Check:
    return lambda value, effort: any(check(value, effort) for check in checks)


def _one_of(checks: Sequence[_Check]) -> _Check:
    return lambda value, effort: sum(check(value, effort) for check in checks) == 1


def _negated(check: _Check) -> _Check:
    return lambda value, effort: not check(value, effort)


def _in_turn(checks: Sequence[_Check]) -> _Check:
    return lambda value, effort: (
        not isinstance(value, list) or all(check(one, effort) for check, one in zip(checks, value, strict=False))
    )


def _items(check: _Check, schema: Mapping[str, Any]) -> _Check:
    before = schema.get("prefixItems")
    start = len(before) if isinstance(before, list) else 0
    return lambda value, effort: not isinstance(value, list) or all(check(one, effort) for one in value[start:])


def _additional(check: _Check, schema: Mapping[str, Any]) -> _Check:
    named = schema.get("properties")
    known = frozenset(named) if isinstance(named, dict) else frozenset()
    return lambda value, effort: (
        not isinstance(value, dict) or all(check(one, effort) for key, one in value.items() if key not in known)
    )


def _property_names(check: _Check, _schema: Mapping[str, Any]) -> _Check:
    return lambda value, effort: not isinstance(value, dict) or all(check(key, effort) for key in value)


_INSIDE: Final[Mapping[str, Callable[[_Check, Mapping[str, Any]], _Check]]] = {
    "items": _items,
    "additionalProperties": _additional,
    "propertyNames": _property_names,
}
_IN_PLACE: Final = {"allOf": _all_of, "anyOf": _any_of, "oneOf": _one_of}
_ANNOTATIONS: Final = frozenset(
    {"$schema", "$id", "$comment", "title", "description", "default", "examples"}
    | {"deprecated", "readOnly", "writeOnly"}
)

_Made = Callable[[object], bool]


def _sized(kind: type, keeps: Callable[[int, int], bool]) -> tuple[_Made, str, Callable[[Any], _Made]]:
    def make(limit: int) -> _Made:
        return lambda value: not isinstance(value, kind) or keeps(len(value), limit)  # type: ignore[arg-type]  # sized

    return _is_size, "a whole number, 0 or more", make


def _limited(keeps: Callable[[float, float], bool]) -> tuple[_Made, str, Callable[[Any], _Made]]:
    def make(limit: float) -> _Made:
        return lambda value: not is_number(value) or keeps(value, limit)

    return is_number, "a number", make


def _is_size(wanted: object) -> bool:
    return isinstance(wanted, int) and not isinstance(wanted, bool) and wanted >= 0


def _is_step(wanted: object) -> bool:
    return is_number(wanted) and wanted > 0


def _are_types(wanted: object) -> bool:
    kinds = wanted if isinstance(wanted, list) else [wanted]
    return bool(kinds) and all(isinstance(kind, str) and kind in TYPES for kind in kinds)


def _of_type(wanted: Any) -> _Made:  # noqa: ANN401  # a keyword's
    checks = [TYPES[kind] for kind in ([wanted] if isinstance(wanted, str) else wanted)]
    return lambda value: any(check(value) for check in checks)


def _matching(wanted: str) -> _Made:
    matcher = read_pattern(wanted, before_break=False)
    return lambda value: not isinstance(value, str) or matcher.matches(value)


def _unique(wanted: bool) -> _Made:  # noqa: FBT001  # a keyword's value
    return lambda value: not wanted or not isinstance(value, list) or len({key_of(one) for one in value}) == len(value)


_PLAIN: Final[Mapping[str, tuple[_Made, str, Callable[[Any], _Made]]]] = {
    "type": (_are_types, f"{', '.join(TYPES)}, or a list of these", _of_type),
    "enum": (
        lambda wanted: isinstance(wanted, list) and bool(wanted),
        "a list of values",
        lambda wanted: lambda value: any(same(value, one) for one in wanted),
    ),
    "const": (lambda _wanted: True, "a value", lambda wanted: lambda value: same(value, wanted)),
    "required": (
        lambda wanted: isinstance(wanted, list) and all(isinstance(one, str) for one in wanted),
        "a list of names",
        lambda wanted: lambda value: not isinstance(value, dict) or all(one in value for one in wanted),
    ),
    "pattern": (lambda wanted: isinstance(wanted, str), "a regular expression", _matching),
    "uniqueItems": (lambda wanted: isinstance(wanted, bool), "true or false", _unique),
    "minLength": _sized(str, lambda size, limit: size >= limit),
    "maxLength": _sized(str, lambda size, limit: size <= limit),
    "minItems": _sized(list, lambda size, limit: size >= limit),
    "maxItems": _sized(list, lambda size, limit: size <= limit),
    "minProperties": _sized(dict, lambda size, limit: size >= limit),
    "maxProperties": _sized(dict, lambda size, limit: size <= limit),
    "minimum": _limited(lambda value, limit: value >= limit),
    "maximum": _limited(lambda value, limit: value <= limit),
    "exclusiveMinimum": _limited(lambda value, limit: value > limit),
    "exclusiveMaximum": _limited(lambda value, limit: value < limit),
    "multipleOf": (
        _is_step,
        "a number above 0",
        lambda step: lambda value: not is_number(value) or is_multiple(value, step),
    ),
}


def _pointed(root: object, reference: str) -> object:
    """The schema that `#/…` points at; None when there is none."""
    if reference != "#" and not reference.startswith("#/"):
        return None
    found = root
    for step in reference[2:].split("/") if reference != "#" else ():
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    return found if isinstance(found, dict | bool) else None
