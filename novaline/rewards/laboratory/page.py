"""An examination as a page. Needs the extra `report`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from novaline.findings import Finding, errors_in
from novaline.reporting import charts
from novaline.reporting.page import (
    Block,
    Chart,
    Charts,
    Column,
    Facts,
    Figures,
    Note,
    Notes,
    Page,
    Prose,
    Section,
    Table,
)
from novaline.reporting.palette import MUTED, SECOND
from novaline.reporting.wording import shown, size_text
from novaline.rewards.laboratory.model import Examination, Tried
from novaline.rewards.sizing import PAYLOAD_BYTES, seconds_text

if TYPE_CHECKING:
    import altair as alt

_EXCERPT = 120
_NUMBER = "number"


def examination_page(found: Examination, findings: Sequence[Finding]) -> Page:
    """The page: what stands against the reward, then order, exploits, distribution, forms, contract and speed."""
    of = "" if found.rows == found.rows_in_all else f" of {found.rows_in_all:,}"
    return Page(
        title=f"Reward {found.name}",
        subtitle=f"{found.where} · {found.file} · {found.rows:,}{of} rows · {found.samples:,} answers scored",
        lead=(Figures(tuple(_figures(found, findings))), Notes(tuple(_notes(findings)))),
        sections=(*_order(found), _exploits(found), _spread(found), *_forms(found), _contract(found), _speed(found)),
        footnote="Answers were made from the rows: right ones from the reference, wrong ones from other rows'. What a "
        "model will say is not among them, unless answers of its own were given.",
    )


def _figures(found: Examination, findings: Sequence[Finding]) -> Iterator[tuple[str, str, str]]:
    errors = len(errors_in(findings))
    yield "Findings", f"{len(findings)}", f"{errors} that forbid a run" if errors else "none that forbids a run"
    if found.right_mean is not None:
        yield "Right answers", f"{found.right_mean:.2f}", f"{found.right}"
    if found.honest is not None:
        yield "Wrong answers", f"{found.honest:.2f}", "or one and the same to every prompt"
    blind = [each for each in found.exploits if each.group == "blind"]
    if blind:
        best = max(blind, key=lambda each: each.mean)
        yield "Best exploit", f"{best.mean:.2f}", best.name
    yield "A sample", seconds_text(found.pace.sample_seconds), f"in a batch of {found.pace.batch}"


def _notes(findings: Sequence[Finding]) -> Iterator[Note]:
    for finding in findings:
        yield Note(finding.severity, _sentence(finding.message), _sentence(finding.hint or ""))
    if not findings:
        yield Note(
            "good", "Nothing stands against it: right answers score higher than all others, and cheating pays nothing."
        )


def _order(found: Examination) -> Iterator[Section]:
    if not found.orders or found.right_mean is None:
        return
    bars = [charts.Bar("right answer", found.right_mean)]
    bars += [charts.Bar(order.about, order.mean) for order in found.orders]
    if found.one_for_all is not None:
        bars.append(charts.Bar("the commonest answer, always", found.one_for_all))
    if found.own is not None:
        bars.append(charts.Bar("your answers", found.own.mean))
    told = "; ".join(f"{bar.label} {bar.value:.3f}" for bar in bars)
    drawing = _means(bars, description=f"Mean reward by class of answer: {told}.")
    rows = [
        (
            order.about,
            f"{order.mean:.3f}",
            f"{order.higher:,}",
            f"{order.same:,}",
            f"{order.lower:,}",
            f"{order.share:.1%}",
        )
        for order in found.orders
    ]
    columns = [
        Column("Worse answer"),
        *(Column(title, "number") for title in ("Mean", "Below right", "Same", "Above", "In order")),
    ]
    blocks: list[Block] = [Chart("Mean reward", drawing), Table("Row by row against the right answer", columns, rows)]
    if found.own is not None and found.own.groups:
        blocks.append(
            Prose(
                f"Of {found.own.groups:,} rows with several answers of yours, {found.own.tied:,} give all of them the "
                "same reward; a model learns nothing from those."
            )
        )
    yield Section(
        "Does a better answer score higher?", blocks, "Each answer is worse than the right one, and should score less."
    )


def _exploits(found: Examination) -> Section:
    ordered = sorted(found.exploits, key=lambda each: -each.mean)
    bars = [charts.Bar(each.name, each.mean, f"{each.name}: {each.mean:.3f}") for each in ordered]
    description = "Mean reward of each exploit, the highest first: " + ", ".join(
        f"{each.name} {each.mean:.2f}" for each in ordered[:6]
    )
    rules = []
    if found.right_mean is not None:
        rules.append(charts.Mark(found.right_mean, "right"))
    if found.honest is not None:
        rules.append(charts.Mark(found.honest, "wrong"))
    rows = [
        (each.name, each.about, f"{each.mean:.3f}", f"{each.highest:.3f}", _share(each), shown(each.example, _EXCERPT))
        for each in ordered
    ]
    columns = (
        Column("Exploit"),
        Column("What it says"),
        Column("Mean", "number"),
        Column("Highest", "number"),
        Column("As much as right", "number"),
        Column("Example", "data"),
    )
    chart = Chart("Mean reward of exploits", _means(bars, description=f"{description}.", rules=rules))
    intro = "Answers that try to be paid without an answer. The lines are what right and honest wrong answers earn."
    return Section("Can it be cheated?", (chart, Table("All exploits", columns, rows, folded=True)), intro)


def _spread(found: Examination) -> Section:
    spread = found.distribution
    bars = [(low, high, count) for low, high, count in spread.bins]
    description = (
        f"Histogram of {spread.count:,} rewards from {spread.smallest:g} to {spread.largest:g}, mean {spread.mean:.3f}."
    )
    numbers = [(f"{low:.3g} to {high:.3g}", f"{count:,}") for low, high, count in bars if count]
    table = Table("Rewards: numbers", (Column("Reward"), Column("Answers", "number")), numbers, folded=True)
    fallbacks = "not told by this function" if spread.fallbacks is None else f"{spread.fallbacks:,}"
    facts = [
        ("Different rewards", f"{spread.different:,}"),
        ("The commonest", f"{spread.values[0][0]:g}, of {spread.commonest_share:.0%} of the answers"),
        ("Answers with the fallback", fallbacks),
    ]
    blocks: list[Block] = [
        Charts((Chart("Rewards of honest answers", _histogram(bars, description=description), "", table),)),
        Facts(facts),
    ]
    if found.reasons:
        rows = [(shown(reason, 300), f"{count:,}", first) for reason, count, first in found.reasons[:20]]
        blocks.append(
            Table(
                "Why answers were not scored",
                (Column("Reason", "data"), Column("Answers", "number"), Column("First in")),
                rows,
            )
        )
    return Section("How are rewards spread?", blocks, "Over right answers in every form, worse answers, and your own.")


def _forms(found: Examination) -> Iterator[Section]:
    if not found.forms:
        return
    rows = [
        (each.name, shown(each.example, _EXCERPT), f"{each.mean:.3f}" if each.mean is not None else "")
        for each in found.forms
    ]
    columns = (Column("Form"), Column("Example", "data"), Column("Mean", "number"))
    intro = "The same right answer in other words. Where the form does not matter to you, each should score alike."
    yield Section("Which forms of a right answer are taken?", (Table("Forms", columns, rows),), intro)


def _contract(found: Examination) -> Section:
    facts = [(f"Scored {each.how}", _repeated(each.differing, each.samples, each.largest)) for each in found.repeated]
    facts.insert(
        0, ("Batches checked", f"{found.checks:,}, in both shapes of the event, with broken samples among them")
    )
    blocks: list[Block] = [Facts(facts)]
    if found.breaches:
        rows = [(breach.message, breach.where, f"{breach.count:,}") for breach in found.breaches]
        blocks.append(Table("Breaches", (Column("What"), Column("Where"), Column("Times", "number")), rows))
    return Section(
        "Is the contract kept?",
        blocks,
        "Same ids, same count, same order, finite numbers; the same answer, the same reward.",
    )


def _speed(found: Examination) -> Section:
    pace = found.pace
    facts = [
        ("A batch", f"{seconds_text(pace.batch_seconds)} for {pace.batch:,} samples"),
        ("A sample in it", seconds_text(pace.sample_seconds)),
        ("A sample alone", seconds_text(pace.alone_seconds)),
        ("The slowest exploit", f"{seconds_text(pace.slowest_seconds)}: {pace.slowest}"),
        (
            "Payload",
            f"{size_text(pace.event_bytes)} there, {size_text(pace.answer_bytes)} back, of {size_text(PAYLOAD_BYTES)}",
        ),
    ]
    return Section("How fast is it?", (Facts(facts),), "`novaline reward size` says what that means for a step.")


def _means(bars: Sequence[charts.Bar], *, description: str, rules: Sequence[charts.Mark] = ()) -> charts.Drawing:
    """Horizontal bars of rewards, which may be negative, with lines across for what they are held against."""
    import altair as alt  # noqa: PLC0415  # half a second, and an extra

    rows = [
        {
            "label": shown(bar.label, 40),
            "value": bar.value,
            "text": f"{bar.value:.3f}",
            "hover": shown(bar.hover or f"{bar.label}: {bar.value:.3f}"),
        }
        for bar in bars
    ]
    axis = alt.Axis(title=None, labelLimit=300, labelPadding=6)
    base = alt.Chart(_data(rows)).encode(
        y=alt.Y("label:N", sort=None, axis=axis), x=alt.X("value:Q", title="mean reward", axis=alt.Axis(tickCount=5))
    )
    chart: Any = base.mark_bar().encode(description="hover:N") + base.mark_text(
        align="left", dx=5, color=MUTED.light, aria=False
    ).encode(text="text:N")
    for number, mark in enumerate(rules):
        at = alt.Chart(_data([{"at": mark.value, "label": mark.label}])).encode(x="at:Q")
        word = at.mark_text(color=SECOND.light, dy=-8 - 13 * number, aria=False).encode(text="label:N", y=alt.value(0))
        chart = chart + at.mark_rule(color=SECOND.light, strokeDash=[4, 3], strokeWidth=1.5, aria=False) + word
    room = min(0.9 * max((len(bar.label) for bar in bars), default=0), 36)
    return charts.draw(chart.properties(width=charts.WIDTH, height=alt.Step(21)), description=description, room=room)


def _histogram(bins: Sequence[tuple[float, float, int]], *, description: str) -> charts.Drawing:
    import altair as alt  # noqa: PLC0415  # likewise

    rows = [
        {"low": low, "high": high, "count": count, "hover": f"{low:.3g} to {high:.3g}: {count:,}"}
        for low, high, count in bins
    ]
    if len(rows) == 1:  # one reward: a bar needs a width
        rows[0] |= {"low": bins[0][0] - 0.05, "high": bins[0][1] + 0.05}
    chart = (
        alt.Chart(_data(rows))
        .mark_bar(binSpacing=1)
        .encode(
            x=alt.X(
                "low:Q",
                bin=alt.BinParams(binned=True),
                scale=alt.Scale(nice=False),
                axis=alt.Axis(title="reward", tickCount=6),
            ),
            x2="high:Q",
            y=alt.Y("count:Q", title="answers", axis=alt.Axis(tickCount=4, format=",~f", tickMinStep=1)),
            description="hover:N",
        )
    )
    return charts.draw(chart.properties(width=charts.WIDTH, height=170), description=description)


def _data(rows: list[dict[str, Any]]) -> alt.Data:
    import altair as alt  # noqa: PLC0415  # likewise

    return alt.Data(values=rows)  # type: ignore[no-untyped-call]  # Altair leaves it untyped


def _share(each: Tried) -> str:
    return "" if each.reached is None else f"{each.reached:.0%}"


def _repeated(differing: int, samples: int, largest: float) -> str:
    return (
        f"the same for all {samples:,}"
        if not differing
        else f"{differing:,} of {samples:,} differ, by up to {largest:g}"
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" if text and not text.startswith("`") else text
