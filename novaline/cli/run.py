"""`novaline run FILE --env E`: check, upload, start, and watch if asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from novaline.cli import output
from novaline.cli.status import exit_code, show_status
from novaline.cli.steps_view import screen_view
from novaline.findings import Interruption


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("run", short_help="Customize a model in an AWS account. Costs money.")(run)


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The customization file.")],
    *,
    env: Annotated[str, typer.Option("--env", "-e", metavar="NAME", help="The environment, a file in environments/.")],
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Watch the run until it has ended.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Customize a model in the account of an environment. Costs money: `novaline plan` says how much."""
    with output.reporting(json=json):
        code = _perform(file, env=env, wait=wait, json=json)
    raise typer.Exit(code)


def _perform(file: Path, *, env: str, wait: bool, json: bool) -> int:
    from novaline.runs import launch as work  # noqa: PLC0415 - pydantic and the recipes, which `--help` needs not
    from novaline.runs.reached import ReachedEnvironment  # noqa: PLC0415 - likewise

    environment = work.environment_named(env)
    reached = ReachedEnvironment(environment)  # not before it must be: a mistake in the file must not wait for boto3
    given = work.order(file, environment, stored=reached)
    name = given.run
    look = f"novaline status {name} --env {env}"
    from novaline.runs.follow import Follower  # noqa: PLC0415 - pydantic and the recipes, which `--help` needs not
    from novaline.runs.status import watch  # noqa: PLC0415 - likewise
    from novaline.runs.steps import Board  # noqa: PLC0415 - likewise
    from novaline.runs.trial import trial_in_words  # noqa: PLC0415 - likewise

    console = output.stderr() if json else output.stdout()
    clients = reached.clients
    output.print_findings(given.checked.findings)
    console.print(Text(given.in_words()))
    view = screen_view(console)
    with view:
        board = Board(view=view)
        with board.step(f"Find the environment {env}") as step:
            board.detail(step, reached.caller)
            resources = reached.resources
        compiled = work.compiled(given, resources)
        try:
            with board.step("Upload data and claim, start the run") as step:
                arn = work.launch(clients, compiled, resources, report=lambda text: board.detail(step, text))
                board.detail(step, name)
        except KeyboardInterrupt:
            message = "interrupted while the run was being uploaded and started"
            hint = f"see whether it has begun: {look}"
            raise Interruption.of("interrupted", message, hint=hint) from None
        last, interrupted = None, False
        if wait:
            follower = Follower(
                board=board,
                logs=clients.logs,
                training_jobs=work.training_jobs(compiled),
                trial=lambda stage: trial_in_words(clients, resources, name, stage),
            )
            try:
                last = follower.follow(watch(clients, resources, name))
            except KeyboardInterrupt:
                interrupted = True
            finally:
                if last is None:
                    output.stderr().print(Text(f"no longer watching; the run goes on: {look}"))
    if json:
        started = {"run": name, "environment": env, "execution_arn": arn, "cost": given.checked.cost.as_json()}
        output.print_json({**started, "result": None if last is None else last.as_json()})
    elif last is not None:
        show_status(console, last)
    elif not interrupted:
        console.print(Text(f"started {name}; look at it with: {look}"))
    if interrupted:
        return Interruption.exit_code
    return 0 if last is None else exit_code(last)
