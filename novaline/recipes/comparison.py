"""What tells two recipes apart, as values: facts, keys that only one has, and properties of the keys that both have."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from novaline.recipes.model import Image, KeySpec, Platform, Recipe
from novaline.recipes.rendering import default_values, resolve
from novaline.recipes.wording import (
    PLATFORMS,
    SOURCES,
    bounds_of,
    bounds_text,
    counts_by_source,
    default_text,
    platforms_text,
)

_NOTHING = "none"
_TOLD_BY_FACTS = frozenset({"run.replicas", "run.actor_train_replicas", "run.model_type", "run.model_name_or_path"})
"""Keys that follow from a recipe's instances and model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that differs, in words. `path` is the key's, empty for a fact of the whole recipe.

    `what` is the fact, or the property of the key: `default`, `unit`, `template`, `text, docs` …
    """

    path: str
    what: str
    a: str
    b: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two recipes, and what tells them apart. `only_a` and `only_b` are paths of keys."""

    a: Recipe
    b: Recipe
    facts: tuple[Difference, ...]
    keys: tuple[Difference, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]

    @property
    def alike(self) -> bool:
        """Whether nothing but their ids and titles tells them apart."""
        return not (self.facts or self.keys or self.only_a or self.only_b)

    def as_json(self) -> dict[str, object]:
        """The comparison as `novaline recipes diff --json` prints it."""
        return {
            "a": self.a.id,
            "b": self.b.id,
            "facts": [{"what": item.what, "a": item.a, "b": item.b} for item in self.facts],
            "keys": [{"path": item.path, "what": item.what, "a": item.a, "b": item.b} for item in self.keys],
            "only_in_a": list(self.only_a),
            "only_in_b": list(self.only_b),
        }


def compare(a: Recipe, b: Recipe) -> Comparison:
    """What tells `a` and `b` apart. Titles, ids and what is said about keys do not count.

    Short names count where both recipes run: what a platform lacks is told once, as where they run.
    """
    return Comparison(
        a=a,
        b=b,
        facts=tuple(_differing("", *_facts_of_both(a, b))),
        keys=tuple(_keys(a, b)),
        only_a=tuple(path for path in a.keys if path not in b.keys),
        only_b=tuple(path for path in b.keys if path not in a.keys),
    )


def _facts_of_both(a: Recipe, b: Recipe) -> tuple[dict[str, str], dict[str, str]]:
    """The facts of each; regions only where both have an image for the platform."""
    ours, theirs = _facts(a), _facts(b)
    for platform, name in PLATFORMS.items():
        image_a, image_b = (_image(recipe, platform) for recipe in (a, b))
        if image_a is not None and image_b is not None:
            ours[f"regions, {name}"], theirs[f"regions, {name}"] = (
                ", ".join(image_a.accounts),
                ", ".join(image_b.accounts),
            )
    return ours, theirs


def _image(recipe: Recipe, platform: str) -> Image | None:
    return next((image for where, image in recipe.images.items() if where == platform), None)


def _facts(recipe: Recipe) -> dict[str, str]:
    instances = recipe.instances
    facts = {
        "version": recipe.version,
        "model": recipe.model.name,
        "technique": recipe.technique,
        "variant": recipe.variant,
        "runs on": platforms_text(recipe),
        "instance types": ", ".join(instances.types),
        "instances": "; ".join(
            [
                f"{instances.default_count} by default",
                *(f"{counts} ({who})" for counts, who in counts_by_source(recipe).items() if who),
            ]
        ),
        "further instances": ", ".join(f"{role} {count}" for role, count in instances.roles.items()),
        "companion images": ", ".join(image.name.rpartition(":")[2] for image in recipe.companions),
    }
    for platform, name in PLATFORMS.items():
        image = _image(recipe, platform)
        facts[f"image, {name}"] = "" if image is None else image.name
    return facts


def _keys(a: Recipe, b: Recipe) -> Iterator[Difference]:
    defaults_a, defaults_b = resolve(default_values(a)), resolve(default_values(b))
    both = [platform for platform in a.platforms if platform in b.platforms]
    for path, spec in a.keys.items():
        other = b.keys.get(path)
        if other is not None and path not in _TOLD_BY_FACTS:
            ours, theirs = _properties(spec, both), _properties(other, both)
            if spec.default != other.default:  # one that both take from the same key differs where that key does
                ours["default"] = default_text(spec, defaults_a[path])
                theirs["default"] = default_text(other, defaults_b[path])
            if spec.override == other.override:
                ours["published for"], theirs["published for"] = _published(spec, both), _published(other, both)
            yield from _merged(_differing(path, ours, theirs))


def _properties(spec: KeySpec, platforms: Collection[Platform]) -> dict[str, str]:
    properties = {
        "default": "",
        "type": spec.type,
        "unit": spec.unit or "",
        "short name": spec.override or "",
    }
    for source, name in SOURCES.items():
        bounds = bounds_of(spec, source)
        properties[name] = "" if bounds is None else bounds_text(bounds)
    for platform in platforms:
        properties[f"locked, {PLATFORMS[platform]}"] = spec.locked_on(platform) or ""
    return properties


def _published(spec: KeySpec, platforms: Collection[Platform]) -> str:
    return ", ".join(PLATFORMS[one] for one in spec.overridable_on if one in platforms)


def _differing(path: str, a: dict[str, str], b: dict[str, str]) -> Iterator[Difference]:
    for what in dict.fromkeys([*a, *b]):
        ours, theirs = a.get(what, ""), b.get(what, "")
        if ours != theirs:
            yield Difference(path=path, what=what, a=ours or _NOTHING, b=theirs or _NOTHING)


def _merged(differences: Iterator[Difference]) -> Iterator[Difference]:
    """Properties that differ in the same way share a line: what the template and the text say alike."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for item in differences:
        found.setdefault((item.path, item.a, item.b), []).append(item.what)
    for (path, a, b), names in found.items():
        yield Difference(path=path, what=", ".join(names), a=a, b=b)
