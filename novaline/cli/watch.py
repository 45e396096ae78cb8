"""`novaline watch RUN --env E`: a run as it goes, to its end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from novaline.cli import output
from novaline.cli.status import exit_code, show_status
from novaline.cli.steps_view import screen_view
from novaline.findings import Interruption, NovalineError

if TYPE_CHECKING:
    from novaline.runs.jobs import RunJob
    from novaline.runs.place import Place
    from novaline.runs.status import RunStatus

_PATIENCE = 360
"""So many looks in a row may find no connection: an hour of ten seconds each. A lid that was closed is no reason."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("watch", short_help="Watch a run until it has ended.")(watch)


def watch(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id, as `novaline runs` lists it.")],
    *,
    env: Annotated[str, typer.Option("--env", "-e", metavar="NAME", help="The environment that it runs in.")],
    interval: Annotated[float, typer.Option("--interval", min=1, max=600, help="Seconds between two looks.")] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document, when the run has ended.")] = False,
) -> None:
    """Watch a run until it has ended: its phases, how training goes, what it has cost so far.

    Stopping to watch stops nothing: the run goes on. Exit status 0 when the model was accepted, 1 when not.
    """
    with output.reporting(json=json):
        from novaline.runs.place import deployed_place  # noqa: PLC0415 - boto3, which `--help` must not wait for
        from novaline.runs.status import require_run_id  # noqa: PLC0415 - likewise

        require_run_id(run)
        try:
            last = _follow(deployed_place(env), run, interval=interval, quiet=json)
        except KeyboardInterrupt:
            hint = f"the run goes on: novaline watch {run} --env {env}"
            raise Interruption.of("interrupted", "no longer watching", hint=hint) from None
        if json:
            output.print_json(last.as_json())
        else:
            show_status(output.stdout(), last)
    raise typer.Exit(exit_code(last))


def _follow(place: Place, run: str, *, interval: float, quiet: bool) -> RunStatus:
    from novaline.runs import status  # noqa: PLC0415 - boto3, which `--help` must not wait for
    from novaline.runs.follow import Follower  # noqa: PLC0415 - likewise
    from novaline.runs.jobs import run_jobs  # noqa: PLC0415 - likewise
    from novaline.runs.steps import Board  # noqa: PLC0415 - likewise
    from novaline.runs.trial import trial_in_words  # noqa: PLC0415 - likewise

    clients = place.clients
    first = status.run_status(clients, place.resources, run)  # an unknown run is told before anything is drawn
    jobs = run_jobs(clients, place.resources, run)
    view = screen_view(output.stderr() if quiet else output.stdout())
    with view:
        if not quiet:
            view.note(Text(f"{run}, since {first.started.astimezone(UTC):%Y-%m-%d %H:%M} UTC").plain)
        follower = Follower(
            board=Board(view=view),
            logs=clients.logs,
            training_jobs=[job.base_name for job in jobs if job.trains],
            spending=lambda: _spending(place, jobs),
            trial=lambda stage: trial_in_words(clients, place.resources, run, stage),
        )
        looks = status.watch(clients, place.resources, run, interval=interval, patience=_PATIENCE)
        return follower.follow(looks)


def _spending(place: Place, jobs: tuple[RunJob, ...]) -> str:
    """What the run has cost so far; nothing where it may not be asked, for that is no reason to stop watching."""
    from novaline.runs.jobs import in_words, spent  # noqa: PLC0415 - boto3, which `--help` must not wait for

    try:
        return in_words(spent(place.clients.sagemaker, jobs, now=datetime.now(UTC)))
    except NovalineError:
        return ""
