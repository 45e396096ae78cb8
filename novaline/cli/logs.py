"""`novaline logs RUN JOB --env E`: what a job of a run writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from novaline.cli import output
from novaline.findings import Interruption, UsageProblem, nearest

if TYPE_CHECKING:
    from novaline.runs.job_logs import LogLine
    from novaline.runs.jobs import RunJob


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("logs", short_help="Show what a job of a run writes.")(logs)


def logs(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id, as `novaline runs` lists it.")],
    job: Annotated[
        str, typer.Argument(metavar="STAGE", help="A stage, or `<evaluation>-base`, `<evaluation>-candidate`.")
    ],
    *,
    env: Annotated[str, typer.Option("--env", "-e", metavar="NAME", help="The environment that it runs in.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come, until the run ends.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show what a job of a run writes: all attempts and hosts, each line with its time.

    The logs are SageMaker's, in the log group of all training jobs, and are kept as long as the environment says.
    """
    with output.reporting(json=json):
        if follow and json:
            hint = "leave out one of the two"
            raise UsageProblem.of(
                "wrong-usage", "--json is one document, --follow has no end until the run's", hint=hint
            )
        from novaline.runs.job_logs import JobLogs  # noqa: PLC0415 - boto3, which `--help` must not wait for
        from novaline.runs.jobs import run_jobs  # noqa: PLC0415 - likewise
        from novaline.runs.place import deployed_place  # noqa: PLC0415 - likewise
        from novaline.runs.status import require_run_id, run_status  # noqa: PLC0415 - likewise

        require_run_id(run)
        place = deployed_place(env)
        current = run_status(place.clients, place.resources, run)
        wanted = _named(job, run_jobs(place.clients, place.resources, run), run)
        reader = JobLogs(place.clients.logs, wanted)
        if json:
            lines = [line.as_json() for line in reader.new_lines()]
            output.print_json({"run": run, "job": wanted.name, "lines": lines})
            return
        if follow:
            try:
                shown = _show(
                    reader.follow(lambda: run_status(place.clients, place.resources, run).status != "running")
                )
            except KeyboardInterrupt:
                hint = f"the run goes on: novaline watch {run} --env {env}"
                raise Interruption.of("interrupted", "no longer reading", hint=hint) from None
        else:
            shown = _show(reader.new_lines())
        if not shown:
            what = "has written nothing yet" if current.status == "running" else "wrote nothing"
            output.stderr().print(
                Text(f"{wanted.name} {what}: where the run stands says novaline status {run} --env {env}")
            )


def _named(name: str, jobs: tuple[RunJob, ...], run: str) -> RunJob:
    found = next((job for job in jobs if job.name == name), None)
    if found is None:
        known = [job.name for job in jobs]
        close = nearest(name, known)
        hint = f"did you mean {close}?" if close else f"its jobs are {', '.join(known)}"
        raise UsageProblem.of("unknown-job", f"the run {run} has no job {name!r}", hint=hint)
    return found


def _show(lines: Iterable[LogLine]) -> int:
    """Prints the lines and counts them; a line that begins another log is preceded by its name."""
    console, stream, count = output.stdout(), "", 0
    for line in lines:
        count += 1
        if line.stream != stream:
            stream = line.stream
            console.print(Text(stream, style="bold"))
        console.print(Text.assemble((f"{line.at:%H:%M:%S}", "dim"), " ", line.text.rstrip("\n")))
    return count
