"""The command line: its commands, its usage errors, its exit statuses.

Each command lives in a module of its own, named in `COMMANDS` and imported only when it is called, so that `check` and
`plan` never pay for boto3. **The convention**: the module defines

    def register(app: typer.Typer) -> None:
        app.command("name")(function)

or, for commands that belong together, adds a group of them (`novaline recipes list`):

    def register(app: typer.Typer) -> None:
        group = command_group("name", help="…")
        group.command("list")(function)
        app.add_typer(group)

The function takes `json: bool` as `--json`, does its work inside `with output.reporting(json=json):`, and raises
`NovalineError` (exit status 1) or `UsageProblem` (2) for whatever a person can act on. Other exit statuses are raised
as `typer.Exit(code)`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.main import get_group

from novaline import __version__
from novaline.cli import output
from novaline.cli.groups import CommandGroup
from novaline.findings import UsageProblem

COMMANDS = {
    "check": "novaline.cli.check",
    "plan": "novaline.cli.plan",
    "rehearse": "novaline.cli.rehearse",
    "run": "novaline.cli.run",
    "status": "novaline.cli.status",
    "recipes": "novaline.cli.recipes",
    "prices": "novaline.cli.prices",
}
"""Command → the module that registers it."""

# What typer raises for options and arguments that do not fit, and its parent. It exports neither.
_Misuse: type[Exception] = typer.BadParameter.__mro__[1]


class LazyGroup(CommandGroup):
    """A command group that imports a command's module when the command is asked for, and reports in our words."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401  # the context's class differs between typer's releases
        """The names of all commands, without importing them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401  # likewise, and so does the command's
        """The command, from its module. Raises UsageProblem for an unknown name."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            one = typer.Typer(add_completion=False, rich_markup_mode=None)
            import_module(COMMANDS[cmd_name]).register(one)
            self.commands[cmd_name] = get_group(one).commands[cmd_name]
        return super().get_command(ctx, cmd_name)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002  # typer's own signature
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002  # likewise
        **extra: Any,  # noqa: ANN401  # likewise
    ) -> Any:  # noqa: ANN401  # likewise
        """Runs a command line. In standalone mode, which is the default, nothing but SystemExit leaves it."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)  # noqa: FBT003  # likewise
        given = sys.argv[1:] if args is None else list(args)
        code = 0
        try:
            with output.reporting(json="--json" in given):
                try:
                    code = super().main(given, "novaline", complete_var, False, windows_expand_args, **extra) or 0  # noqa: FBT003  # likewise
                except _Misuse as problem:
                    raise _usage_problem(problem) from None
        except typer.Exit as end:
            code = end.exit_code
        sys.exit(code)


def _usage_problem(problem: Any) -> UsageProblem:  # noqa: ANN401  # typer's class is not exported
    """Typer's complaint about the command line, in our form."""
    text = str(problem.format_message()).strip().rstrip(".")
    command = problem.ctx.command_path if problem.ctx is not None else "novaline"
    usage = problem.ctx.get_usage().removeprefix("Usage: ") if problem.ctx is not None else "novaline COMMAND"
    hint = f"usage: {usage}; `{command} --help` says more"
    return UsageProblem.of("wrong-usage", f"{text[:1].lower()}{text[1:]}", hint=hint)


app = typer.Typer(
    name="novaline",
    cls=LazyGroup,
    help="Customize Amazon Nova models: check, plan, rehearse, run.",
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(value: bool) -> None:  # noqa: FBT001  # typer calls it with the option's value
    if value:
        typer.echo(f"novaline {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Customize Amazon Nova models: check, plan, rehearse, run."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)
