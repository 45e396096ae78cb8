"""Renders recipes: the same values give the same bytes, read alike by YAML 1.1 and 1.2 readers."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from novaline.recipes.model import JsonValue, Recipe

# `${oc.select:run.x}` points at a key of the recipe; PPO's `${recipes.run.x}` does so from a section further out.
_SELECT = re.compile(r"^\$\{(?:oc\.select:|recipes\.)([\w.]+)\}$")
# Line breaks and marks that JSON leaves as they are, and that YAML's double-quoted style would fold or refuse.
_NEEDS_ESCAPE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One key whose value is not the recipe's default."""

    path: str
    default: JsonValue
    value: JsonValue


def default_values(recipe: Recipe) -> dict[str, JsonValue]:
    """The recipe's own values by full path, interpolations as they are written."""
    return {path: spec.default for path, spec in recipe.keys.items()}


def resolve(values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The values with every interpolation replaced by what it points at. Raises ValueError when it points nowhere."""
    return {path: _resolved(path, values, ()) for path in values}


def _resolved(path: str, values: Mapping[str, JsonValue], seen: tuple[str, ...]) -> JsonValue:
    if path in seen or path not in values:
        raise ValueError(f"the interpolation of {(*seen, path)[0]} leads nowhere: {' → '.join((*seen, path))}")
    value = values[path]
    match = _SELECT.match(value) if isinstance(value, str) else None
    return _resolved(match[1], values, (*seen, path)) if match else value


def differences(recipe: Recipe, values: Mapping[str, JsonValue]) -> tuple[Difference, ...]:
    """The keys whose resolved value is not the default, in the recipe's order."""
    defaults, final = resolve(default_values(recipe)), resolve(values)
    return tuple(
        Difference(path=path, default=defaults.get(path), value=value)
        for path, value in final.items()
        if value != defaults.get(path)
    )


def render(recipe: Recipe, values: Mapping[str, JsonValue]) -> bytes:
    """The recipe file: UTF-8 YAML, block style, keys in the recipe's order whatever that of the values, text quoted.

    Quoting leaves nothing to guess: `null` and `"null"` stay apart, and `1.0e-05` is a number to YAML 1.1 and 1.2.
    """
    tree: dict[str, object] = {}
    final = resolve(values)
    ordered = {path: final[path] for path in (*recipe.keys, *sorted(final)) if path in final}
    for path, value in ordered.items():
        *parents, leaf = path.split(".")
        node = tree
        for parent in parents:
            child = node.setdefault(parent, {})
            if not isinstance(child, dict):
                raise TypeError(f"{path}: {parent} is both a value and a section")
            node = child
        node[leaf] = _Leaf(value)
    header = f"# {recipe.title}\n# Recipe {recipe.id}, version {recipe.version}.\n"
    return (header + "\n".join(_lines(tree, "")) + "\n").encode()


def content_hash(recipe: Recipe, values: Mapping[str, JsonValue]) -> str:
    """SHA-256, in hex, of the rendered recipe: the same for the same values in any order."""
    return hashlib.sha256(render(recipe, values)).hexdigest()


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A value, so that an empty mapping that is a value is not taken for a section."""

    value: JsonValue


def _lines(tree: Mapping[str, object], indent: str) -> Iterator[str]:
    for key, node in tree.items():
        if isinstance(node, _Leaf):
            yield f"{indent}{key}: {scalar(node.value)}"
        elif isinstance(node, dict):
            yield f"{indent}{key}:"
            yield from _lines(node, indent + "  ")


def scalar(value: object) -> str:
    """A value in YAML's flow style. Raises ValueError for a number that is not finite."""
    match value:
        case None | bool() | int():
            return json.dumps(value)
        case float():
            return _float(value)
        case list() | tuple():
            return f"[{', '.join(scalar(item) for item in value)}]"
        case dict():
            return "{" + ", ".join(f"{_text(str(key))}: {scalar(item)}" for key, item in value.items()) + "}"
    return _text(str(value))


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"a recipe holds finite numbers, not {value}")
    mantissa, exponent_mark, exponent = repr(value).partition("e")
    if not exponent_mark:
        return mantissa
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent}"


def _text(value: str) -> str:
    return _NEEDS_ESCAPE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))
