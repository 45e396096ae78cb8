"""One recipe as a person reads it: where it runs, on what, with which image, then every key."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from novaline.cli.summary_view import facts
from novaline.recipes.model import Image, JsonValue, KeySpec, Recipe
from novaline.recipes.rendering import default_values, resolve
from novaline.recipes.trial import Trial
from novaline.recipes.wording import (
    PLATFORMS,
    bounds_by_source,
    counts_by_source,
    default_text,
    platforms_text,
    section,
    with_unit,
)

_WIDEST = 110
_WIDEST_VALUE = 32
_GAP = 2
_LEGEND = (
    "Outside what the template of Amazon's hub allows is an error; outside what the recipe's own text or AWS's docs "
    "allow, a warning. A key without a short name is set by its path."
)


def show_recipe(trial: Trial, *, console: Console) -> None:
    """Prints the recipe and what was set on it."""
    recipe = trial.recipe
    console.print(Text.assemble((recipe.title, "bold"), "\n", (f"{recipe.id} {recipe.version}", "dim")))
    console.print()
    console.print(facts(_facts(recipe), console=console))
    defaults, values = resolve(default_values(recipe)), trial.values
    sections: dict[str, list[str]] = {}
    for path in recipe.keys:
        sections.setdefault(section(path), []).append(path)
    width = min(max(console.width, 80), _WIDEST)
    for name, paths in sections.items():
        console.print()
        console.print(Text(name or "at the top", style="bold cyan"))
        keys = {path: recipe.keys[path] for path in paths}
        shown = {path: _value(spec, default=defaults[path], value=values[path]) for path, spec in keys.items()}
        name_room = max(len(_leaf(path)) for path in paths) + _GAP
        value_room = min(max(len(text.plain) for text in shown.values()), _WIDEST_VALUE) + _GAP
        for path, spec in keys.items():
            short = spec.override or "" if spec.locked_on(trial.platform) is None else ""
            line = Text.assemble("  ", (_leaf(path).ljust(name_room), "bold"), shown[path])
            line.pad_right(max(2 + name_room + value_room - len(line.plain), _GAP))
            fits = len(line.plain) + len(short) <= width
            if fits:
                line.append(short, style="cyan")
            line.rstrip()
            console.print(line, no_wrap=True, overflow="ignore", crop=False)
            details = " ".join([*([] if fits else [f"Short name {short}."]), *_details(trial, spec)])
            for detail in wrap(details, width - 6, break_long_words=False, break_on_hyphens=False):
                console.print(Text(f"      {detail}", style="dim"))
    console.print()
    for words in wrap(_LEGEND, width):
        console.print(Text(words, style="dim"))


def _facts(recipe: Recipe) -> Iterator[tuple[str, Text]]:
    model, instances = recipe.model, recipe.instances
    base = ", ".join(name for name in (model.model_type, model.model_name_or_path) if name)
    yield "model", Text(f"{model.name} ({base})" if base else model.name)
    chosen = "; chosen where a stage names no instances" if recipe.preferred and instances.types else ""
    yield "technique", Text(f"{recipe.technique}, {recipe.variant}{chosen}")
    yield "runs on", Text(platforms_text(recipe))
    if instances.types:
        first = "; the first where none is named" if len(instances.types) > 1 else ""
        yield "types", Text(f"{', '.join(instances.types)}{first}")
        named = [f"{counts} ({who})" for counts, who in counts_by_source(recipe).items() if who]
        numbers = (
            f"{'; '.join(named)}; {instances.default_count} where none is named"
            if named
            else str(instances.default_count)
        )
        yield "number", Text(numbers)
    if instances.roles:
        yield "besides", Text(", ".join(f"{count} for {role}" for role, count in instances.roles.items()))
    for platform, image in recipe.images.items():
        yield "image", Text(f"{PLATFORMS[platform]}: {_where(image)}")
    for image in recipe.companions:
        yield "beside it", Text(image.name)
    yield "reference", Text(recipe.reference)


def _where(image: Image) -> str:
    """The image, and its regions with the account that publishes it there."""
    return f"{image.name} in {', '.join(f'{region} ({account})' for region, account in image.accounts.items())}"


def _leaf(path: str) -> str:
    return path.rpartition(".")[2]


def _value(spec: KeySpec, *, default: JsonValue, value: JsonValue) -> Text:
    if value == default:
        return Text(default_text(spec, default, unit=True))
    return Text.assemble((with_unit(spec, value), "bold yellow"), (f" instead of {default_text(spec, default)}", "dim"))


def _details(trial: Trial, spec: KeySpec) -> Iterator[str]:
    """Sentences: what the key is for, what is allowed and who says so, or why it is not open here."""
    if spec.about:
        yield f"{spec.about[0].upper()}{spec.about[1:]}."
    locked = spec.locked_on(trial.platform)
    if locked is not None:
        yield f"Not open here: {locked}."
        return
    bounds = "; ".join(f"{words} ({who})" for words, who in bounds_by_source(spec).items())
    if bounds:
        yield f"Allowed: {bounds}."
    if spec.override is not None and spec.overridable_on and trial.platform not in spec.overridable_on:
        yield f"The short name is published for {', '.join(PLATFORMS[one] for one in spec.overridable_on)}."
