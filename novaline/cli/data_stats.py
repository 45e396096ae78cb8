"""`novaline data stats`: a dataset in figures, on screen and as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from novaline.cli import output
from novaline.findings import NovalineError, UsageProblem, nearest


def register(group: typer.Typer) -> None:
    """Adds the command."""
    group.command("stats", short_help="Show a dataset in figures, on screen or as a page.")(stats)


def stats(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="The dataset: a file of JSON lines.", show_default=False)
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
        _check_places(path, html)

        from novaline.cli.data_stats_view import show_statistics  # noqa: PLC0415  # likewise
        from novaline.datasets.stats.measure import measure  # noqa: PLC0415  # likewise
        from novaline.datasets.stats.remarks import remarks  # noqa: PLC0415  # likewise

        found = measure(path, FORMATS[format_name])
        if not found.rows:
            raise _nothing_readable(path, format_name, found.unreadable.rows)
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


def _check_places(path: Path, html: Path | None) -> None:
    """Refuses what cannot be read or written before any work is done."""
    if not path.exists():
        raise UsageProblem.of("no-such-file", f"there is no file {path}", hint="name a dataset: a file of JSON lines")
    if path.is_dir():
        raise UsageProblem.of("not-a-file", f"{path} is a folder", hint="name one of the files in it")
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
    if html.exists() and html.samefile(path):
        raise UsageProblem.of(
            "same-file", f"{html} is the dataset: the page would replace it", hint="name another file"
        )


def _nothing_readable(path: Path, format_name: str, unreadable: int) -> NovalineError:
    if not unreadable:
        return NovalineError.of("no-rows", "the file has no rows", file=str(path), hint="every line is one JSON object")
    hint = f"`novaline data validate {path} --format {format_name}` says why"
    message = f"none of the file's {unreadable:,} lines is a row of the format {format_name}"
    return NovalineError.of("unreadable-rows", message, file=str(path), hint=hint)
