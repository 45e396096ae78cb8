"""`novaline reward …`: reward functions listed, tried on one's own rows, and sized for a run."""

from __future__ import annotations

import typer

from novaline.cli.groups import LazyCommands, command_group


class RewardCommands(LazyCommands):
    """The commands about reward functions."""

    modules = {  # noqa: RUF012  # a constant, as its class is
        "list": "novaline.cli.reward_list",
        "test": "novaline.cli.reward_test",
        "size": "novaline.cli.reward_size",
    }


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(command_group("reward", help="List, test and size reward functions.", cls=RewardCommands))
