"""Lists of recipes, and two of them side by side, on a terminal of any width and on a pipe."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, zip_longest
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from novaline.recipes.comparison import Comparison, Difference
from novaline.recipes.model import Recipe
from novaline.recipes.wording import instances_text, platforms_text, section

_HEADINGS = ("recipe", "model", "technique", "variant", "runs on", "instances")
_WIDEST = 140
_GAP = 2


def show_list(recipes: Sequence[Recipe], *, console: Console, platform: str | None = None) -> None:
    """One line a recipe, the id first, where the width allows it; else a few, under model and technique.

    On a pipe nobody knows the width, unless the variable COLUMNS says it: there it is one line. `platform` is the only
    one whose numbers of instances are wanted.
    """
    rows = [_HEADINGS, *(_row(recipe, platform) for recipe in recipes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    wide = sum(widths) + _GAP * (len(widths) - 1)
    if wide > console.width and (console.is_terminal or os.environ.get("COLUMNS", "").isdecimal()):
        _show_stacked(recipes, console, platform)
    else:
        for number, row in enumerate(rows):
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            console.print(Text(line, style="" if number else "dim"), no_wrap=True, overflow="ignore", crop=False)
    if console.is_terminal:
        noun = "recipe" if len(recipes) == 1 else "recipes"
        if any(recipe.instances.roles for recipe in recipes):
            console.print(Text("+ counts the instances of other roles", style="dim"))
        console.print(Text(f"{len(recipes)} {noun}; `novaline recipes show ID` explains one", style="dim"))


def _show_stacked(recipes: Sequence[Recipe], console: Console, platform: str | None) -> None:
    for (model, technique), group in groupby(recipes, key=lambda recipe: (recipe.model.name, recipe.technique)):
        console.print(Text(f"{model} {technique}", style="bold cyan"))
        for recipe in group:
            _, _, _, variant, runs_on, instances = _row(recipe, platform)
            console.print(Text(f"  {recipe.id}"), no_wrap=True, overflow="ignore", crop=False)
            for line in wrap(f"{variant}; {instances}; {runs_on}", console.width - 6, break_on_hyphens=False):
                console.print(Text(f"      {line}", style="dim"))
        console.print()


def _row(recipe: Recipe, platform: str | None) -> tuple[str, ...]:
    machines = instances_text(recipe, platform) if recipe.instances.types else "no instances to choose"
    return (recipe.id, recipe.model.name, recipe.technique, recipe.variant, platforms_text(recipe), machines)


def show_comparison(compared: Comparison, *, console: Console) -> None:
    """Prints what tells two recipes apart: facts, then keys by section, then the keys that only one of them has."""
    for letter, recipe in (("A", compared.a), ("B", compared.b)):
        console.print(Text.assemble((letter, "bold"), f"  {recipe.id}"), no_wrap=True, overflow="ignore", crop=False)
        console.print(Text(f"   {recipe.title}", style="dim"))
    if compared.alike:
        console.print(Text("\nNothing tells them apart but their names."))
        return
    width = min(max(console.width, 80), _WIDEST)
    facts = [(item.what, item.a, item.b) for item in compared.facts]
    sections = {name: list(_key_rows(items)) for name, items in groupby(compared.keys, lambda item: section(item.path))}
    labels = [row[0] for rows in (facts, *sections.values()) for row in rows]
    columns = min(max(map(len, labels), default=0), width // 3)
    _show_rows("", facts, label=columns, width=width, console=console)
    for name, rows in sections.items():
        _show_rows(name or "at the top", rows, label=columns, width=width, console=console)
    for letter, paths in (("A", compared.only_a), ("B", compared.only_b)):
        if paths:
            console.print(Text(f"\nOnly in {letter}", style="bold"))
            for name, group in groupby(paths, section):
                leaves = ", ".join(path.rpartition(".")[2] for path in group)
                for line in wrap(f"{name or 'at the top'}: {leaves}", width - 2, subsequent_indent="    "):
                    console.print(Text(f"  {line}"))


def _key_rows(items: Iterable[Difference]) -> Iterator[tuple[str, str, str]]:
    """Label, A, B of each difference in one section. Sample texts of `run` (names, folders) share one line."""
    samples: list[str] = []
    for item in items:
        head, _, leaf = item.path.rpartition(".")
        if head == "run" and item.what == "default" and item.a.startswith('"') and item.b.startswith('"'):
            samples.append(leaf)
        else:
            yield (leaf if item.what == "default" else f"{leaf}: {item.what}"), item.a, item.b
    if samples:
        yield ", ".join(samples), "sample texts differ", ""


def _show_rows(heading: str, rows: Sequence[tuple[str, str, str]], *, label: int, width: int, console: Console) -> None:
    if not rows:
        return
    console.print()
    if heading:
        console.print(Text(heading, style="bold cyan"))
    value = (width - label - 2 * _GAP - 2) // 2
    for row in rows:
        cells = [
            wrap(cell, room, break_on_hyphens=False) or [""]
            for cell, room in zip(row, (label, value, value), strict=True)
        ]
        for parts in zip_longest(*cells, fillvalue=""):
            line = "".join(part.ljust(room + _GAP) for part, room in zip(parts, (label, value, value), strict=True))
            console.print(Text(f"  {line.rstrip()}"))
