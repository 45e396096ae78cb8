"""Overrides: from what a person wrote to values of a recipe, with every problem named and nothing dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from novaline.findings import nearest
from novaline.recipes.bounds import SOURCES, breaches, converted, demand, type_hint, type_problem
from novaline.recipes.model import JsonValue, KeySpec, Platform, Recipe
from novaline.recipes.problems import Problem, shown
from novaline.recipes.rendering import default_values, resolve
from novaline.recipes.rules import carrier, rule_of_absence
from novaline.recipes.rules.model import Carrier, Rule, ends_in

__all__ = ["Problem", "Resolution", "resolve_overrides", "shown"]

# Short names that Amazon's hub publishes without a key in the recipe, and what to write here instead.
_ELSEWHERE = {
    "instance_type": "say the stage's `instances.type`",
    "namespace": "it is the cluster's, on HyperPod; give it where the recipe is handed to the cluster",
    "data_path": "say `data.train`",
    "output_path": "nothing to say: results go to the run's folder in the artifact bucket",
}
# What the hub calls the longest row, which recipes call otherwise.
_LONGEST_ROW = "max_context_length"
_LONGEST_ROW_KEYS = ("max_length", "max_sequence_length", "maxStudentModelFineTuningContextLengthInTokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Overrides as full path → value, and everything that was found on the way.

    `written` maps each path that an override is for to the name that it was written by, right or wrong; `refused` are
    the paths whose override is wrong.
    """

    values: Mapping[str, JsonValue]
    problems: tuple[Problem, ...]
    written: Mapping[str, str] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()


