"""Groups of commands: an unknown name is told in our words, and no name at all prints the help as wrong usage."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup
from typer.main import get_group

from novaline.findings import UsageProblem, nearest


class CommandGroup(TyperGroup):
    """A group that names the nearest command when it is asked for one that it does not have."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401  # the classes differ between typer's releases
        """The command. Raises UsageProblem for an unknown name."""
        known = self.list_commands(ctx)
        if cmd_name not in known:
            group = str(ctx.command_path)
            close = nearest(cmd_name, known)
            hint = f"did you mean `{group} {close}`?" if close else f"the commands are {', '.join(known)}"
            raise UsageProblem.of("unknown-command", f"there is no command {cmd_name!r}", hint=hint)
        return super().get_command(ctx, cmd_name)


class LazyCommands(CommandGroup):
    """A group that imports a command's module when the command is asked for."""

    modules: ClassVar[Mapping[str, str]]
    """Command → the module whose `register` adds it, in the order in which help lists them."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401  # the context's class differs between typer's releases
        """The names of all commands, without importing them."""
        return list(self.modules)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401  # likewise, and so does the command's
        """The command, from its module. Raises UsageProblem for an unknown name."""
        if cmd_name in self.modules and cmd_name not in self.commands:
            one = typer.Typer(add_completion=False, rich_markup_mode=None)
            import_module(self.modules[cmd_name]).register(one)
            self.commands[cmd_name] = get_group(one).commands[cmd_name]
        return super().get_command(ctx, cmd_name)


def command_group(name: str, *, help: str, cls: type[CommandGroup] = CommandGroup) -> typer.Typer:  # noqa: A002  # typer's own word
    """A group of commands under one name (`novaline <name> <command>`), for `register` to fill and to add.

    Called without a command it prints its help, with exit status 2.
    """
    group = typer.Typer(
        name=name,
        cls=cls,
        help=help,
        invoke_without_command=True,
        subcommand_metavar="COMMAND [ARGS]...",
        add_completion=False,
        rich_markup_mode=None,
    )

    @group.callback()
    def without_command(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())
            raise typer.Exit(2)

    return group
