"""Recipes in words: values as YAML has them, bounds with who states them, machines and places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from novaline.recipes.model import Bounds, JsonValue, KeySpec, Recipe, Source
from novaline.recipes.rendering import scalar

PLATFORMS: Mapping[str, str] = {"sagemaker": "training job", "hyperpod": "HyperPod"}
"""Platform → what a person calls it."""
SOURCES: Mapping[Source, str] = {"template": "template", "text": "text", "documented": "docs"}
"""Source of a bound → the word that tables have for it."""

_ONE = {"batches": "batch", "times": "times"}
"""Units that lose more than an s, or nothing, after a one."""


def value_text(value: JsonValue) -> str:
    """A value as YAML has it, on one line: text is quoted, so that `null` and `"null"` stay apart."""
    return repr(value) if isinstance(value, float) else scalar(value)


def default_text(spec: KeySpec, resolved: JsonValue, *, unit: bool = False) -> str:
    """A key's default, with its unit if wanted; one taken from another key names that one: `100 (as max_steps)`."""
    text = with_unit(spec, resolved) if unit else value_text(resolved)
    if isinstance(spec.default, str) and spec.default != resolved:
        return f"{text} (as {spec.default.rpartition('.')[2].removesuffix('}')})"
    return text


def with_unit(spec: KeySpec, value: JsonValue) -> str:
    """A value of a key with its unit: `64 rows`, `1 epoch`. Null and lists have none."""
    if spec.unit is None or value is None or isinstance(value, list):
        return value_text(value)
    return f"{value_text(value)} {_ONE.get(spec.unit, spec.unit.removesuffix('s')) if value == 1 else spec.unit}"


def number_text(number: float) -> str:
    """A bound: whole numbers without a point, others as Python has them (`1e-07`)."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def bounds_text(bounds: Bounds) -> str:
    """What one source allows, in words; the empty string when it states nothing."""
    parts = list(_parts(bounds))
    parts += [f"on {family} {bounds_text(own)}" for family, own in bounds.by_instance.items()]
    return ", ".join(parts)


def _parts(bounds: Bounds) -> Iterator[str]:
    if bounds.fixed:
        yield "the default only"
    if bounds.allowed is not None:
        yield ", ".join(value_text(item) for item in bounds.allowed)
    least, most = bounds.minimum, bounds.maximum
    if least is not None and most is not None:
        yield f"{number_text(least)} to {number_text(most)}"
    elif least is not None:
        yield f"at least {number_text(least)}"
    elif most is not None:
        yield f"at most {number_text(most)}"
    if bounds.multiple_of is not None:
        yield f"multiples of {bounds.multiple_of}"


def bounds_of(spec: KeySpec, source: Source) -> Bounds | None:
    """What this source states about a key."""
    return {"template": spec.template, "text": spec.text, "documented": spec.documented}[source]


def bounds_by_source(spec: KeySpec) -> dict[str, str]:
    """What is allowed, in words → who says so: `{"16, 32, 64": "template, text"}`. Sources that agree share a line."""
    found: dict[str, list[str]] = {}
    for source, name in SOURCES.items():
        bounds = bounds_of(spec, source)
        words = bounds_text(bounds) if bounds is not None else ""
        if bounds is not None and words:
            found.setdefault(words, []).append(f"{name}: {bounds.page}" if bounds.page else name)
    return {words: ", ".join(names) for words, names in found.items()}


def counts_by_source(recipe: Recipe) -> dict[str, str]:
    """Numbers of instances → who names them; the default alone, and nobody, where every source is silent."""
    found: dict[str, list[str]] = {}
    instances = recipe.instances
    stated = {"template": instances.template, "text": instances.text, "documented": instances.documented}
    for source, name in SOURCES.items():
        counts = stated[source]
        if counts:
            found.setdefault(counts_text(counts), []).append(name)
    for platform, count in instances.fixed_on.items():
        found.setdefault(f"{count} on {PLATFORMS[platform]}", []).append(SOURCES["text"])
    return {counts: ", ".join(names) for counts, names in found.items()} or {str(instances.default_count): ""}


def counts_text(counts: Sequence[int]) -> str:
    """Numbers of instances: `2, 4, 8`, and `1 to 16` where none is left out between."""
    if len(counts) > 3 and list(counts) == list(range(counts[0], counts[-1] + 1)):
        return f"{counts[0]} to {counts[-1]}"
    return ", ".join(map(str, counts))


def instances_text(recipe: Recipe, platform: str | None = None) -> str:
    """The numbers and types of instances, on one platform or on all: `2, 4, 8 of p5.48, p4d.24`.

    `+ 5` are the instances of other roles. A number that only one platform takes is named with it.
    """
    instances = recipe.instances
    fixed = None if platform is None else instances.fixed_on.get(platform)  # type: ignore[call-overload]  # any text may be asked for
    counts = counts_text(instances.counts if fixed is None else [fixed])
    besides = f" + {sum(instances.roles.values())}" if instances.roles else ""
    only = "".join(f"; {count} on {PLATFORMS[name]}" for name, count in instances.fixed_on.items() if platform is None)
    return f"{counts} of {machines_text(instances.types)}{besides}{only}"


def platforms_text(recipe: Recipe) -> str:
    """Where a recipe runs: `training job, HyperPod`."""
    return ", ".join(PLATFORMS[platform] for platform in recipe.platforms)


def machines_text(types: Iterable[str]) -> str:
    """Instance types without their common `ml.` and `xlarge`, those of a family together: `p5.48, g6.12/24/48`."""
    families: dict[str, list[str]] = {}
    for name in types:
        family, _, size = name.removeprefix("ml.").partition(".")
        families.setdefault(family, []).append(size.removesuffix("xlarge"))
    return ", ".join(f"{family}.{'/'.join(sizes)}" for family, sizes in families.items())


def section(path: str) -> str:
    """The part of a recipe that a key stands in: its path without the last name; empty at the top."""
    return path.rpartition(".")[0]
