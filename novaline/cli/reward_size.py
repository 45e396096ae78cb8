"""`novaline reward size`: how many calls at once a reward needs, what a step waits for it, and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from novaline.cli import output
from novaline.findings import Finding, NovalineError, UsageProblem, errors_in, nearest

if TYPE_CHECKING:
    from novaline.customization.checks import Checked
    from novaline.customization.model import Stage


def register(group: typer.Typer) -> None:
    """Adds the command."""
    group.command("size", short_help="Size a stage's reward: concurrency, wait, cost. Offline.")(size)


def size(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The customization file.")],
    *,
    env: Annotated[str, typer.Option("--env", "-e", metavar="NAME", help="The environment, a file in environments/.")],
    stage: Annotated[
        str | None, typer.Option("--stage", metavar="NAME", help="The stage, where several are reinforcement.")
    ] = None,
    latency_ms: Annotated[
        float | None,
        typer.Option(
            "--latency-ms", metavar="X", min=0, help="What one sample takes in a batch. Default: measured here."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE", help="Rows to measure on. Default: the stage's training data."),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", metavar="N", min=1, help="Samples in a call. Default: 128.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", metavar="N", min=1, help="Calls at once, in place of the recipe's.")
    ] = None,
    step_seconds: Annotated[
        float | None,
        typer.Option(
            "--step-seconds", metavar="S", min=0.001, help="What a step takes beside its rewards, from a log."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Size the reward of a reinforcement stage. Offline; a judge is not asked, so say its --latency-ms."""
    with output.reporting(json=json):
        from novaline.cli.reward_size_view import show_sizing  # noqa: PLC0415  # `--help` must not wait for it
        from novaline.cli.reward_sizing import Wanted, size_stage  # noqa: PLC0415  # likewise
        from novaline.customization.checks import check_file  # noqa: PLC0415  # likewise
        from novaline.customization.limits import OF_MONEY  # noqa: PLC0415  # likewise
        from novaline.rewards.sizing import warnings_of  # noqa: PLC0415  # likewise
        from novaline.runs.launch import environment_named  # noqa: PLC0415  # likewise

        environment = environment_named(env)
        checked = check_file(file, environment=environment, tolerated=OF_MONEY)
        if data is not None and not data.is_file():
            raise UsageProblem.of("no-such-file", f"{data} does not exist", hint="name a file of RFT rows")
        wanted = Wanted(
            latency_seconds=None if latency_ms is None else latency_ms / 1000,
            data=data,
            batch=batch_size,
            concurrency=concurrency,
            step_seconds=step_seconds,
        )
        sized = size_stage(checked, _stage(checked, stage), environment, wanted)
        findings = [
            Finding(
                code=each.code,
                severity="error" if each.severe else "warning",
                message=each.message,
                hint=each.hint,
            )
            for each in warnings_of(sized.sizing, reserved=sized.reserved)
        ]
        if json:
            output.print_json({**sized.as_json(), "findings": [finding.as_json() for finding in findings]})
        else:
            show_sizing(sized, findings, console=output.stdout())
        if errors_in(findings):
            raise typer.Exit(1)


def _stage(checked: Checked, name: str | None) -> Stage:
    """The stage that is meant. Raises when there is none, or more than one."""
    stages = {stage.name: stage for stage in checked.customization.stages if stage.reward is not None}
    file = checked.document.file
    if not stages:
        message = "no stage is trained by a reward"
        raise NovalineError.of("no-reward", message, file=file, hint="`technique: rft` with `reward: NAME` is")
    if name is None and len(stages) == 1:
        return next(iter(stages.values()))
    if name is None:
        message = f"several stages are trained by a reward: {', '.join(stages)}"
        raise UsageProblem.of("which-stage", message, hint="say --stage NAME")
    if name not in stages:
        close = nearest(name, stages)
        hint = f"did you mean {close}?" if close else f"those with a reward are {', '.join(stages)}"
        raise UsageProblem.of("unknown-stage", f"no stage {name!r} is trained by a reward", hint=hint)
    return stages[name]
