"""An examination on screen: what right, worse and cheating answers earn, then what deserves attention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from novaline.cli import output
from novaline.cli.summary_view import facts
from novaline.findings import Finding, errors_in
from novaline.reporting.wording import shown, size_text
from novaline.rewards.laboratory.judgement import seriousness
from novaline.rewards.laboratory.model import Examination, Order, Tried
from novaline.rewards.sizing import seconds_text

_BAR = 16
_HEIGHTS = ("▁▂▃▄▅▆▇█", "_.-=+*%#")
_MOST_EXPLOITS = 8
_NAMES = {
    "wrong": "another row's answer",
    "cut": "half of it",
    "refusal": "words without an answer",
    "empty": "an empty answer",
}


def show_examination(found: Examination, findings: Sequence[Finding], *, console: Console) -> None:
    """Prints the examination, readable at 80 columns."""
    ascii_only = console.options.ascii_only
    console.print(Text.assemble((shown(found.name), "bold"), f"  {found.where}"))
    of = "" if found.rows == found.rows_in_all else f" of {found.rows_in_all:,}"
    console.print(
        Text(f"{shown(found.file)}  {found.rows:,}{of} rows, {found.samples:,} answers scored\n", style="dim")
    )
    for line in _earnings(found, ascii_only=ascii_only):
        console.print(line)
    console.print()
    console.print(facts(_facts(found, ascii_only=ascii_only), console=console))
    console.print()
    if findings:
        output.print_findings(findings, console=console)
    good = not errors_in(findings)
    verdict = "nothing stands against it" if good else "a run with it should not be paid for"
    console.print(Text.assemble((verdict, "bold green" if good else "bold red"), f" ({output.summary(findings)})"))


def _earnings(found: Examination, *, ascii_only: bool) -> Iterator[Text]:
    """One line for each class of answers: the mean reward as number and bar, and what stands beside it."""
    smallest, largest = _span(found)
    rows: list[tuple[str, float, str, str]] = []
    if found.right_mean is not None:
        rows.append((f"right answer, {found.right}", found.right_mean, "", "green"))
    rows += [(_NAMES.get(order.name, order.name), order.mean, _right_share(order), "blue") for order in found.orders]
    if found.one_for_all is not None:
        rows.append(("the commonest, to every prompt", found.one_for_all, "", "blue"))
    if found.own is not None:
        rows.append(("your answers", found.own.mean, f"{found.own.count:,} answers", "blue"))
    paid = paying(found)
    rows += [(f"exploit: {each.name}", each.mean, _gain(each), _colour(found, each)) for each in paid[:_MOST_EXPLOITS]]
    width = min(max(len(name) for name, *_ in rows), 34)
    yield Text("  mean reward of", style="dim")
    for name, mean, beside, colour in rows:
        length = 0 if largest == smallest else round(_BAR * (mean - smallest) / (largest - smallest))
        bar = ("#" if ascii_only else "█") * max(length, 0)
        text = Text(f"  {shown(name, width):<{width}}  {mean:>6.3f}", no_wrap=True)
        text.append(f"  {bar:<{_BAR if beside else 0}}", style=colour).append(f"  {beside}", style="dim")
        text.rstrip()
        yield text
    if len(paid) > _MOST_EXPLOITS:
        yield Text(f"  {len(paid) - _MOST_EXPLOITS} more exploits earn something (--json, --html)", style="dim")


def _span(found: Examination) -> tuple[float, float]:
    spread = found.distribution
    means = [each.mean for each in found.exploits]
    return min(0.0, spread.smallest, *means), max(spread.largest, *means)


def paying(found: Examination) -> Sequence[Tried]:
    """The exploits that earn more than honest wrong answers, or padded ones more than right ones; the dearest first."""
    limit = found.honest
    if found.right_mean is not None and (limit is None or limit >= found.right_mean):
        limit = found.right_mean - 1e-9
    worth = [each for each in found.exploits if _too_much(each, limit, found.right_mean)]
    return sorted(worth, key=lambda each: -each.mean)


def _too_much(each: Tried, honest: float | None, right: float | None) -> bool:
    if each.group == "padded":
        return right is not None and each.mean > right
    return honest is None or each.mean > honest + 1e-9


def _right_share(order: Order) -> str:
    return f"{order.share:.0%} below right" if order.share < 1 else "always below"


def _gain(each: Tried) -> str:
    if each.gain is None:
        return ""
    return f"{max(each.gain, 0):.0%} of the way" if each.group != "padded" else ""


def _colour(found: Examination, each: Tried) -> str:
    return {"error": "red", "warning": "yellow", None: "blue"}[seriousness(found, each)]


def _facts(found: Examination, *, ascii_only: bool) -> Iterator[tuple[str, Text]]:
    spread, pace = found.distribution, found.pace
    yield "rewards", Text(f"{_histogram(found, ascii_only=ascii_only)}  {spread.smallest:g} to {spread.largest:g}")
    values = f"{spread.different:,} different" if spread.different > 1 else "all the same"
    ties = f"; the commonest, {spread.values[0][0]:g}, is {spread.commonest_share:.0%} of them"
    fallback = "" if not spread.fallbacks else f"; {spread.fallbacks:,} fell back"
    yield "", Text(f"{values}{ties if spread.different > 1 else ''}{fallback}")
    worth, tried = paying(found), len(found.exploits)
    yield (
        "exploits",
        Text(f"{len(worth) or 'none'} of {tried} earn{'' if len(worth) > 1 else 's'} more than honest answers"),
    )
    if found.forms:
        best = max(each.mean for each in found.forms if each.mean is not None)
        accepted = [each for each in found.forms if each.mean == best]
        refused = len(found.forms) - len(accepted)
        yield "forms", Text(f"{len(accepted)} of {len(found.forms)} earn as much as the best; {refused} earn less")
    kept = "kept" if not found.breaches else f"broken in {len(found.breaches)} ways"
    yield "contract", Text(f"{kept}, in {found.checks:,} batches of both shapes, with broken samples among them")
    yield "repeated", Text("; ".join(_repeated(found)))
    yield (
        "speed",
        Text(
            f"{seconds_text(pace.sample_seconds)} a sample in a batch of {pace.batch}, which takes "
            f"{seconds_text(pace.batch_seconds)}; one alone {seconds_text(pace.alone_seconds)}; "
            f"at most {seconds_text(pace.slowest_seconds)} ({pace.slowest})"
        ),
    )
    yield "payload", Text(f"{size_text(pace.event_bytes)} there, {size_text(pace.answer_bytes)} back, of 6 MB")


def _repeated(found: Examination) -> Iterator[str]:
    for each in found.repeated:
        same = "the same" if not each.differing else f"{each.differing} of {each.samples} differ"
        yield f"{each.how}: {same}"


def _histogram(found: Examination, *, ascii_only: bool) -> str:
    counts = [count for _, _, count in found.distribution.bins]
    heights, top = _HEIGHTS[ascii_only], max(counts)
    return "".join(heights[-(-count * len(heights) // top) - 1] if count else " " for count in counts)
