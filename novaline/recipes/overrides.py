"""Overrides: from what a person wrote to values of a recipe, with every problem named and nothing dropped."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from novaline.findings import Severity, nearest
from novaline.recipes.model import Advice, JsonValue, KeySpec, Platform, Recipe
from novaline.recipes.rendering import default_values, resolve

# Short names that the SageMaker hub publishes without a key in the recipe, and what to write here instead.
_ELSEWHERE = {
    "instance_type": "say the stage's `instances.type`",
    "namespace": "it is for HyperPod",
    "max_context_length": "say `max_length`",
}
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "float": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "object": (dict,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with one override. `key` is as it was written; `on_key` points at the key, not at the value."""

    key: str
    code: str
    message: str
    severity: Severity = "error"
    hint: str | None = None
    on_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Overrides as full path → value, and everything that was found on the way."""

    values: Mapping[str, JsonValue]
    problems: tuple[Problem, ...]


def resolve_overrides(
    recipe: Recipe, overrides: Mapping[str, object], *, platform: Platform = "sagemaker", validation_data: bool = False
) -> Resolution:
    """Checks overrides (short names or full paths) against the recipe.

    The values that pass are complete: the recipe rendered with them holds every bound and relation that has no problem.
    """
    short = recipe.short_names
    values: dict[str, JsonValue] = {}
    written: dict[str, str] = {}
    problems: list[Problem] = []
    for key, value in overrides.items():
        path = short.get(key, key)
        spec = recipe.keys.get(path)
        if spec is None:
            problems.append(_unknown(key, recipe))
        elif path in written:
            problems.append(_twice(key, written[path], path))
        else:
            written[path] = key
            found = list(_check_value(key, value, spec, platform=platform, validation_data=validation_data))
            problems.extend(found)
            if all(problem.severity == "warning" for problem in found):
                values[path] = _converted(value, spec)
    problems.extend(_relations(recipe, values, written))
    return Resolution(values=values, problems=tuple(problems))


def _unknown(key: str, recipe: Recipe) -> Problem:
    open_keys = {path: spec for path, spec in recipe.keys.items() if spec.locked_on("sagemaker") is None}
    known = [spec.override for spec in open_keys.values() if spec.override] + list(open_keys)
    if key in _ELSEWHERE:
        hint = _ELSEWHERE[key]
    elif (close := nearest(key, known)) is not None:
        hint = f"did you mean `{close}`?"
    else:
        leaf = [path for path in open_keys if path.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]]
        hint = f"did you mean `{leaf[0]}`?" if leaf else f"overrides of this recipe: {', '.join(sorted(known)[:40])}"
    return Problem(
        key=key, code="unknown-override", message=f"the recipe {recipe.id} has no key `{key}`", hint=hint, on_key=True
    )


def _twice(key: str, first: str, path: str) -> Problem:
    message = f"`{key}` and `{first}` are the same key of the recipe ({path}), given twice"
    return Problem(key=key, code="duplicate-override", message=message, hint="keep one of the two", on_key=True)


def _check_value(
    key: str, value: object, spec: KeySpec, *, platform: Platform, validation_data: bool
) -> Iterator[Problem]:
    reason = spec.locked_on(platform)
    if reason is not None:
        yield Problem(
            key=key, code="locked-override", message=f"`{key}` cannot be overridden", hint=reason, on_key=True
        )
        return
    expected = _type_problem(value, spec)
    if expected is not None:
        yield Problem(key=key, code="override-type", message=f"`{key}` must be {expected}, found {shown(value)}")
        return
    if value is None:
        return
    rule = _bound_broken(value, spec)
    if rule is not None:
        source = f" ({spec.source})" if spec.source else ""
        yield Problem(key=key, code="override-bounds", message=f"`{key}` must be {rule}{source}, found {shown(value)}")
        return
    for advice in spec.advice:
        rule = _bound_broken(value, advice)
        if rule is not None:
            message = f"`{key}` is usually {rule}, found {shown(value)}: {advice.because}"
            yield Problem(key=key, code="override-advice", severity="warning", message=message)
    if spec.needs_validation and not validation_data:
        message = f"`{key}` has no effect without validation data"
        yield Problem(key=key, code="override-without-effect", severity="warning", message=message, on_key=True)


def _type_problem(value: object, spec: KeySpec) -> str | None:
    """What the value should be, when it is not."""
    if value is None:
        return None if spec.nullable else _a(spec.type)
    if not isinstance(value, _PYTHON_TYPES[spec.type]) or (isinstance(value, bool) and spec.type != "boolean"):
        return _a(spec.type)
    if any(isinstance(number, float) and not math.isfinite(number) for number in _numbers(value)):
        return "a finite number"
    if isinstance(spec.default, list) and isinstance(value, list):
        like_default = len(value) == len(spec.default) == len(_numbers(value))
        return None if like_default else f"a list of {len(spec.default)} numbers"
    return None


def _bound_broken(value: object, bounds: KeySpec | Advice) -> str | None:
    """The bound that the value breaks, in words; None when it keeps all of them."""
    if isinstance(bounds, KeySpec):
        if bounds.fixed and value != bounds.default:
            return f"fixed to {shown(bounds.default)}"
        if bounds.multiple_of is not None and any(number % bounds.multiple_of for number in _numbers(value)):
            return f"a multiple of {bounds.multiple_of}"
    if bounds.allowed is not None and value not in bounds.allowed:
        return f"one of {', '.join(shown(item) for item in bounds.allowed)}"
    least, most = bounds.minimum, bounds.maximum
    outside = any(
        (least is not None and number < least) or (most is not None and number > most) for number in _numbers(value)
    )
    return _range(least, most) if outside else None


def _relations(recipe: Recipe, values: Mapping[str, JsonValue], written: Mapping[str, str]) -> Iterator[Problem]:
    """Relations between two keys, once both values are known: a default counts as much as an override."""
    final = resolve({**default_values(recipe), **values})
    for path, spec in recipe.keys.items():
        for other, strict, advice in _bounds_by_key(spec):
            blamed = written.get(path) or written.get(other)
            low, high = final.get(path), final.get(other)
            refused = {path, other} & (written.keys() - values.keys())
            if blamed is None or refused or not isinstance(low, int | float) or not isinstance(high, int | float):
                continue
            if low < high or (low == high and not strict):
                continue
            name, other_name = _name(recipe, path), _name(recipe, other)
            rule = "below" if strict else "at most"
            message = f"`{name}` ({shown(low)}) must be {rule} `{other_name}` ({shown(high)})"
            yield Problem(
                key=blamed,
                code="override-advice" if advice else "override-relation",
                severity="warning" if advice else "error",
                message=f"{message}: {advice.because}" if advice else message,
                hint=_relation_hint(path, other, written, name, other_name),
            )


def _bounds_by_key(spec: KeySpec) -> Iterator[tuple[str, bool, Advice | None]]:
    if spec.below is not None:
        yield spec.below, True, None
    if spec.at_most is not None:
        yield spec.at_most, False, None
    for advice in spec.advice:
        if advice.below is not None:
            yield advice.below, True, advice


def _relation_hint(path: str, other: str, written: Mapping[str, str], name: str, other_name: str) -> str | None:
    if path not in written:
        return f"`{name}` comes from the recipe; override it as well"
    if other not in written:
        return f"`{other_name}` comes from the recipe; override it as well, or change `{name}`"
    return None


def _name(recipe: Recipe, path: str) -> str:
    return recipe.keys[path].override or path


def _numbers(value: object) -> list[int | float]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, int | float) and not isinstance(item, bool)]


def _converted(value: object, spec: KeySpec) -> JsonValue:
    if spec.type == "float" and isinstance(value, int):
        return float(value)
    return value  # type: ignore[return-value]  # its type was checked against the key's


def _range(least: float | None, most: float | None) -> str:
    if least is None:
        return f"at most {most:g}"
    return f"at least {least:g}" if most is None else f"from {least:g} to {most:g}"


def _a(name: str) -> str:
    words = {"integer": "an integer", "float": "a number", "object": "a mapping", "string": "text"}
    return words.get(name, f"a {name}")


def shown(value: object) -> str:
    """A value as it would be written in YAML, short enough for a message."""
    match value:
        case None | bool():
            return json.dumps(value)
        case float():
            return f"{value:g}"
        case str():
            return f"the text {value[:40]!r}"
        case dict():
            return "a mapping"
        case list() if len(value) > 6:
            return f"a list of {len(value)}"
    return str(value)
