"""`novaline rehearse FILE`: bootstrap, deploy, customize, ask and destroy, in an embedded AWS."""

from __future__ import annotations

import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from novaline.cli import output
from novaline.cli.steps_view import screen_view
from novaline.cli.summary_view import facts, summary_view
from novaline.findings import Interruption, NovalineError, UsageProblem
from novaline.places import project_root

if TYPE_CHECKING:
    from novaline.rehearsal.outcome import Outcome


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("rehearse", short_help="Rehearse the whole run on this computer, for nothing.")(rehearse)


def rehearse(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The customization file.")],
    *,
    env: Annotated[
        str, typer.Option("--env", "-e", metavar="NAME", help="The environment to rehearse, a file in environments/.")
    ] = "dev",
    output_folder: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FOLDER", help="Where the run's folder goes, if not to .novaline/rehearsals/."
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", metavar="URI=FILE", help="Local rows that stand for data in S3; may be given again."),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the embedded AWS running, with the model deployed, until Ctrl-C.")
    ] = False,
    port: Annotated[
        int | None, typer.Option("--port", metavar="PORT", min=1, max=65535, help="Its port, if not a free one.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Customize a stand-in model in an embedded AWS on this computer: no account, no Docker, no cost."""
    with output.reporting(json=json):
        code = _perform(file, env=env, destination=output_folder, data=data or [], keep=keep, port=port, json=json)
    raise typer.Exit(code)


def _perform(
    file: Path, *, env: str, destination: Path | None, data: list[str], keep: bool, port: int | None, json: bool
) -> int:
    root = _checkout()
    _require_extras()
    from novaline.environments import load_environments  # noqa: PLC0415 - what `--help` must not wait for
    from novaline.rehearsal import session as work  # noqa: PLC0415 - likewise, and boto3
    from novaline.rehearsal.emulator import require_port  # noqa: PLC0415 - likewise
    from novaline.rehearsal.interrupts import Interrupted  # noqa: PLC0415 - likewise
    from novaline.rehearsal.outcome import STAND_IN  # noqa: PLC0415 - likewise
    from novaline.rehearsal.stand_ins import StandIns  # noqa: PLC0415 - likewise
    from novaline.runs.folder import require_free  # noqa: PLC0415 - likewise
    from novaline.runs.launch import environment_named, order  # noqa: PLC0415 - likewise
    from novaline.runs.steps import Board  # noqa: PLC0415 - likewise

    console = output.stderr() if json else output.stdout()
    stand_ins = StandIns.of(data)
    given = order(file, environment_named(env, root=root), stored=stand_ins)
    stand_ins.require_all_used()
    load_environments(root / "environments")  # the app synthesizes all of them, whichever is rehearsed
    target = destination or work.default_output(root, given.run)
    require_free(target)
    require_port(port)
    plan = work.Plan(order=given, root=root, output=target, keep=keep, port=port)
    printed = False
    output.print_findings(given.checked.findings)
    _announce(console, plan.run, given.in_words(), STAND_IN)
    try:
        view = screen_view(console)
        with work.Session(plan, Board(view=view)) as session:
            with view:
                outcome = session.perform()
            if json:
                printed = True
                output.print_json(outcome.as_json())
            else:
                _show(console, outcome, stand_in=STAND_IN)
            if keep:
                _show_endpoint(console, session.endpoint())
                session.wait()
    except Interrupted:
        message = "interrupted: what was started has been stopped, what was half written has been removed"
        if printed:  # one document on stdout, not two
            output.stderr().print(Text(message))
            return Interruption.exit_code
        raise Interruption.of("interrupted", message) from None
    except BrokenPipeError:
        raise  # nobody reads what we say any more; the session has ended what it started
    except OSError as problem:
        what = f"{problem.filename}: {problem.strerror}" if problem.filename else str(problem)
        message = f"the rehearsal could not write or start something: {what}"
        raise NovalineError.of(
            "system-problem", message, hint="is there space, and may the folder be written?"
        ) from None
    return outcome.exit_code


def _checkout() -> Path:
    root = project_root()
    if root is None:
        message = "a rehearsal deploys the Novaline repository's stacks, and there is no checkout of it here"
        raise UsageProblem.of("no-checkout", message, hint="change into the repository (the folder with cdk.json)")
    return root


def _require_extras() -> None:
    needed = {"ministack": "rehearsal", "sklearn": "rehearsal", "trustme": "rehearsal", "aws_cdk": "cdk"}
    missing = {package: extra for package, extra in needed.items() if find_spec(package) is None}
    if missing:
        message = f"the Python packages {', '.join(missing)} are missing"
        hint = "run `make setup` in the repository, or `pip install 'novaline[cdk,rehearsal]'`"
        raise NovalineError.of("missing-extra", message, hint=hint)


def _announce(console: Console, run: str, what: str, stand_in: str) -> None:
    console.print(Text.assemble(("Rehearsal ", "bold"), (run, "bold cyan")))
    console.print(Text(what))
    console.print(Text(stand_in, style="yellow"), soft_wrap=False)
    console.print()


def _show(console: Console, outcome: Outcome, *, stand_in: str) -> None:
    if outcome.summary:
        console.print(summary_view(outcome.summary, console=console))
    lines = []
    if outcome.answer:
        lines += [
            ("asked", Text(_short(outcome.answer.question.query))),
            ("expected", Text(_short(outcome.answer.question.expected))),
            ("answered", Text(_short(outcome.answer.text), style="bold")),
        ]
    lines += [("folder", Text(_from_here(outcome.folder))), ("took", Text(f"{outcome.seconds:.1f} s"))]
    console.print(facts(lines, console=console))
    if outcome.summary:
        console.print()
        console.print(Text(stand_in, style="yellow"), soft_wrap=False)
    if outcome.findings:
        console.print()
        output.print_findings(outcome.findings)


def _show_endpoint(console: Console, variables: dict[str, str]) -> None:
    console.print()
    console.print(Text("The embedded AWS stays up until Ctrl-C. To use it from another shell:", style="bold"))
    for name, value in sorted(variables.items()):
        console.print(Text(f"export {name}={shlex.quote(value)}"))


def _short(text: str, longest: int = 300) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _from_here(folder: Path) -> str:
    """The folder as a person would type it: relative, when it lies below the working directory."""
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else str(folder)
