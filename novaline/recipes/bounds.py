"""One value against its key: the type, and the bounds of three sources that disagree."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from novaline.recipes.model import Bounds, JsonValue, KeySpec, Source
from novaline.recipes.problems import listed, shown

SOURCES: Mapping[Source, str] = {
    "template": "the hub template",
    "text": "the recipe's own text",
    "documented": "AWS's documentation",
}
"""The sources of bounds, in words."""

_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "float": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "object": (dict,),
}
_TYPE_WORDS = {"integer": "an integer", "float": "a number", "object": "a mapping", "string": "text"}
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
# What YAML 1.2 reads as a number when it is not in quotes.
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_AFFIRMED, _DENIED = ("true", "yes", "y", "on"), ("false", "no", "n", "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A bound that a value is outside of. `expected` follows "must be"; `said_by` names the source, with its page."""

    source: Source
    expected: str
    said_by: str
    multiple: bool = False


def family(instance_type: str) -> str:
    """The family of an instance type: `p5en` of `ml.p5en.48xlarge`."""
    return instance_type.removeprefix("ml.").partition(".")[0]


def type_problem(value: object, spec: KeySpec) -> str | None:
    """What the value should be, when it is not."""
    if value is None:
        return None if spec.nullable else _type_words(spec)
    if not isinstance(value, _PYTHON_TYPES[spec.type]) or (isinstance(value, bool) and spec.type != "boolean"):
        return _type_words(spec)
    if any(isinstance(number, float) and not math.isfinite(number) for number in numbers(value)):
        return "a finite number"
    if isinstance(value, list):
        return _list_problem(value, spec)
    if isinstance(value, str) and "${" in value:
        return "the value itself, without `${…}`"
    return None


def type_hint(value: object, spec: KeySpec) -> str | None:
    """How to write the value so that it has the key's type, where that is plain."""
    if isinstance(value, bool):
        return None
    if spec.type == "string" and isinstance(value, int | float):
        return f'write it in quotes: "{value}"'
    return spelling_hint(value, spec.type)


def spelling_hint(value: object, kind: str) -> str | None:
    """How YAML 1.2 spells a value that is meant as an integer, a float or a boolean, and is not read as one."""
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return f"write {int(value)}"
    if not isinstance(value, str):
        return None
    number = {"integer": _INTEGER, "float": _FLOAT}.get(kind)
    if number is not None and number.fullmatch(value):
        return f"write it without quotes: {value}"
    if kind == "boolean" and value in ("true", "false"):
        return f"write it without quotes: {value}"
    if kind == "boolean" and value.lower() in (*_AFFIRMED, *_DENIED):
        return f"write {'true' if value.lower() in _AFFIRMED else 'false'}"
    return None


def breaches(value: JsonValue, spec: KeySpec, *, instance_type: str) -> tuple[Breach, ...]:
    """The bounds that a value of the right type is outside of, template first."""
    stated = ("template", spec.template), ("text", spec.text), ("documented", spec.documented)
    return tuple(
        breach
        for source, bounds in stated
        if bounds is not None
        for breach in _breaches_of(value, bounds, spec=spec, source=source, instance_type=instance_type)  # type: ignore[arg-type]  # mypy widens the literal in the tuple to str
    )


def demand(found: tuple[Breach, ...]) -> str:
    """The bounds in words: `from 1 to 100 by the hub template and from 1 to 20 by AWS's documentation`."""
    said: dict[str, list[str]] = {}
    for breach in found:
        said.setdefault(breach.expected, []).append(breach.said_by)
    return listed(f"{expected} by {listed(sources)}" for expected, sources in said.items())


def converted(value: JsonValue, spec: KeySpec) -> JsonValue:
    """The value as the key's type has it: an integer for a float becomes a float."""
    if spec.type == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def numbers(value: object) -> list[int | float]:
    """The numbers in a value: itself, or a list's."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, int | float) and not isinstance(item, bool)]


def _breaches_of(
    value: JsonValue, bounds: Bounds, *, spec: KeySpec, source: Source, instance_type: str
) -> Iterator[Breach]:
    said_by = f"{SOURCES[source]} ({bounds.page})" if bounds.page else SOURCES[source]
    step = bounds.multiple_of
    if step is not None and any(number <= 0 or number % step for number in numbers(value)):
        yield Breach(source=source, expected=f"a positive multiple of {step}", said_by=said_by, multiple=True)
    else:
        expected = _outside(value, bounds, default=spec.default)
        if expected is not None:
            yield Breach(source=source, expected=expected, said_by=said_by)
            return
    own = _of_family(bounds, family(instance_type))
    for breach in _breaches_of(value, own, spec=spec, source=source, instance_type="") if own else ():
        expected = f"{breach.expected} on {family(instance_type)}"
        yield Breach(source=source, expected=expected, said_by=said_by, multiple=breach.multiple)


def _of_family(bounds: Bounds, name: str) -> Bounds | None:
    """A family's own bounds; `p5en` has those of `p5` where it has none itself."""
    for candidate in (name, name.removesuffix("en")):
        if candidate in bounds.by_instance:
            return bounds.by_instance[candidate]
    return None


def _outside(value: JsonValue, bounds: Bounds, *, default: JsonValue) -> str | None:
    """The bound that the value is outside of, in words. Digits in a text count as the number that they write."""
    if bounds.fixed and value != default:
        return f"exactly {_item(default)}"
    as_number = _as_number(value)
    written = value if as_number is None else as_number
    if bounds.allowed is not None and value not in bounds.allowed and written not in bounds.allowed:
        return f"{'one of ' if len(bounds.allowed) > 1 else ''}{', '.join(_item(item) for item in bounds.allowed)}"
    least, most = bounds.minimum, bounds.maximum
    if least is None and most is None:
        return None
    found = numbers(value) if as_number is None else [as_number]
    low = any(least is not None and number < least for number in found)
    high = any(most is not None and number > most for number in found)
    return _range(least, most) if low or high or (isinstance(value, str) and as_number is None) else None


def _as_number(value: JsonValue) -> float | None:
    return float(value) if isinstance(value, str) and _is_number(value) else None


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _list_problem(value: list[object], spec: KeySpec) -> str | None:
    """A list of fractions is a fixed set of coefficients; one of integers has any length."""
    if not isinstance(spec.default, list) or not spec.default:
        return None
    if any(isinstance(item, float) for item in spec.default):
        fits = len(value) == len(spec.default) == len(numbers(value))
        return None if fits else f"a list of {len(spec.default)} numbers"
    whole = [number for number in numbers(value) if isinstance(number, int)]
    return None if value and len(whole) == len(value) else "a list of integers"


def _type_words(spec: KeySpec) -> str:
    words = _TYPE_WORDS.get(spec.type, f"a {spec.type}")
    return f"{words} or null" if spec.nullable else words


def _item(value: JsonValue) -> str:
    return f'"{value}"' if isinstance(value, str) else shown(value)


def _range(least: float | None, most: float | None) -> str:
    if least is None:
        return f"at most {most:g}"
    return f"at least {least:g}" if most is None else f"from {least:g} to {most:g}"
