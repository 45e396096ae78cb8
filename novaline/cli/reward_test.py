"""`novaline reward test`: a reward function tried on one's own rows, on screen and as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from novaline.cli import output
from novaline.findings import Finding, UsageProblem, errors_in

if TYPE_CHECKING:
    from novaline.cli.reward_named import Named
    from novaline.rewards.laboratory.subject import Subject

_ROWS = 200
_ROWS_OF_A_MODEL = 5
_ROWS_DEPLOYED = 50


def register(group: typer.Typer) -> None:
    """Adds the command."""
    group.command("test", short_help="Try a reward on your rows: order, exploits, contract, speed.")(try_reward)


def try_reward(
    reward: Annotated[
        str,
        typer.Argument(
            metavar="REWARD",
            help="A reward of the environment, a kind of the library, or FILE.py:function.",
            show_default=False,
        ),
    ],
    *,
    data: Annotated[
        Path, typer.Option("--data", metavar="FILE", help="Your RFT rows: a file of JSON lines.", show_default=False)
    ],
    env: Annotated[
        str | None, typer.Option("--env", "-e", metavar="NAME", help="The environment, a file in environments/.")
    ] = None,
    environment_file: Annotated[
        Path | None, typer.Option("--environment-file", metavar="FILE", help="Or its file, wherever it is.")
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--options", metavar="NAME=VALUE", help="An option of the reward, or JSON with several; repeat."),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option("--answers", metavar="FILE", help='Your model\'s answers: lines {"id": …, "answer": …}.'),
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option("--rows", metavar="N", min=1, help="Rows to take. Default: 200, deployed 50, a judge 5."),
    ] = None,
    deployed: Annotated[
        bool, typer.Option("--deployed", help="Call the environment's function in AWS, not the code here.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with charts as well.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Try a reward on your rows before a model learns from it.

    Makes right, worse and cheating answers to your rows, has them scored as training would, and tells what comes of it:
    whether right answers score higher, what cheating earns, whether the contract holds, and how fast it is. Exit status
    1 when a run should not be paid for.
    """
    with output.reporting(json=json):
        from novaline.cli.reward_named import environment_of, named, read_options  # noqa: PLC0415  # `--help` is quick

        _check_places(data, html, answers)
        environment, root = environment_of(env, environment_file)
        found = named(reward, environment, root, read_options(options or []))
        if deployed and environment is None:
            message = "--deployed calls the function of an environment, and none is named"
            raise UsageProblem.of("no-environment", message, hint="add --env NAME")
        if deployed and options:
            message = "a deployed function has the options that it was deployed with"
            raise UsageProblem.of("wrong-option", message, hint="leave --options out, or --deployed")
        subject = _deployed(found) if deployed else _local(found)
        most = rows or (_ROWS_OF_A_MODEL if found.calls_model else _ROWS_DEPLOYED if deployed else _ROWS)
        _examine(found, subject, data, most, answers=answers, html=html, json=json)


def _examine(
    found: Named, subject: Subject, data: Path, most: int, *, answers: Path | None, html: Path | None, json: bool
) -> None:
    from novaline.cli.reward_own import its_words_aside, warnings_of  # noqa: PLC0415  # likewise
    from novaline.cli.reward_test_view import show_examination  # noqa: PLC0415  # likewise
    from novaline.rewards.laboratory.examine import examine  # noqa: PLC0415  # likewise
    from novaline.rewards.laboratory.judgement import judge  # noqa: PLC0415  # likewise
    from novaline.rewards.laboratory.own_answers import read_answers  # noqa: PLC0415  # likewise
    from novaline.rewards.laboratory.rows import read_rows  # noqa: PLC0415  # likewise

    taken = read_rows(data, most)
    own, others = read_answers(answers, taken.taken) if answers is not None else ([], 0)
    console = output.stderr()
    if found.calls_model and not json:
        text = f"about {len(taken.taken) * 60 + 60:,} answers go to a model, which costs money; --rows makes it fewer"
        console.print(Text(text, style="yellow"))
    quiet = json or not console.is_terminal
    with its_words_aside():
        examined = examine(
            subject,
            taken,
            own=own,
            report=lambda text: None if quiet else console.print(Text(f"{text} …", style="dim")),
        )
    findings = [*judge(examined, timeout_seconds=found.timeout_seconds), *warnings_of(found)]
    if others:
        message = f"{others:,} of {others + len(own):,} answers in {answers} belong to none of the rows that were taken"
        hint = f"they were not scored: {len(taken.taken):,} of {taken.in_all:,} rows were taken, --rows takes more"
        findings.append(Finding(code="answers-left-out", severity="warning", message=message, hint=hint))
    if html is not None:
        from novaline.reporting.page import write  # noqa: PLC0415  # likewise
        from novaline.rewards.laboratory.page import examination_page  # noqa: PLC0415  # likewise

        write(examination_page(examined, findings), html)
    if json:
        told = {"findings": [finding.as_json() for finding in findings], "html": None if html is None else str(html)}
        output.print_json({**examined.as_json(), **told})
    else:
        show_examination(examined, findings, console=output.stdout())
        if html is not None:
            output.stdout().print(Text.assemble("\nThe page: ", (str(html), "bold")))
    if errors_in(findings):
        raise typer.Exit(1)


def _local(found: Named) -> Subject:
    from novaline.cli.reward_named import scorer_of  # noqa: PLC0415  # `--help` must not wait for it
    from novaline.rewards.laboratory.subject import LocalSubject  # noqa: PLC0415  # likewise

    if found.calls_model:
        from novaline.cli.reward_asking import prepare_to_ask  # noqa: PLC0415  # likewise

        prepare_to_ask(found.environment)
    return LocalSubject(scorer=scorer_of(found), calls_model=found.calls_model, timeout_seconds=found.timeout_seconds)


def _deployed(found: Named) -> Subject:
    from novaline.environments.names import reward_function_name  # noqa: PLC0415 - boto3, which `--help` must not wait for
    from novaline.rewards.laboratory.deployed import DeployedSubject  # noqa: PLC0415 - likewise
    from novaline.runs.clients import account_client  # noqa: PLC0415 - likewise
    from novaline.runs.deployed import require_account  # noqa: PLC0415 - likewise

    environment = found.environment
    assert environment is not None, "asked for before"
    require_account(account_client("sts", environment.region), environment)
    return DeployedSubject(
        client=account_client("lambda", environment.region),
        function=reward_function_name(environment.name, found.spec.name),
        name=found.spec.name,
        calls_model=found.calls_model,
    )


def _check_places(data: Path, html: Path | None, answers: Path | None) -> None:
    """Refuses what cannot be read or written before any work is done."""
    for path, what in ((data, "your RFT rows"), (answers, "your model's answers")):
        if path is not None and not path.is_file():
            found = "is a folder" if path.is_dir() else "does not exist"
            raise UsageProblem.of("no-such-file", f"{path} {found}", hint=f"name the file with {what}")
    if html is None:
        return
    from novaline.reporting import extra  # noqa: PLC0415  # only a page needs it

    extra.require()
    if html.is_dir():
        raise UsageProblem.of("not-a-file", f"{html} is a folder", hint=f"name a file in it: {html / 'reward.html'}")
    if not html.parent.is_dir():
        message = f"there is no folder {html.parent} to write the page to"
        raise UsageProblem.of("no-such-folder", message, hint="make it")
    if html.exists() and any(path is not None and html.samefile(path) for path in (data, answers)):
        raise UsageProblem.of("same-file", f"{html} is your data: the page would replace it", hint="name another file")
