"""The `novaline` command.

Each command lives in a module of its own, named in `COMMANDS` and imported only when it is called, so that `check` and
`plan` never pay for boto3. **The convention**: the module defines

    def register(app: typer.Typer) -> None:
        app.command("name")(function)

The function takes `json: bool` as `--json`, does its work inside `with output.reporting(json=json):`, and raises
`NovalineError` (exit status 1) or `UsageProblem` (2) for whatever a person can act on. Other exit statuses are raised
as `typer.Exit(code)`.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_group

from novaline import __version__

COMMANDS = {
    "check": "novaline.cli.check",
    "plan": "novaline.cli.plan",
    "rehearse": "novaline.cli.rehearse",
    "run": "novaline.cli.run",
    "status": "novaline.cli.status",
}
"""Command → the module that registers it."""


class LazyGroup(TyperGroup):
    """A command group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401  # the context's class differs between typer's releases
        """The names of all commands, without importing them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401  # likewise, and so does the command's
        """The command, from its module; None for an unknown name, which becomes a usage error."""
        if cmd_name not in COMMANDS:
            return None
        one = typer.Typer(add_completion=False)
        import_module(COMMANDS[cmd_name]).register(one)
        return get_group(one).commands[cmd_name]


app = typer.Typer(
    name="novaline",
    cls=LazyGroup,
    help="Customize Amazon Nova models: check, plan, rehearse, run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(value: bool) -> None:  # noqa: FBT001  # typer calls it with the option's value
    if value:
        typer.echo(f"novaline {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Customize Amazon Nova models: check, plan, rehearse, run."""


def main() -> NoReturn:
    """Runs the command line; the exit status is 0 (done), 1 (refused or failed, explained) or 2 (wrong usage)."""
    try:
        app()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away (`novaline plan … | head`): silence the interpreter's own flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(0)


if __name__ == "__main__":
    main()
