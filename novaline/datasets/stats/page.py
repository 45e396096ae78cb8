"""The page of a dataset's statistics. Needs the extra `report`."""

from __future__ import annotations

from collections.abc import Iterator

from novaline.datasets.formats.spec import TOKEN_BYTES
from novaline.datasets.stats.distribution import Distribution
from novaline.datasets.stats.labels import Labels
from novaline.datasets.stats.model import Statistics, text_lengths
from novaline.datasets.stats.remarks import lines_text, percent, remarks, rows_text
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
    Section,
    Table,
)
from novaline.reporting.wording import shown, size_text

_MOST_BARS = 30
"""More labels than that are drawn as thin columns, and named in the table."""
_MOST_IN_TABLE = 500
_EXCERPT = 300
_NUMBER = "number"


def stats_page(found: Statistics) -> Page:
    """The page: key figures and remarks, then lengths, answers, what repeats, what rows hold, and samples."""
    sections = (*_lengths(found), *_answers(found), *_repeats(found), *_contents(found), *_samples(found))
    return Page(
        title=found.file.rpartition("/")[2],
        subtitle=f"{found.format} · {found.file} · {size_text(found.bytes)}",
        lead=(Figures(tuple(_figures(found))), Notes(tuple(_notes(found)))),
        sections=sections,
        footnote=f"Tokens are estimated as one for {TOKEN_BYTES} bytes of text, since no tokenizer of the Nova "
        "models is public; the true number may be a half more or less. Images, video and documents are not in it.",
    )


def _figures(found: Statistics) -> Iterator[tuple[str, str, str]]:
    yield (
        "Rows",
        f"{found.rows:,}",
        f"{found.unreadable.rows:,} unreadable" if found.unreadable.rows else "all readable",
    )
    yield "Tokens, estimated", _short(found.tokens.row.total), f"{found.tokens.row.mean:,.0f} a row"
    if found.labels is not None:
        low, high = found.labels.counts[-1][1], found.labels.counts[0][1]
        rows = f"{high:,} rows each" if low == high else f"{low:,} to {high:,} rows each"
        yield "Labels", f"{len(found.labels.counts):,}", rows
    elif found.tokens.answer.counts:
        yield "Median answer", f"{found.tokens.answer.quantile(0.5):,}", "tokens"
    yield "Longest row", f"{found.tokens.row.largest:,}", "tokens"
    repeated = found.repeats.rows
    yield "Repeated rows", f"{repeated:,}", percent(repeated / found.rows) if repeated else "every row is there once"


def _notes(found: Statistics) -> Iterator[Note]:
    for remark in remarks(found):
        yield Note(remark.level, _sentence(remark.text), _sentence(remark.detail))
    if not remarks(found):
        yield Note("good", "Nothing stands out: no row repeats another, and none contradicts another.")


def _lengths(found: Statistics) -> Iterator[Section]:
    hidden = {"system text"} if found.labels is None else {"system text", "answer"}  # their lengths say little
    drawn = [
        _length_chart(_sentence(name), each)
        for name, each in text_lengths(found)
        if len(each.counts) > 1 and name not in hidden
    ]
    same = [
        (_sentence(name), _span_text(each))
        for name, each in text_lengths(found)
        if len(each.counts) == 1 or name in hidden
    ]
    blocks: list[Block] = [Charts(tuple(drawn))] if drawn else []
    if same:
        blocks.append(Facts(tuple(same)))
    rows = [(str(line), f"{tokens:,}") for line, tokens in found.longest]
    columns = (Column("Line"), Column("Tokens", "number"))
    blocks.append(Table("The longest rows", columns, rows, folded=True))
    yield Section("How long rows are", blocks, "In estimated tokens, to be held against a job's max_length.")


def _span_text(tokens: Distribution) -> str:
    if len(tokens.counts) == 1:
        return f"{tokens.largest:,} tokens each"
    return f"{tokens.smallest:,} to {tokens.largest:,} tokens, half of them up to {tokens.quantile(0.5):,}"


def _length_chart(name: str, tokens: Distribution) -> Chart:
    median, most = tokens.quantile(0.5), tokens.quantile(0.99)
    caption = f"half of them up to {median:,}, 99 % up to {most:,}, the longest {tokens.largest:,}"
    spans = tokens.spans()
    marks = [charts.Mark(median, f"median {median:,}")]
    if most > median:
        marks.append(charts.Mark(most, f"99 % {most:,}"))
    drawing = charts.histogram(
        [charts.Bin(span.low, span.high, span.count) for span in spans],
        description=f"Histogram of tokens, {name[:1].lower()}{name[1:]}: {caption}.",
        title="tokens",
        value_title="rows",
        marks=marks,
    )
    numbers = [
        (f"{span.low:,}" if span.high - span.low == 1 else f"{span.low:,} to {span.high - 1:,}", f"{span.count:,}")
        for span in spans
    ]
    table = Table(f"{name}: numbers", (Column("Tokens"), Column("Rows", "number")), numbers, folded=True)
    return Chart(name, drawing, _sentence(caption), table)


