"""`novaline plan FILE --env E`: everything that a run would do and cost. Offline, within two seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from novaline.cli import output
from novaline.findings import errors_in


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("plan", short_help="Show what a run would do and cost, offline.")(plan)


def plan(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The customization file.")],
    *,
    env: Annotated[str, typer.Option("--env", "-e", metavar="NAME", help="The environment, a file in environments/.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show what a run would do and cost. Offline: no AWS account, no cost."""
    with output.reporting(json=json):
        _plan(file, env, json=json)


def _plan(file: Path, env: str, *, json: bool) -> None:
    from novaline.customization.checks import check_file  # noqa: PLC0415  # `--help` must not wait for it
    from novaline.customization.compile import compile_run  # noqa: PLC0415  # likewise
    from novaline.customization.limits import OF_MONEY  # noqa: PLC0415  # likewise
    from novaline.customization.plan import make_plan  # noqa: PLC0415  # likewise
    from novaline.requests.resources import Resources  # noqa: PLC0415  # likewise
    from novaline.runs.launch import environment_named  # noqa: PLC0415  # likewise

    environment = environment_named(env)
    # What is too dear is shown all the same: the plan is where a person sees why, and the cheaper way.
    checked = check_file(file, environment=environment, tolerated=OF_MONEY)
    resources = Resources.placeholder(environment)
    now = datetime.now(tz=UTC).replace(microsecond=0)
    compiled = compile_run(
        checked,
        environment=environment,
        resources=resources,
        run="planned",
        created=now.isoformat().replace("+00:00", "Z"),
    )
    planned = make_plan(checked, compiled, environment=environment, resources=resources)
    if json:
        output.print_json(planned.as_json())
    else:
        from novaline.cli.plan_view import show_plan  # noqa: PLC0415  # only a person needs it

        output.print_findings(checked.findings)
        show_plan(planned, console=output.stdout())
    if errors_in(checked.findings):
        raise typer.Exit(1)
