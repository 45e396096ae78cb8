"""`novaline runs --env E`: the runs of an environment, the newest first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from novaline.cli import output
from novaline.cli.status import STYLES, duration

if TYPE_CHECKING:
    from novaline.runs.listing import ListedRun


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("runs", short_help="List the runs of an environment.")(runs)


def runs(
    *,
    env: Annotated[str, typer.Option("--env", "-e", metavar="NAME", help="The environment, a file in environments/.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="At most so many, the newest.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the runs of an environment: how each stands or ended. Step Functions keeps those of the last 90 days."""
    with output.reporting(json=json):
        from novaline.runs.listing import newest_runs  # noqa: PLC0415 - boto3, which `--help` must not wait for
        from novaline.runs.place import deployed_place  # noqa: PLC0415 - likewise

        place = deployed_place(env)
        found = newest_runs(place.clients, place.resources, limit=limit)
        if json:
            output.print_json({"environment": env, "runs": [one.as_json() for one in found]})
        elif not found:
            output.stdout().print(Text(f"{env} has no runs yet: novaline run FILE --env {env}"))
        else:
            show_runs(output.stdout(), found)


def show_runs(console: Console, found: tuple[ListedRun, ...]) -> None:
    """The runs on screen, one line each."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("run", "model", "status", "started (UTC)"):
        table.add_column(heading, no_wrap=True)
    table.add_column("took", justify="right", no_wrap=True)
    for one in found:
        status = one.result or one.status
        took = "" if one.ended is None else duration((one.ended - one.started).total_seconds())
        style = STYLES[one.status] if status != "rejected" else "yellow"
        table.add_row(one.run, one.model or "", Text(status, style=style), _when(one.started), took)
    console.print(table)


def _when(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"
