"""`novaline data …`: datasets prepared, validated, and shown in figures."""

from __future__ import annotations

import typer

from novaline.cli.groups import LazyCommands, command_group


class DataCommands(LazyCommands):
    """The commands about datasets."""

    modules = {  # noqa: RUF012  # a constant, as its class is
        "prepare": "novaline.cli.data_prepare",
        "validate": "novaline.cli.data_validate",
        "stats": "novaline.cli.data_stats",
    }


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(command_group("data", help="Prepare, validate and look at datasets.", cls=DataCommands))
