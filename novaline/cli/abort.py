"""`novaline abort RUN --env E`: end a run, and see that nothing of it is paid for any longer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from novaline.cli import output
from novaline.cli.status import duration
from novaline.cli.summary_view import facts
from novaline.findings import Interruption

if TYPE_CHECKING:
    from novaline.runs.abort import Aborted


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("abort", short_help="End a run, and stop what it pays for.")(abort)


def abort(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id, as `novaline runs` lists it.")],
    *,
    env: Annotated[str, typer.Option("--env", "-e", metavar="NAME", help="The environment that it runs in.")],
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept with the run, and told with its end.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """End a run: stop its execution and its training jobs, and wait until they have stopped.

    What it has made by then stays: checkpoints, a model, a deployment. Exit status 1 when the run has ended already,
    or when something is still paid for after ten minutes.
    """
    with output.reporting(json=json):
        from novaline.runs import abort as aborting  # noqa: PLC0415 - boto3, which `--help` must not wait for
        from novaline.runs.deployed import require_account  # noqa: PLC0415 - likewise
        from novaline.runs.place import deployed_place  # noqa: PLC0415 - likewise
        from novaline.runs.status import require_run_id  # noqa: PLC0415 - likewise

        require_run_id(run)
        place = deployed_place(env)
        who, reason = require_account(place.clients.sts, place.environment), (reason or "").strip() or None
        aborting.abort(place.clients, place.resources, run, by=who, reason=reason)
        try:
            with output.stderr().status(f"{run}: stopping") as status:
                found = aborting.proven_stopped(
                    place.clients,
                    place.resources,
                    run,
                    by=who,
                    reason=reason,
                    report=lambda text: status.update(f"{run}: {text}"),
                )
        except KeyboardInterrupt:
            hint = f"its jobs stop by themselves now: novaline status {run} --env {env}"
            raise Interruption.of("interrupted", "no longer waiting: the execution is stopped", hint=hint) from None
        if json:
            output.print_json(found.as_json())
        else:
            show_aborted(output.stdout(), found)


def show_aborted(console: Console, found: Aborted) -> None:
    """What was stopped, and what it has cost."""
    console.print(Text.assemble((found.run, "bold"), "  ", ("aborted", "yellow")))
    for attempt in found.attempts:
        cost = "" if attempt.usd is None else f", ${attempt.usd:,.2f}"
        console.print(
            Text.assemble(f"  {attempt.name}  {attempt.status}  ", (f"{duration(attempt.seconds)}{cost}", "dim"))
        )
    spent = found.spent_usd
    lines = [
        ("by", Text(found.by)),
        ("reason", Text(found.reason)),
        ("spent", Text("no price is known" if spent is None else f"${spent:,.2f} on training and evaluation jobs")),
    ]
    if not found.stopped:
        lines.append(("still", Text("a job is stopping; SageMaker bills it until it has stopped", style="yellow")))
    console.print(facts(lines, console=console))
