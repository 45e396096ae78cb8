"""`novaline recipes list | show | diff`: the catalogue as a person reads it. Offline."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from novaline.cli import output
from novaline.cli.groups import command_group
from novaline.findings import UsageProblem, nearest

if TYPE_CHECKING:
    from novaline.recipes.catalogue import Catalogue
    from novaline.recipes.model import Recipe

_JSON = typer.Option("--json", help="Print one JSON document.")
_ID = "The recipe's id, as `novaline recipes list` prints it."


class PlatformName(StrEnum):
    """Where a recipe is read. What AWS manages itself takes no recipe."""

    SAGEMAKER = "sagemaker"
    HYPERPOD = "hyperpod"


class TuningName(StrEnum):
    """What a recipe changes of the model."""

    LORA = "lora"
    FULL = "full"


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = command_group("recipes", help="List, explain and compare Amazon's recipes, offline.")
    group.command("list", short_help="List the recipes.")(list_recipes)
    group.command("show", short_help="Explain a recipe: machines, images, every key.")(show)
    group.command("diff", short_help="Show what tells two recipes apart.")(diff)
    app.add_typer(group)


def list_recipes(
    *,
    model: Annotated[str | None, typer.Option("--model", metavar="NAME", help="Only of this model.")] = None,
    technique: Annotated[
        str | None, typer.Option("--technique", metavar="NAME", help="Only of this technique (sft, dpo, …).")
    ] = None,
    platform: Annotated[PlatformName | None, typer.Option("--platform", help="Only those that run there.")] = None,
    tuning: Annotated[TuningName | None, typer.Option("--tuning", help="Only those that tune so.")] = None,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """List the recipes: what for, on which machines, where."""
    with output.reporting(json=json):
        from novaline.recipes.catalogue import catalogue  # noqa: PLC0415  # `--help` must not wait for it

        recipes = catalogue().all()
        _require_known("model", model, (recipe.model.name for recipe in recipes))
        _require_known("technique", technique, (recipe.technique for recipe in recipes))
        found = [
            recipe
            for recipe in recipes
            if model in (None, recipe.model.name)
            and technique in (None, recipe.technique)
            and (platform is None or platform.value in recipe.platforms)
            and (tuning is None or tuning.value == recipe.tuning)
        ]
        if json:
            from novaline.recipes.description import summary  # noqa: PLC0415  # likewise

            output.print_json({"recipes": [summary(recipe) for recipe in found], "findings": []})
            return
        if not found:
            output.stderr().print("No recipe is all of that; `novaline recipes list` shows what there is.")
            return
        from novaline.cli.recipes_view import show_list  # noqa: PLC0415  # likewise

        show_list(found, console=output.stdout(), platform=None if platform is None else platform.value)


def show(
    recipe: Annotated[str, typer.Argument(metavar="ID", help=_ID)],
    *,
    platform: Annotated[
        PlatformName | None, typer.Option("--platform", help="Where it is to run; else a training job if it can.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="An override: short name or full path. May be repeated."),
    ] = None,
    render: Annotated[bool, typer.Option("--render", help="Print only the YAML that the container reads.")] = False,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Explain a recipe: where it runs, on what, with which image, and every key with its default and bounds."""
    with output.reporting(json=json):
        from novaline.recipes.catalogue import catalogue  # noqa: PLC0415  # `--help` must not wait for it
        from novaline.recipes.trial import try_settings  # noqa: PLC0415  # likewise

        found = _recipe(catalogue(), recipe)
        tried = try_settings(found, settings or (), platform=None if platform is None else platform.value)
        if json:
            from novaline.recipes.description import description  # noqa: PLC0415  # likewise

            document = description(found, tried)
            yaml = {"yaml": tried.rendered().decode()} if render else {}
            output.print_json({**document, **yaml, "findings": [finding.as_json() for finding in tried.findings]})
            return
        output.print_findings(tried.findings)
        if render:
            typer.echo(tried.rendered(), nl=False)
            return
        from novaline.cli.recipe_view import show_recipe  # noqa: PLC0415  # likewise

        show_recipe(tried, console=output.stdout())


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help=_ID)],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    *,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Show what tells two recipes apart: machines, images, keys, defaults and bounds."""
    with output.reporting(json=json):
        from novaline.recipes.catalogue import catalogue  # noqa: PLC0415  # `--help` must not wait for it
        from novaline.recipes.comparison import compare  # noqa: PLC0415  # likewise

        recipes = catalogue()
        compared = compare(_recipe(recipes, a), _recipe(recipes, b))
        if json:
            output.print_json({**compared.as_json(), "findings": []})
            return
        from novaline.cli.recipes_view import show_comparison  # noqa: PLC0415  # likewise

        show_comparison(compared, console=output.stdout())


def _recipe(recipes: Catalogue, wanted: str) -> Recipe:
    try:
        return recipes.recipe(wanted)
    except KeyError:
        close = nearest(wanted, (recipe.id for recipe in recipes.all()))
        hint = f"did you mean {close}?" if close else "`novaline recipes list` shows all"
        raise UsageProblem.of("unknown-recipe", f"there is no recipe {wanted!r}", hint=hint) from None


def _require_known(what: str, name: str | None, names: Iterable[str]) -> None:
    known = list(dict.fromkeys(names))
    if name is None or name in known:
        return
    close = nearest(name, known)
    hint = f"did you mean {close}?" if close else f"there are {', '.join(known)}"
    raise UsageProblem.of(f"unknown-{what}", f"no recipe is of the {what} {name!r}", hint=hint)
