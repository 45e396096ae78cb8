"""Charts as SVG, drawn by Vega-Lite without a browser, in colours that a page turns dark where the reader's system is.

`bar_chart`, `columns` and `histogram` are what reports are made of; `draw` puts any other Altair chart into the same
clothes. Needs the extra `report`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree  # reads what our own renderer wrote

from novaline.reporting.palette import ACCENT, INK, LINE, MUTED, SECOND
from novaline.reporting.wording import shown

if TYPE_CHECKING:
    import altair as alt

WIDTH = 430
"""Of a chart's plot, in pixels: two stand side by side on a screen, and one fits a telephone."""
WIDE = 880
_HEIGHT = 170
_STEP = 21
_LONGEST_LABEL = 60
_FONT = "system-ui, sans-serif"
_DROPPED = ("class", "aria-roledescription", "aria-hidden", "pointer-events", "role", "aria-label")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. `hover` is what a pointer on it is told; without it, label and value."""

    label: str
    value: float
    hover: str = ""


@dataclass(frozen=True, slots=True)
class Bin:
    """How many whole numbers `v` have `low <= v < high`."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across a histogram, with a word on it: the median, a limit."""

    value: float
    label: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart as an `<svg>` element for an HTML page. `description` is its text alternative."""

    svg: str
    description: str
    width: int


def bar_chart(bars: Sequence[Bar], *, description: str, value_title: str) -> Drawing:
    """Horizontal bars in the order given, each with its label at the left and its value at its end."""
    import altair as alt  # noqa: PLC0415  # half a second, and an extra

    rows = [
        {
            "id": number,
            "value": bar.value,
            "text": f"{bar.value:,.6g}",
            "hover": shown(bar.hover) or f"{shown(bar.label)}: {bar.value:,.6g}",
        }
        for number, bar in enumerate(bars)
    ]
    # Bars stand by number, since two long labels may be cut to the same words.
    names = [_quoted(shown(bar.label, _LONGEST_LABEL)) for bar in bars]
    axis = alt.Axis(title=None, labelExpr=f"[{', '.join(names)}][datum.value]", labelLimit=240, labelPadding=6)
    base = alt.Chart(_data(rows)).encode(
        y=alt.Y("id:O", sort=None, axis=axis),
        x=alt.X("value:Q", title=value_title, axis=alt.Axis(tickCount=5, format=",~f", tickMinStep=1)),
    )
    chart = base.mark_bar().encode(description="hover:N") + base.mark_text(
        align="left", dx=5, color=MUTED.light, aria=False
    ).encode(text="text:N")
    # A reader's font may be wider than the one that the labels were measured in.
    room = min(0.9 * max((len(shown(bar.label, _LONGEST_LABEL)) for bar in bars), default=0), 36)
    return draw(chart.properties(width=WIDTH - 90, height=alt.Step(_STEP)), description=description, room=room)


def columns(bars: Sequence[Bar], *, description: str, value_title: str, title: str) -> Drawing:
    """Many thin upright bars in the order given, without labels: a long list's shape. A pointer is told the rest."""
    import altair as alt  # noqa: PLC0415  # likewise

    rows = [
        {"from": number + 0.5, "to": number + 1.5, "value": bar.value, "hover": shown(bar.hover) or shown(bar.label)}
        for number, bar in enumerate(bars)
    ]
    scale = alt.Scale(domain=[0.5, len(rows) + 0.5], nice=False)
    chart = (
        alt.Chart(_data(rows))
        .mark_bar(binSpacing=1 if len(rows) < WIDE // 4 else 0)
        .encode(
            x=alt.X("from:Q", bin=alt.BinParams(binned=True), scale=scale, axis=alt.Axis(title=title, tickCount=8)),
            x2="to:Q",
            y=alt.Y("value:Q", title=value_title, axis=alt.Axis(tickCount=4, format=",~f", tickMinStep=1)),
            description="hover:N",
        )
    )
    return draw(chart.properties(width=WIDE, height=_HEIGHT), description=description)


def histogram(
    bins: Sequence[Bin], *, description: str, title: str, value_title: str, marks: Sequence[Mark] = ()
) -> Drawing:
    """How often whole numbers fall into each bin. Bins that widen (not evenly cut) stand on a logarithmic scale."""
    import altair as alt  # noqa: PLC0415  # likewise

    logarithmic = len(bins) > 2 and bins[-1].high - bins[-1].low > 1.5 * (bins[0].high - bins[0].low)
    floor = 0.25 if logarithmic else -math.inf  # a logarithmic scale has no zero
    # Whole numbers: the bar of 4 stands over the tick of 4, from 3.5 to 4.5.
    edges = [(max(item.low - 0.5, floor), item.high - 0.5) for item in bins]
    rows = [
        {"low": low, "high": high, "count": item.count, "hover": f"{_span(item)}: {item.count:,}"}
        for (low, high), item in zip(edges, bins, strict=True)
    ]
    scale = alt.Scale(
        type="log" if logarithmic else "linear",
        domain=[edges[0][0], edges[-1][1]] if edges else [0, 1],
        nice=False,
    )
    axis = alt.Axis(title=title, tickCount=6, format=",~f", tickMinStep=1)
    chart: Any = (
        alt.Chart(_data(rows))
        .mark_bar(binSpacing=1)
        .encode(
            x=alt.X("low:Q", bin=alt.BinParams(binned=True), scale=scale, axis=axis),
            x2="high:Q",
            y=alt.Y("count:Q", title=value_title, axis=alt.Axis(tickCount=4, format=",~f", tickMinStep=1)),
            description="hover:N",
        )
    )
    for number, mark in enumerate(marks):
        at = alt.Chart(_data([{"at": max(mark.value, floor), "label": mark.label}])).encode(x="at:Q")
        # Each mark's word has a line of its own above the plot, so that near ones do not cover each other.
        word = at.mark_text(color=SECOND.light, dy=-8 - 13 * number, aria=False).encode(text="label:N", y=alt.value(0))
        chart = chart + at.mark_rule(color=SECOND.light, strokeDash=[4, 3], strokeWidth=1.5, aria=False) + word
    return draw(chart.properties(width=WIDTH, height=_HEIGHT), description=description)


def draw(chart: alt.Chart | alt.LayerChart, *, description: str, room: float = 0) -> Drawing:
    """Any chart in the house's clothes. `description` says in words what a person who cannot see it needs to know.

    `room` is left free at the left, in pixels.
    A mark's `description` channel becomes what a pointer on it is told. Colours are those of `palette`, in light.
    """
    import vl_convert  # noqa: PLC0415  # likewise

    axis = {
        "labelColor": MUTED.light,
        "titleColor": MUTED.light,
        "gridColor": LINE.light,
        "domainColor": LINE.light,
        "tickColor": LINE.light,
        "labelFont": _FONT,
        "titleFont": _FONT,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    }
    spec = chart.to_dict()
    spec["background"] = "transparent"
    spec["padding"] = {"left": 2 + room, "right": 12, "top": 2, "bottom": 2}
    spec["config"] = {
        "view": {"stroke": None},
        "axis": axis,
        "axisX": {"grid": False},
        "axisY": {"domain": False, "ticks": False},
        "bar": {"color": ACCENT.light},
        "text": {"font": _FONT, "fontSize": 12, "color": INK.light},
    }
    return _for_html(vl_convert.vegalite_to_svg(spec), shown(description))


def _for_html(svg: str, description: str) -> Drawing:
    """The renderer's SVG as an element of a page: one picture with a text alternative; its marks have tips."""
    root = ElementTree.fromstring(svg)  # noqa: S314  # our own renderer wrote it
    width = math.ceil(float(root.attrib.pop("width")))
    del root.attrib["height"]
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        label = element.get("aria-label") if element.get("role") == "graphics-symbol" else None
        for name in _DROPPED:
            element.attrib.pop(name, None)
        if label and element.tag == "path":
            ElementTree.SubElement(element, "title").text = label
    root.attrib.pop("version", None)
    root.set("role", "img")
    root.set("aria-label", description)
    return Drawing(svg=ElementTree.tostring(root, encoding="unicode"), description=description, width=width)


def _data(rows: list[dict[str, Any]]) -> alt.Data:
    import altair as alt  # noqa: PLC0415  # likewise

    return alt.Data(values=rows)  # type: ignore[no-untyped-call]  # Altair leaves it untyped


def _span(item: Bin) -> str:
    """`12 to 15` for a bin of whole numbers that ends before 16."""
    last = item.high - 1
    return f"{item.low:,.6g}" if last <= item.low else f"{item.low:,.6g} to {last:,.6g}"


def _quoted(text: str) -> str:
    """The text as a literal of Vega's expression language."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
