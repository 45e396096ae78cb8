"""`novaline status RUN --env E`: where a run stands, why it failed, what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from novaline.cli import output
from novaline.cli.summary_view import facts, summary_view

if TYPE_CHECKING:
    from novaline.runs.status import RunStatus

STYLES = {"running": "cyan", "succeeded": "green", "failed": "bold red", "aborted": "yellow", "timed-out": "bold red"}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("status", short_help="Show where a run stands, and its results.")(status)


def status(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id, as `novaline run` printed it.")],
    *,
    env: Annotated[str, typer.Option("--env", "-e", metavar="NAME", help="The environment that it runs in.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show where a run stands: its phases, its error with the next step, its results."""
    with output.reporting(json=json):
        from novaline.runs.place import deployed_place  # noqa: PLC0415 - boto3, which `--help` must not wait for
        from novaline.runs.status import require_run_id, run_status  # noqa: PLC0415 - likewise

        require_run_id(run)
        place = deployed_place(env)
        found = run_status(place.clients, place.resources, run)
        if json:
            output.print_json(found.as_json())
        else:
            show_status(output.stdout(), found)
        code = exit_code(found)
    raise typer.Exit(code)


def exit_code(found: RunStatus) -> int:
    """0 while it runs and when the model was accepted; 1 when it was rejected, failed or was stopped."""
    if found.status == "running":
        return 0
    return 0 if found.status == "succeeded" and found.result != "rejected" else 1


def show_status(console: Console, found: RunStatus) -> None:
    """The run on screen."""
    console.print(Text.assemble((found.run, "bold"), "  ", (found.status, STYLES[found.status])))
    marks = {"running": "·", "done": "✓", "failed": "✗"}
    if console.options.ascii_only:
        marks = {"running": "-", "done": "+", "failed": "x"}
    for phase in found.phases:
        style = {"running": "cyan", "done": "green", "failed": "bold red"}[phase.status]
        seconds = duration(phase.seconds(found.looked))
        console.print(Text.assemble("  ", (marks[phase.status], style), f" {phase.title}  ", (seconds, "dim")))
    lines = [("elapsed", Text(duration(found.elapsed_seconds))), ("folder", Text(found.folder))]
    if found.states:
        lines.insert(0, ("state", Text(", ".join(found.states))))
    if found.problem:
        lines += [
            ("error", Text(f"{found.problem.message} [{found.problem.code}]", style="bold red")),
            ("next", Text(found.problem.next_step)),
        ]
    console.print(facts(lines, console=console))
    if found.summary:
        console.print(summary_view(found.summary, console=console))


def duration(seconds: float) -> str:
    """`12.3 s`, `5 min 07 s`, `26 h 40 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {whole % 60:02d} s"
