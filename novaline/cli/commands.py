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

A group whose commands are heavy imports them as lazily (`novaline.cli.data`). The function takes `json: bool` as
`--json`, does its work inside `with output.reporting(json=json):`, and raises `NovalineError` (exit status 1) or
`UsageProblem` (2) for whatever a person can act on. Other exit statuses are raised as `typer.Exit(code)`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from novaline import __version__
from novaline.cli import output
from novaline.cli.groups import LazyCommands
from novaline.findings import UsageProblem

COMMANDS = {
    "check": "novaline.cli.check",
    "plan": "novaline.cli.plan",
    "rehearse": "novaline.cli.rehearse",
    "run": "novaline.cli.run",
    "runs": "novaline.cli.runs",
    "status": "novaline.cli.status",
    "watch": "novaline.cli.watch",
    "logs": "novaline.cli.logs",
    "abort": "novaline.cli.abort",
    "recipes": "novaline.cli.recipes",
    "prices": "novaline.cli.prices",
    "data": "novaline.cli.data",
    "reward": "novaline.cli.reward",
}
"""Command → the module that registers it."""

# What typer raises for options and arguments that do not fit, and its parent. It exports neither.
_Misuse: type[Exception] = typer.BadParameter.__mro__[1]


class LazyGroup(LazyCommands):
    """All commands, which report in our words."""

    modules = COMMANDS

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