def _answers(found: Statistics) -> Iterator[Section]:
    if found.labels is None:
        return
    labels = found.labels
    intro = f"{len(labels.counts):,} different answers: they are labels."
    if len(labels.counts) > 1:
        intro += f" Always giving the commonest would be right in {percent(labels.commonest_share)} of the rows."
    table = _label_table(labels)
    if labels.imbalance == 1:
        intro += f" Each is there {labels.counts[0][1]:,} times."
        yield Section("Answers", (table,), intro)
    else:
        yield Section("Answers", (_label_chart(labels), table), intro)


def _label_chart(labels: Labels) -> Chart:
    total = labels.rows + labels.others
    bars = [charts.Bar(name, rows, f"{name}: {rows:,} ({percent(rows / total)})") for name, rows in labels.counts]
    low, high = labels.counts[-1][1], labels.counts[0][1]
    description = f"Rows per label, from {low:,} to {high:,}."
    if len(bars) <= _MOST_BARS:
        drawing = charts.bar_chart(bars, description=description, value_title="rows")
        return Chart("Rows per label", drawing)
    drawing = charts.columns(bars, description=description, value_title="rows", title="labels, the commonest first")
    return Chart("Rows per label", drawing, "One column a label; point at one for its name.")


def _label_table(labels: Labels) -> Table:
    total = labels.rows + labels.others
    shown_ = labels.counts[:_MOST_IN_TABLE]
    more = f", the commonest {_MOST_IN_TABLE}" if len(labels.counts) > _MOST_IN_TABLE else ""
    return Table(
        f"All labels{more}" if not more else f"Labels{more}",
        (Column("Label", "data"), Column("Rows", "number"), Column("Share", "number")),
        [(shown(name), f"{rows:,}", percent(rows / total)) for name, rows in shown_],
        shares=[rows / labels.counts[0][1] for _, rows in shown_],
        folded=True,
    )


def _repeats(found: Statistics) -> Iterator[Section]:
    repeats = found.repeats
    if not repeats.prompts:
        return
    facts = [
        ("Rows that repeat an earlier one", f"{repeats.rows:,} ({percent(repeats.rows / found.rows)})"),
        ("Rows that ask what an earlier one asks", f"{repeats.prompts:,} ({percent(repeats.prompts / found.rows)})"),
        ("Prompts with different answers", f"{repeats.contradictions:,}, in {rows_text(repeats.contradicting)}"),
    ]
    blocks: list[Block] = [Facts(facts)]
    for caption, groups in (
        ("Prompts with different answers", repeats.worst_contradictions),
        ("Rows that are there most often", repeats.worst_rows),
    ):
        if groups:
            rows = [(_sentence(lines_text(group.lines)), f"{group.rows:,}") for group in groups]
            blocks.append(Table(caption, (Column("First seen in"), Column("Rows", "number")), rows))
    yield Section("What repeats", blocks)


def _contents(found: Statistics) -> Iterator[Section]:
    facts: list[tuple[str, str]] = []
    turns = found.turns.counts
    if len(turns) == 1:
        facts.append(("Messages a row", f"{found.turns.largest:,} in every row"))
    for name, holding in found.features.items():
        facts.append((name, f"{rows_text(holding)} ({percent(holding / found.rows)})"))
    systems = found.systems
    if systems.rows:
        different = "more than a thousand" if systems.different is None else f"{systems.different:,}"
        facts.append(("With a system text", f"{rows_text(systems.rows)}; different texts: {different}"))
    blocks: list[Block] = [Facts(facts)] if facts else []
    if len(turns) > 1:
        spans = [charts.Bar(f"{number:,}", count) for number, count in sorted(turns.items())[:_MOST_BARS]]
        drawing = charts.bar_chart(spans, description="Rows by number of messages.", value_title="rows")
        blocks.append(Chart("Messages a row", drawing))
    if systems.texts:
        rows = [(shown(text.text, 2 * _EXCERPT), f"{text.rows:,}") for text in systems.texts]
        caption = "The system text" if systems.different == 1 else "The commonest system texts"
        blocks.append(Table(caption, (Column("Text", "data"), Column("Rows", "number")), rows))
    if blocks:
        yield Section("What rows hold", blocks)


def _samples(found: Statistics) -> Iterator[Section]:
    rows = [
        (str(sample.line), shown(sample.question, _EXCERPT), shown(sample.answer, _EXCERPT)) for sample in found.samples
    ]
    if rows:
        columns = (Column("Line", "number"), Column("Question", "data"), Column("Answer", "data"))
        yield Section("Samples", (Table("Rows from the first, the middle and the last third", columns, rows),))


def _short(number: int) -> str:
    """`348,076` as `348 k`."""
    for unit, name in ((1_000_000_000, "bn"), (1_000_000, "m"), (1_000, "k")):
        if number >= 10 * unit or number >= unit > 1_000:
            return f"{number / unit:,.3g} {name}"
    return f"{number:,}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" if text and not text.startswith("`") else text
