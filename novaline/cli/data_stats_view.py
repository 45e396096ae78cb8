"""A dataset's statistics on screen: one compact table of lengths, the labels, and what deserves a look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from novaline.cli.summary_view import facts
from novaline.datasets.stats.distribution import Distribution
from novaline.datasets.stats.labels import Labels
from novaline.datasets.stats.model import Statistics, text_lengths
from novaline.datasets.stats.remarks import Remark, lines_text, percent, remarks, rows_text
from novaline.reporting.wording import shown, size_text

_MOST_LABELS = 10
_BAR = 24
_SHAPE = 20
_NARROWEST_SHAPE = 8
_HEIGHTS = ("▁▂▃▄▅▆▇█", "_.-=+*%#")
_STYLES = {"error": "bold red", "warning": "bold yellow", "information": "bold cyan"}


def show_statistics(found: Statistics, *, console: Console) -> None:
    """Prints the statistics, as wide as the console is."""
    ascii_only = console.options.ascii_only
    console.print(Text.assemble((shown(found.file), "bold"), f"  {found.format}, {size_text(found.bytes)}\n"))
    for line in _lengths(found, console.width, ascii_only=ascii_only):
        console.print(line)
    console.print()
    console.print(facts(_facts(found), console=console))
    if found.labels is not None and found.labels.imbalance > 1:
        console.print()
        for line in _labels(found.labels, console.width, ascii_only=ascii_only):
            console.print(line)
    told = remarks(found)
    if told:
        console.print()
    for remark in told:
        console.print(_remark(remark))


def _lengths(found: Statistics, width: int, *, ascii_only: bool) -> Iterator[Text]:
    """One line for each kind of text, with its histogram where the width allows it."""
    rows: list[tuple[str, ...]] = [("tokens, estimated", "median", "90 %", "99 %", "longest", "in all")]
    for name, lengths in text_lengths(found):
        quantiles = (f"{lengths.quantile(share):,}" for share in (0.5, 0.9, 0.99))
        rows.append((name, *quantiles, f"{lengths.largest:,}", f"{lengths.total:,}"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    room = min(width - sum(widths) - 2 * len(widths) - 4, _SHAPE)
    shapes = ["", *(_shape(lengths, room, ascii_only=ascii_only) for _, lengths in text_lengths(found))]
    for number, (row, shape) in enumerate(zip(rows, shapes, strict=True)):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(size) for cell, size in zip(row[1:], widths[1:], strict=True))]
        text = Text("  " + "  ".join(cells), style="dim" if not number else "", no_wrap=True)
        yield text.append(f"   {shape}", style="blue") if shape else text


def _shape(lengths: Distribution, room: int, *, ascii_only: bool) -> str:
    """A histogram of one line; empty when all values are the same, or there is no room."""
    spans = lengths.spans()
    if len(lengths.counts) < 2 or room < _NARROWEST_SHAPE:
        return ""
    group = -(-len(spans) // room)
    sums = [sum(span.count for span in spans[start : start + group]) for start in range(0, len(spans), group)]
    heights, top = _HEIGHTS[ascii_only], max(sums)
    return "".join(heights[-(-count * len(heights) // top) - 1] if count else " " for count in sums).rstrip()


def _facts(found: Statistics) -> Iterator[tuple[str, Text]]:
    yield "rows", Text(f"{found.rows:,}" + (f", all of {_turns(found)}" if len(found.turns.counts) == 1 else ""))
    if len(found.turns.counts) > 1:
        yield "messages", Text(_turns(found))
    if found.labels is not None:
        yield "labels", Text(_labels_text(found.labels))
    if found.systems.rows:
        different = "more than 1,000" if found.systems.different is None else f"{found.systems.different:,}"
        rows = "every row" if found.systems.rows == found.rows else rows_text(found.systems.rows)
        yield "system", Text(f"in {rows}; {different} different text{'' if different == '1' else 's'}")
    for name, rows_ in found.features.items():
        yield name, Text(f"in {rows_text(rows_)} ({percent(rows_ / found.rows)})")
    yield "repeats", Text(_repeats_text(found))
    yield "longest", Text(lines_text([line for line, _ in found.longest]))


def _turns(found: Statistics) -> str:
    counts = sorted(found.turns.counts.items())
    if len(counts) == 1:
        return f"{counts[0][0]} message{'' if counts[0][0] == 1 else 's'}"
    more = f", and more up to {counts[-1][0]:,}" if len(counts) > 6 else ""
    return ", ".join(f"{turns:,} in {count:,}" for turns, count in counts[:6]) + f" rows{more}"


def _labels_text(labels: Labels) -> str:
    low, high = labels.counts[-1][1], labels.counts[0][1]
    spread = f"{high:,} rows each" if low == high else f"from {low:,} to {high:,} rows"
    return f"{len(labels.counts):,}, {spread}; always the commonest is right in {percent(labels.commonest_share)}"


def _repeats_text(found: Statistics) -> str:
    repeats = found.repeats
    if not repeats.prompts:
        return "none: every prompt is there once"
    return f"{rows_text(repeats.rows)} byte for byte; {rows_text(repeats.prompts)} by what they ask"


def _labels(labels: Labels, width: int, *, ascii_only: bool) -> Iterator[Text]:
    """The commonest labels with a bar each, and the rest in one line."""
    most = labels.counts[:_MOST_LABELS]
    rest: Sequence[tuple[str, int]] = labels.counts[_MOST_LABELS:]
    named = [*most, (f"{len(rest):,} more", sum(count for _, count in rest))] if rest else most
    total, top = labels.rows + labels.others, labels.counts[0][1]
    longest = max(len(shown(name)) for name, _ in named)
    name_width = min(longest, max(width - _BAR - 24, 12))
    count_width = max(len(f"{count:,}") for _, count in named)
    for number, (name, count) in enumerate(named):
        text = Text(f"  {shown(name, name_width):<{name_width}}  {count:>{count_width},}  {percent(count / total):>7}")
        if number < len(most):
            bar = ("#" if ascii_only else "█") * max(1, round(_BAR * count / top))
            text.append(f"  {bar}", style="blue")
        yield text


def _remark(remark: Remark) -> Text:
    text = Text.assemble((f"{remark.level}: ", _STYLES[remark.level]), shown(remark.text), (f" [{remark.code}]", "dim"))
    return text.append(f"\n      = {shown(remark.detail)}", style="") if remark.detail else text
