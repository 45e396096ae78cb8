"""`novaline data prepare SOURCE… --to FORMAT`: rows of any source as rows of a format, split, with a manifest."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from novaline.cli import output as show
from novaline.findings import UsageProblem, errors_in

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from novaline.datasets.prepare.request import Asked
    from novaline.datasets.prepare.work import Request


class FormatName(StrEnum):
    """The formats that Nova takes."""

    SFT = "sft"
    DPO = "dpo"
    RFT = "rft"
    MULTI_TURN_RFT = "multi-turn-rft"
    CPT = "cpt"
    DISTILLATION = "distillation"
    GEN_QA = "gen_qa"
    LLM_JUDGE = "llm_judge"
    RUBRIC_LLM_JUDGE = "rubric_llm_judge"


class ShapeName(StrEnum):
    """What the rows of a source are."""

    OPENAI_CHAT = "openai-chat"
    PAIRS = "pairs"
    TABLE = "table"


class KindName(StrEnum):
    """Kinds of files, where a name does not tell."""

    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"
    TSV = "tsv"
    PARQUET = "parquet"
    ARROW = "arrow"


class SplitName(StrEnum):
    """The splits."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


def register(group: typer.Typer) -> None:
    """Adds the command to `novaline data`."""
    group.command("prepare", short_help="Convert and split data into a format that Nova takes.")(prepare)


def prepare(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Files, folders, patterns; local, s3://… or hf://owner/name."),
    ],
    *,
    to: Annotated[FormatName, typer.Option("--to", help="The format to write.")],
    output: Annotated[
        str | None, typer.Option("--output", metavar="DIR|FILE", help="A folder, or one .jsonl file.")
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="ROLE=COLUMN", help="Which column is what: a name, a place, a path."),
    ] = None,
    shape: Annotated[ShapeName | None, typer.Option("--from", help="What the rows are, if nobody can tell.")] = None,
    select: Annotated[
        list[str] | None,
        typer.Option("--select", metavar="KEY", help="Key of a JSON object, or split of a Hugging Face dataset."),
    ] = None,
    system: Annotated[
        str | None, typer.Option("--system", metavar="TEXT", help="System prompt of rows without one.")
    ] = None,
    system_file: Annotated[
        Path | None, typer.Option("--system-file", metavar="FILE", help="The same, from a file.")
    ] = None,
    make_pairs: Annotated[
        bool, typer.Option("--make-pairs", help="Set another answer of the data against each: for labels.")
    ] = False,
    split: Annotated[
        str | None, typer.Option("--split", metavar="80/10/10", help="Shares of train, validation and test.")
    ] = None,
    stratify: Annotated[
        str | None, typer.Option("--stratify", metavar="COLUMN", help="Give each of its values the same shares.")
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", metavar="COLUMN", help="Keep rows with the same value together.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**31, help="Another number, another split.")] = 0,
    split_like: Annotated[
        Path | None, typer.Option("--split-like", metavar="DIR", help="Split as an earlier output was split.")
    ] = None,
    only: Annotated[SplitName | None, typer.Option("--only", help="Write only this split.")] = None,
    bucket_owner: Annotated[
        str | None, typer.Option("--bucket-owner", metavar="ACCOUNT", help="Whose the buckets with pictures are.")
    ] = None,
    kind: Annotated[
        KindName | None, typer.Option("--kind", help="The files' kind, if their names do not tell.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option("--delimiter", metavar="CHAR", help="Between the fields of a CSV; 'tab' for tabs.")
    ] = None,
    no_header: Annotated[bool, typer.Option("--no-header", help="The first line of a CSV is a row.")] = False,
    no_quotes: Annotated[bool, typer.Option("--no-quotes", help="Quotes in a CSV are ordinary characters.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out rows that cannot be converted.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what an earlier run wrote.")] = False,
    samples: Annotated[
        int, typer.Option("--show", metavar="N", min=0, max=100, help="Print the first rows; alone, write nothing.")
    ] = 0,
    remote: Annotated[
        bool, typer.Option("--remote", help="Let AWS prepare what lies in S3, many ranges at once.")
    ] = False,
    environment: Annotated[
        str | None, typer.Option("--env", metavar="NAME", help="With --remote: the environment to use.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Convert data into a format that Nova takes: mapped, split so that no example ever moves, with a manifest."""
    with show.reporting(json=json):
        from novaline.cli.data_prepare_view import Progress, as_json, show_prepared  # noqa: PLC0415 - `--help` is fast
        from novaline.datasets.prepare import request as requests  # noqa: PLC0415 - likewise
        from novaline.datasets.prepare.pipeline import prepare as run  # noqa: PLC0415 - likewise

        asked = requests.Asked(
            sources=tuple(sources),
            format=to.value,
            output=None if remote or output is None else Path(output),
            mapping=tuple(mapping or ()),
            shape=None if shape is None else shape.value,
            select=tuple(select or ()),
            system=system,
            system_file=system_file,
            make_pairs=make_pairs,
            split=split,
            stratify=stratify,
            group=group,
            seed=seed,
            split_like=split_like,
            only=None if only is None else only.value,
            bucket_owner=bucket_owner,
            kind=None if kind is None else kind.value,
            delimiter=delimiter,
            header=not no_header,
            quotes=not no_quotes,
            skip_bad=skip_bad,
            overwrite=overwrite,
            show=samples,
        )
        if remote or environment is not None:
            _remotely(asked, output, environment, remote=remote, json=json)
            return
        request: Request = requests.request_of(asked, s3=_s3)
        with Progress(quiet=json) as progress:
            prepared = run(request, s3=_s3, report=progress.rows)
        if json:
            show.print_json(as_json(prepared))
        else:
            show_prepared(prepared, request)
        if errors_in(prepared.findings):
            raise typer.Exit(1)


def _remotely(asked: Asked, output: str | None, environment: str | None, *, remote: bool, json: bool) -> None:
    from novaline.cli.data_prepare_remote import prepare_remotely  # noqa: PLC0415 - for --remote only

    if not remote or environment is None:
        missing = "--env" if remote else "--remote"
        message = f"--remote and --env belong together, and {missing} is missing"
        raise UsageProblem.of("wrong-usage", message, hint="write for example `--remote --env dev`")
    prepare_remotely(asked, output=output, environment=environment, as_json=json)


@cache
def _s3() -> S3Client:
    from novaline.datasets.readers.s3_objects import s3_client  # noqa: PLC0415 - lazy as boto3

    return s3_client()
