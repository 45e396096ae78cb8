"""A run's summary on screen: base against candidate, the verdict in words, the deployment, what it answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from textwrap import wrap
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

_NARROWEST = len("deployment")  # so that facts shown one after the other line up
_VERDICTS = {
    "deployed": ("accepted and deployed", "bold green"),
    "evaluated": ("accepted; the customization asks for no deployment", "bold green"),
    "rejected": ("rejected by the gate", "bold red"),
}


def summary_view(summary: Mapping[str, Any], *, console: Console) -> RenderableType:
    """The summary that a run leaves (`summary.json`) as a table and a few lines."""
    gate = summary.get("gate") or {}
    words, style = _VERDICTS.get(str(summary.get("status")), (str(summary.get("status")), "bold"))
    parts: list[RenderableType] = []
    if gate:
        parts.append(Padding(_metrics(gate, ascii_only=console.options.ascii_only), (0, 0, 0, 2)))
        parts += [Padding(table, (0, 0, 0, 2)) for table in _measures(gate, ascii_only=console.options.ascii_only)]
    lines = [("verdict", Text(words, style=style))]
    if gate.get("reason"):
        lines.append(("why", Text(str(gate["reason"]))))
    for evaluation, measured in (gate.get("measures") or {}).items():
        if measured.get("problem"):
            lines.append(("unread", Text(f"{evaluation}: {measured['problem']}")))
    deployment = summary.get("deployment")
    if deployment:
        lines.append(("deployment", Text(str(deployment.get("arn")))))
    if summary.get("expires"):
        lines.append(("expires", Text(f"{summary['expires']}, as recorded; nothing ends it by itself yet")))
    verification = summary.get("verification")
    if verification:
        lines.append(("verified", Text(_verified(verification))))
    parts.append(facts(lines, console=console))
    return Group(*parts)


def facts(lines: Iterable[tuple[str, Text]], *, console: Console) -> Group:
    """Names and values in two columns. Prose wraps under itself; names, ARNs and paths stay whole, to be copied."""
    found = list(lines)
    indent = max([_NARROWEST, *(len(name) for name, _ in found)]) + 4
    width = max(console.width - indent, 30)
    return Group(*(_fact(name, value, indent=indent, width=width) for name, value in found))


def _fact(name: str, value: Text, *, indent: int, width: int) -> Text:
    parts = wrap(value.plain, width, break_long_words=False, break_on_hyphens=False) or [""]
    text = Text(f"  {name}".ljust(indent), style="dim", no_wrap=True, end="\n")
    text.append(f"\n{' ' * indent}".join(parts), style=Style.combine([Style(dim=False), Style.parse(str(value.style))]))
    return text


def _metrics(gate: Mapping[str, Any], *, ascii_only: bool) -> Table:
    table = Table(box=box.ASCII if ascii_only else box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    table.add_column(f"{gate.get('rows', '?')} held-out rows")
    for name in ("base", "candidate", "difference"):
        table.add_column(name, justify="right")
    base, candidate = gate.get("base") or {}, gate.get("candidate") or {}
    for metric in base:
        decisive = metric == gate.get("metric")
        table.add_row(
            str(metric),
            _percent(base[metric]),
            _percent(candidate.get(metric)),
            _difference(gate, ascii_only=ascii_only) if decisive else _points(candidate.get(metric), base[metric]),
            style="bold" if decisive else "",
        )
    return table


def _measures(gate: Mapping[str, Any], *, ascii_only: bool) -> Iterator[Table]:
    """Rewards and metrics of one's own, a table for each evaluation that has some. Nothing is decided on them.

    A share of samples that could not be scored is shown where there are such samples.
    """
    for evaluation, measured in (gate.get("measures") or {}).items():
        shown = {
            name: values
            for name, values in (measured.get("metrics") or {}).items()
            if not name.endswith("unscorable") or any(values.values())
        }
        if not shown:
            continue
        table = Table(box=box.ASCII if ascii_only else box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
        table.add_column(f"measured in {evaluation}", overflow="fold")
        for subject in ("base", "candidate", "difference"):
            table.add_column(subject, justify="right")
        for name, values in shown.items():
            base, candidate = values.get("base"), values.get("candidate")
            table.add_row(name, _plain(base), _plain(candidate), _change(candidate, base))
        yield table


def _plain(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else ""


def _change(candidate: object, base: object) -> str:
    if not isinstance(candidate, int | float) or not isinstance(base, int | float):
        return ""
    return f"{candidate - base:+.3f}"


def _difference(gate: Mapping[str, Any], *, ascii_only: bool) -> str:
    found = gate.get("difference") or {}
    if "estimate" not in found:
        return ""
    confidence = f"{float(found.get('confidence', 0.95)):.1%}".replace(".0%", "%")
    to = " to " if ascii_only else " … "
    low, high = float(found["low"]), float(found["high"])
    return f"{float(found['estimate']) * 100:+.1f} points ({confidence}: {low * 100:+.1f}{to}{high * 100:+.1f})"


def _points(candidate: object, base: object) -> str:
    if not isinstance(candidate, int | float) or not isinstance(base, int | float):
        return ""
    return f"{(candidate - base) * 100:+.1f} points"


def _percent(share: object) -> str:
    return f"{share:.1%}" if isinstance(share, int | float) else ""


def _verified(verification: Mapping[str, Any]) -> str:
    rows, agreement = verification.get("rows"), verification.get("agreement")
    share = f"{agreement:.0%}" if isinstance(agreement, int | float) else str(agreement)
    return f"{rows} held-out rows asked through Converse, {share} as in the evaluation"