def resolve_overrides(
    recipe: Recipe,
    overrides: Mapping[str, object],
    *,
    platform: Platform = "sagemaker",
    instance_type: str | None = None,
) -> Resolution:
    """Checks overrides against the recipe, one value at a time; relations are `novaline.recipes.rules`.

    An override is named by its published short name, by the key's full path, or by the end of a path that no other key
    has (`max_length`). A short name sets every key that carries it. An override goes ahead of the recipe's default, and
    nothing goes ahead of an override: the same key by two names is an error. Outside the hub template is an error, and
    outside of what Amazon's own code enforces (`Rule.enforced_by`); outside the recipe's text or AWS's documentation is
    a warning, but for a length that is no multiple of 1,024. A recipe's own default always passes, as it does in
    Amazon's SDK. Bounds of an instance family are those of `instance_type`, or of the
    recipe's first one.
    """
    machine = instance_type or next(iter(recipe.instances.types), "")
    defaults = resolve(default_values(recipe))
    short_names = recipe.short_names
    values: dict[str, JsonValue] = {}
    written: dict[str, str] = {}
    problems: list[Problem] = []
    refused: set[str] = set()
    for key, value in overrides.items():
        paths = short_names.get(key) or _paths(key, recipe)
        twice = next((path for path in paths if path in written), None)
        if len(paths) > 1 and key not in short_names:
            problems.append(_ambiguous(key, paths))
        elif not paths:
            problems.append(_unknown(key, recipe, platform=platform, instance_type=machine))
        elif twice is not None:
            problems.append(_twice(key, written[twice], twice))
        else:
            written.update(dict.fromkeys(paths, key))
            job = _Job(recipe=recipe, platform=platform, instance_type=machine)
            found = {problem: None for path in paths for problem in _check(key, value, path, defaults[path], job)}
            problems.extend(found)
            if any(problem.severity == "error" for problem in found):
                refused.update(paths)
            else:
                values.update((path, converted(value, recipe.keys[path])) for path in paths)  # type: ignore[arg-type]  # its type was checked against the key's
    return Resolution(
        values=values,
        problems=tuple(problems),
        written=written,
        refused=frozenset(refused),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What decides which bounds, locks and rules are about a key."""

    recipe: Recipe
    platform: Platform
    instance_type: str


def _paths(key: str, recipe: Recipe) -> tuple[str, ...]:
    """The key itself, or else the keys that end in this name."""
    return (key,) if key in recipe.keys else tuple(path for path in recipe.keys if ends_in(path, key))


def _check(key: str, value: object, path: str, default: JsonValue, job: _Job) -> Iterator[Problem]:
    spec = job.recipe.keys[path]
    reason = spec.locked_on(job.platform)
    if reason is not None:
        rule = _carrier("lock", path, job)
        message = f"`{key}` cannot be overridden"
        yield Problem(key=key, code="locked-override", message=message, hint=reason, on_key=True, rule=_id(rule))
        return
    expected = type_problem(value, spec)
    if expected is not None:
        rule = _carrier("type", path, job)
        message = f"`{key}` must be {expected}, found {shown(value)}"
        yield Problem(key=key, code="override-type", message=message, hint=type_hint(value, spec), rule=_id(rule))
        return
    if value not in (None, default, spec.default):
        yield from _bounds(key, converted(value, spec), path, job)  # type: ignore[arg-type]  # its type was just checked


def _bounds(key: str, value: JsonValue, path: str, job: _Job) -> Iterator[Problem]:
    spec = job.recipe.keys[path]
    found = breaches(value, spec, instance_type=job.instance_type)
    if not found:
        return
    multiple = any(breach.multiple for breach in found)
    rule = (_carrier("multiple", path, job) if multiple else None) or _carrier("bounds", path, job)
    enforcer = None if rule is None else rule.enforcer(path)
    if enforcer is not None:  # it enforces what the last source says
        found = (*found, replace(found[-1], said_by=enforcer))
    certain = any(breach.source == "template" for breach in found)
    if certain or multiple or enforcer is not None:
        message = f"`{key}` must be {demand(found)}, found {shown(value)}"
        yield Problem(key=key, code="override-bounds", message=message, rule=_id(rule))
        return
    message = f"`{key}` should be {demand(found)}, found {shown(value)}"
    if spec.template is not None:
        message += f"; {SOURCES['template']} admits it"
    yield Problem(key=key, code="override-advice", severity="warning", message=message, rule=_id(rule))


def _carrier(kind: Carrier, path: str, job: _Job) -> Rule | None:
    return carrier(kind, path, job.recipe, platform=job.platform, instance_type=job.instance_type)


def _id(rule: Rule | None) -> str | None:
    return None if rule is None else rule.id


def _ambiguous(key: str, paths: tuple[str, ...]) -> Problem:
    message = f"`{key}` is the end of {len(paths)} keys of the recipe"
    hint = f"write one in full: {', '.join(f'`{path}`' for path in paths)}"
    return Problem(key=key, code="unknown-override", message=message, hint=hint, on_key=True)


def _unknown(key: str, recipe: Recipe, *, platform: Platform, instance_type: str) -> Problem:
    rule = rule_of_absence(key, recipe, platform=platform, instance_type=instance_type)
    leaf = key.rpartition(".")[2]
    hint = (rule.absent[leaf] if rule else None) or _elsewhere(key, recipe) or _nearest(key, recipe, platform)
    message = f"the recipe {recipe.id} has no key `{key}`"
    return Problem(key=key, code="unknown-override", message=message, hint=hint, on_key=True, rule=_id(rule))


def _elsewhere(key: str, recipe: Recipe) -> str | None:
    if key != _LONGEST_ROW:
        return _ELSEWHERE.get(key)
    found = next((path for name in _LONGEST_ROW_KEYS for path in recipe.keys if ends_in(path, name)), None)
    return None if found is None else f"say `{found}`"


def _nearest(key: str, recipe: Recipe, platform: Platform) -> str:
    """The open key that was most likely meant: by its whole name, or by the end of it."""
    open_keys: dict[str, KeySpec] = {
        path: spec for path, spec in recipe.keys.items() if spec.locked_on(platform) is None
    }
    short_names = [spec.override for spec in open_keys.values() if spec.override]
    ends = {path.rpartition(".")[2]: path for path in open_keys} | {name: name for name in short_names}
    leaf = key.rpartition(".")[2]
    close = ends.get(leaf) or nearest(key, [*short_names, *open_keys])
    if close is None and (end := nearest(leaf, ends)) is not None:
        close = ends[end]
    if close is not None:
        return f"did you mean `{close}`?"
    known = sorted({*short_names, *(path for path, spec in open_keys.items() if spec.override is None)})
    return f"overrides of this recipe: {', '.join(known)}"


def _twice(key: str, first: str, path: str) -> Problem:
    message = f"`{key}` and `{first}` are the same key of the recipe ({path}), given twice"
    return Problem(key=key, code="duplicate-override", message=message, hint="keep one of the two", on_key=True)
