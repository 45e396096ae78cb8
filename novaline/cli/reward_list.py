"""`novaline reward list`: the kinds of reward, their options, and what an environment declares."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from novaline.cli import output
from novaline.findings import UsageProblem, nearest

if TYPE_CHECKING:
    from rich.console import Console

    from novaline.environments import Environment
    from novaline.rewards.options import Option


def register(group: typer.Typer) -> None:
    """Adds the command."""
    group.command("list", short_help="Show the kinds of reward, and what an environment declares.")(list_rewards)


def list_rewards(
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help="A kind, to see its options.", show_default=False)
    ] = None,
    *,
    env: Annotated[
        str | None, typer.Option("--env", "-e", metavar="NAME", help="Also what this environment declares.")
    ] = None,
    environment_file: Annotated[
        Path | None, typer.Option("--environment-file", metavar="FILE", help="Or its file, wherever it is.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show the rewards that the library has, with their options. Offline."""
    with output.reporting(json=json):
        from novaline.cli.reward_named import environment_of  # noqa: PLC0415  # `--help` must not wait for it
        from novaline.rewards.kinds import KINDS, options_of  # noqa: PLC0415  # likewise

        if kind is not None and kind not in KINDS:
            close = nearest(kind, KINDS)
            hint = f"did you mean {close}?" if close else f"the kinds are {', '.join(KINDS)}"
            raise UsageProblem.of("unknown-kind", f"there is no kind of reward {kind!r}", hint=hint)
        environment, _ = environment_of(env, environment_file)
        options = {name: options_of(name) for name in KINDS if kind in (None, name)}
        if json:
            output.print_json(
                {
                    "kinds": [
                        {
                            "name": name,
                            "summary": KINDS[name].summary,
                            "needs_reference": KINDS[name].needs_reference,
                            "calls_model": KINDS[name].calls_model,
                            "options": [_as_json(option) for option in found],
                        }
                        for name, found in options.items()
                    ],
                    "declared": None if environment is None else _declared(environment),
                }
            )
            return
        console = output.stdout()
        if kind is not None:
            _show_kind(console, kind, KINDS[kind].summary, options[kind])
        else:
            for name, found in options.items():
                _show_briefly(console, name, KINDS[name].summary, found)
            hint = "`novaline reward list KIND` explains the options; * must be given"
            console.print(Text(f"\n{hint}", style="dim"))
        if environment is not None:
            _show_declared(console, environment)


def _show_briefly(console: Console, name: str, summary: str, options: list[Option]) -> None:
    """Name, summary, and the names of the options, within 80 columns."""
    indent = " " * 20
    lines = wrap(summary, 58)
    console.print(Text.assemble((f"  {name:<18}", "bold"), lines[0]))
    for line in lines[1:]:
        console.print(Text(indent + line))
    names = ", ".join(f"{option.name}{'*' if option.required else ''}" for option in options) or "no options"
    for line in wrap(names, 58):
        console.print(Text(indent + line, style="dim"))


def _show_kind(console: Console, name: str, summary: str, options: list[Option]) -> None:
    console.print(Text.assemble((name, "bold"), f"  {summary}\n"))
    for option in options:
        default = "must be given" if option.required else f"default {_value(option.default)}"
        console.print(Text.assemble((f"  {option.name}", "bold"), (f"  {option.takes}; {default}", "dim")))
        for line in wrap(option.doc, 74):
            console.print(Text(f"      {line}"))
    if not options:
        console.print(Text("  It has no options."))


def _show_declared(console: Console, environment: Environment) -> None:
    console.print(Text.assemble(("\nDeclared by ", ""), (environment.name, "bold")))
    if not environment.rewards:
        console.print(Text("  none: say `rewards:` in its file"))
    for name, found in environment.rewards.items():
        limits = f"{found.timeout_seconds} s, {found.memory_mb} MB"
        console.print(Text.assemble((f"  {name:<18}", "bold"), found.function, (f"  {limits}", "dim")))


def _declared(environment: Environment) -> dict[str, object]:
    return {
        "environment": environment.name,
        "rewards": {name: found.model_dump(mode="json") for name, found in environment.rewards.items()},
    }


def _as_json(option: Option) -> dict[str, object]:
    default = option.default
    try:
        json_format.dumps(default)
    except TypeError:
        default = str(default)
    return {
        "name": option.name,
        "takes": option.takes,
        "required": option.required,
        "default": default,
        "about": option.doc,
    }


def _value(default: object) -> str:
    if default is None or default in ((), ""):
        return "none"
    if isinstance(default, tuple):
        default = list(default)
    return json_format.dumps(default, ensure_ascii=False, default=str)
