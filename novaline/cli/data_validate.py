"""`novaline data validate PATH…`: is a dataset in its format, and is it good to learn from?"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from novaline.cli import output
from novaline.findings import UsageProblem, nearest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from novaline.datasets.report import Report
    from novaline.datasets.validate import ModelFacts, Options


def register(group: typer.Typer) -> None:
    """Adds the command to `novaline data`."""
    group.command("validate", short_help="Check datasets: every row, and all rows together.")(validate_data)


def validate_data(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files of JSON lines, folders, patterns, s3://…: one dataset."),
    ],
    *,
    format_name: Annotated[
        str | None,
        typer.Option("--format", "--technique", metavar="NAME", help="Format of the rows: sft, dpo, rft, gen_qa …"),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="The model to customize: nova-micro, nova-2-lite …")
    ] = None,
    platform: Annotated[
        str | None, typer.Option("--platform", metavar="NAME", help="Where: sagemaker, hyperpod, bedrock, serverless.")
    ] = None,
    max_length: Annotated[
        int | None, typer.Option("--max-length", metavar="TOKENS", min=1, help="The recipe's max_length.")
    ] = None,
    held_out: Annotated[
        list[str] | None,
        typer.Option("--held-out", metavar="FILE", help="An evaluation's data, which these rows must not hold."),
    ] = None,
    sensitive: Annotated[
        bool, typer.Option("--sensitive/--no-sensitive", help="Look for secrets and personal data.")
    ] = True,
    strict: Annotated[bool, typer.Option("--strict", help="Every warning is an error.")] = False,
    processes: Annotated[
        int | None, typer.Option("--processes", metavar="N", min=1, max=64, help="Default: as many as pay.")
    ] = None,
    remote: Annotated[
        bool, typer.Option("--remote", help="Let AWS read what lies in S3, many ranges at once.")
    ] = False,
    environment: Annotated[
        str | None, typer.Option("--env", metavar="NAME", help="With --remote: the environment to use.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Check datasets against their format, their model and one another. Exit status 1: a job would break on them."""
    with output.reporting(json=json):
        options = _options(
            format_name,
            paths,
            model=model,
            platform=platform,
            max_length=max_length,
            sensitive=sensitive,
            strict=strict,
        )
        if remote or environment is not None:
            _remotely(paths, held_out or [], environment, options, remote=remote, json=json)
            return
        from novaline.datasets.source_files import data_files  # noqa: PLC0415 - `--help` must not wait for it
        from novaline.datasets.validate import validate  # noqa: PLC0415 - likewise

        client = cache(_s3)
        files = data_files(paths, s3=client)
        evaluations = data_files(held_out, s3=client) if held_out else []
        report = validate(files, options, held_out=evaluations, processes=processes)
        show(report, json=json)
        if report.errors:
            raise typer.Exit(1)


def show(report: Report, *, json: bool) -> None:
    """Prints a report: as one JSON document, or the findings and one line about the dataset."""
    if json:
        output.print_json(report.as_json())
        return
    findings = [finding.finding for finding in report.findings]
    output.print_findings(findings)
    name = report.files[0].path if len(report.files) == 1 else f"{len(report.files):,} files"
    verdict = ("not ok", "bold red") if report.errors else ("ok", "bold green")
    rows = "1 row" if report.rows == 1 else f"{report.rows:,} rows"
    figures = f"{rows}, {_size(report.bytes)}, about {report.tokens:,} tokens"
    text = Text.assemble((f"{name}: ", "bold"), verdict, f" ({output.summary(findings)}; {figures})")
    output.stdout().print(text)


def _options(
    name: str | None,
    paths: list[str],
    *,
    model: str | None,
    platform: str | None,
    max_length: int | None,
    sensitive: bool,
    strict: bool,
) -> Options:
    from novaline.datasets.formats.catalogue import FORMATS  # noqa: PLC0415 - `--help` must not wait for it
    from novaline.datasets.validate import Options  # noqa: PLC0415 - likewise

    if name is None:
        raise UsageProblem.of("no-format", "nobody says which format the rows have", hint=_format_hint(paths))
    if name not in FORMATS:
        close = nearest(name, FORMATS)
        hint = f"did you mean {close}?" if close else f"the formats are {', '.join(FORMATS)}"
        raise UsageProblem.of("unknown-format", f"there is no format {name!r}", hint=hint)
    platforms = ("sagemaker", "hyperpod", "bedrock", "serverless")
    if platform is not None and platform not in platforms:
        message = f"there is no platform {platform!r}"
        raise UsageProblem.of("unknown-platform", message, hint=f"the platforms are {', '.join(platforms)}")
    return Options(
        format=name,
        model=None if model is None else _model(model),
        platform=platform,
        max_length=max_length,
        sensitive=sensitive,
        strict=strict,
        evaluation=name in ("gen_qa", "llm_judge", "rubric_llm_judge"),
    )


def _model(name: str) -> ModelFacts:
    from novaline.datasets.validate import ModelFacts  # noqa: PLC0415 - `--help` must not wait for it
    from novaline.recipes.catalogue import catalogue  # noqa: PLC0415 - likewise

    known = catalogue().models()
    if name not in known:
        close = nearest(name, known)
        hint = f"did you mean {close}?" if close else f"the models are {', '.join(known)}"
        raise UsageProblem.of("unknown-model", f"there is no model {name!r}", hint=hint)
    return ModelFacts.of(catalogue().model(name))


def _format_hint(paths: list[str]) -> str:
    """What to write, by what the first row looks like."""
    import json  # noqa: PLC0415 - here `json` is an option elsewhere

    from novaline.datasets.formats.catalogue import FORMATS  # noqa: PLC0415 - `--help` must not wait for it
    from novaline.datasets.formats.misfits import looks_like  # noqa: PLC0415 - likewise

    names = f"write --format, one of {', '.join(FORMATS)}"
    path = Path(paths[0])
    if not path.is_file():
        return names
    with path.open("rb") as file:
        first = file.readline(1 << 20)
    try:
        row = json.loads(first)
    except (ValueError, RecursionError):
        return names
    guess = looks_like(row) if isinstance(row, dict) else None
    return f"the first row looks like `--format {guess}`" if guess else names


def _remotely(
    paths: list[str], held_out: list[str], environment: str | None, options: Options, *, remote: bool, json: bool
) -> None:
    from novaline.cli.data_remote import validate_remotely  # noqa: PLC0415 - boto3, for --remote only

    if not remote or environment is None:
        missing = "--env" if remote else "--remote"
        message = f"--remote and --env belong together, and {missing} is missing"
        raise UsageProblem.of("wrong-usage", message, hint="write for example `--remote --env dev`")
    status = validate_remotely(paths, held_out=held_out, environment=environment, options=options, as_json=json)
    if status:
        raise typer.Exit(status)


def _s3() -> S3Client:
    from novaline.datasets.readers.s3_objects import s3_client  # noqa: PLC0415 - boto3, for S3 only

    return s3_client()


def _size(size: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:,} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000  # type: ignore[assignment]  # a float from here on
    return f"{size:,.1f} GB"
