"""`novaline data stats`: a dataset in figures, on screen and as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from novaline.cli import output
from novaline.findings import NovalineError, UsageProblem, nearest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from novaline.datasets.engine.files import DataFile


def register(group: typer.Typer) -> None:
    """Adds the command."""
    group.command("stats", short_help="Show a dataset in figures, on screen or as a page.")(stats)


def stats(
    name: Annotated[
        str,
        typer.Argument(metavar="FILE", help="The dataset: a file of JSON lines, also .gz, .zst, s3://…"),
    ],
    *,
    format_name: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAME", help="Format of its rows: sft, dpo, rft, gen_qa …", show_default=False
        ),
    ],
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page with charts as well.", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show a dataset in figures: rows, turns, estimated tokens, labels, what repeats, and what deserves a look."""
    with output.reporting(json=json):
        from novaline.datasets.formats.catalogue import FORMATS  # noqa: PLC0415  # `--help` must not wait for it

        if format_name not in FORMATS:
            close = nearest(format_name, FORMATS)
            hint = f"did you mean {close}?" if close else f"the formats are {', '.join(FORMATS)}"
            raise UsageProblem.of("unknown-format", f"there is no format {format_name!r}", hint=hint)
        _check_places(name, html)

        from novaline.cli.data_stats_view import show_statistics  # noqa: PLC0415  # likewise
        from novaline.datasets.stats.measure import measure  # noqa: PLC0415  # likewise
        from novaline.datasets.stats.remarks import remarks  # noqa: PLC0415  # likewise

        found = measure(_file(name), FORMATS[format_name])
        if not found.rows:
            raise _nothing_readable(name, format_name, found.unreadable.rows)
        if html is not None:
            from novaline.datasets.stats.page import stats_page  # noqa: PLC0415  # likewise
            from novaline.reporting.page import write  # noqa: PLC0415  # likewise

            write(stats_page(found), html)
        if json:
            told = {"remarks": [remark.as_json() for remark in remarks(found)], "findings": []}
            output.print_json({**found.as_json(), **told, "html": None if html is None else str(html)})
            return
        show_statistics(found, console=output.stdout())
        if html is not None:
            output.stdout().print(Text.assemble("\nThe page: ", (str(html), "bold")))


def _file(name: str) -> DataFile:
    """The dataset. Raises UsageProblem when a name in S3 stands for nothing, or for several objects."""
    from novaline.datasets.engine.files import LocalFile  # noqa: PLC0415  # `--help` must not wait for it
    from novaline.datasets.readers.sources import source_of  # noqa: PLC0415  # likewise
    from novaline.datasets.source_files import data_files  # noqa: PLC0415  # likewise

    local = source_of(name, kind="jsonl")
    if not _in_s3(name) and (local is None or local.compression is None):
        return LocalFile(Path(name))
    found = data_files([name], s3=_s3)
    if len(found) > 1:
        raise UsageProblem.of("not-a-file", f"{name} stands for {len(found):,} objects", hint="name one of them")
    return found[0]


def _in_s3(name: str) -> bool:
    return name.startswith("s3://")


def _s3() -> S3Client:
    from novaline.datasets.readers.s3_objects import s3_client  # noqa: PLC0415 - boto3, for S3 only

    return s3_client()


def _check_places(name: str, html: Path | None) -> None:
    """Refuses what cannot be read or written before any work is done."""
    path = Path(name)
    if not _in_s3(name) and (not name or not path.exists()):
        raise UsageProblem.of("no-such-file", f"there is no file {name!r}", hint="name a dataset: a file of JSON lines")
    if not _in_s3(name) and path.is_dir():
        raise UsageProblem.of("not-a-file", f"{name} is a folder", hint="name one of the files in it")
    if html is None:
        return
    from novaline.reporting import extra  # noqa: PLC0415  # only a page needs it

    extra.require()
    if html.is_dir():
        raise UsageProblem.of("not-a-file", f"{html} is a folder", hint=f"name a file in it: {html / 'stats.html'}")
    if not html.parent.is_dir():
        raise UsageProblem.of(
            "no-such-folder", f"there is no folder {html.parent} to write the page to", hint="make it"
        )
    if not _in_s3(name) and html.exists() and html.samefile(path):
        raise UsageProblem.of(
            "same-file", f"{html} is the dataset: the page would replace it", hint="name another file"
        )


def _nothing_readable(name: str, format_name: str, unreadable: int) -> NovalineError:
    if not unreadable:
        return NovalineError.of("no-rows", "the file has no rows", file=name, hint="every line is one JSON object")
    hint = f"`novaline data validate {name} --format {format_name}` says why"
    message = f"none of the file's {unreadable:,} lines is a row of the format {format_name}"
    return NovalineError.of("unreadable-rows", message, file=name, hint=hint)
