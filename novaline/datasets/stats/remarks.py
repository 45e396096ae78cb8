"""What in a dataset's figures deserves a look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from novaline.datasets.stats.model import Statistics

_IMBALANCED = 10
"""Rows of the commonest label for one of the rarest; from here on it is said."""
_WIDE = 0.1


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know about a dataset. An `error` makes rows useless, a `warning` may make the model worse."""

    code: str
    level: Literal["error", "warning", "information"]
    text: str
    detail: str = ""

    def as_json(self) -> dict[str, str]:
        """The remark as a JSON object."""
        return {"code": self.code, "level": self.level, "text": self.text, "detail": self.detail}


def remarks(found: Statistics) -> tuple[Remark, ...]:
    """What to know, the worst first; empty when nothing stands out."""
    order = ("error", "warning", "information")
    every = [*_rows(found), *_repeats(found), *_labels(found), *_mixtures(found), *_estimate(found)]
    return tuple(sorted(every, key=lambda remark: order.index(remark.level)))


def _rows(found: Statistics) -> Iterator[Remark]:
    if found.unreadable.rows:
        yield Remark(
            "unreadable-rows",
            "error",
            f"{rows_text(found.unreadable.rows)} could not be read, and {_are(found.unreadable.rows)} not counted "
            f"({lines_text(found.unreadable.lines)})",
            f"`novaline data validate {found.file} --format {found.format}` says what is wrong",
        )
    if found.empty_answers.rows:
        where = lines_text(found.empty_answers.lines)
        yield Remark("empty-answers", "warning", f"{rows_text(found.empty_answers.rows)} without an answer ({where})")


def _repeats(found: Statistics) -> Iterator[Remark]:
    repeats = found.repeats
    if repeats.contradictions:
        prompts = "1 prompt has" if repeats.contradictions == 1 else f"{repeats.contradictions:,} prompts have"
        first = lines_text(repeats.worst_contradictions[0].lines)
        yield Remark(
            "contradictions",
            "warning",
            f"{prompts} different answers, in {rows_text(repeats.contradicting)} (see {first})",
            "the model cannot learn both: decide on one, or tell in the prompt what makes the difference",
        )
    if repeats.rows:
        share = percent(repeats.rows / found.rows)
        yield Remark(
            "repeated-rows",
            "warning",
            f"{rows_text(repeats.rows)} ({share}) {_repeat(repeats.rows)} an earlier one byte for byte "
            f"(see {lines_text(repeats.worst_rows[0].lines)})",
            "they are trained on, and paid for, as often as they occur",
        )
    others = repeats.prompts - repeats.rows
    if others > 0:
        rows = "1 more row asks" if others == 1 else f"{others:,} more rows ask"
        text = f"{rows} what an earlier row asks, under the same system text"
        yield Remark("repeated-prompts", "information", text)


def _labels(found: Statistics) -> Iterator[Remark]:
    labels = found.labels
    if labels is None:
        return
    for group in labels.spellings()[:3]:
        names = ", ".join(repr(name) for name in group[:4])
        text = f"labels that differ only in capitals, blanks, hyphens or underscores: {names}"
        yield Remark("label-spellings", "warning", text, "a model learns them as different labels")
    if len(labels.counts) == 1:
        yield Remark("one-label", "warning", f"every answer is {labels.counts[0][0]!r}: there is nothing to tell apart")
    elif labels.imbalance >= _IMBALANCED:
        (most, many), (least, few) = labels.counts[0], labels.counts[-1]
        yield Remark(
            "imbalance",
            "warning",
            f"the commonest label has {labels.imbalance:,.0f} times as many rows as the rarest: "
            f"{most!r} {many:,}, {least!r} {few:,}",
            f"always answering {most!r} would be right in {percent(labels.commonest_share)} of the rows",
        )
    if labels.others:
        are = "is" if labels.others == 1 else "are"
        text = f"{rows_text(labels.others)} {are} answered with a long text instead of a label"
        yield Remark("long-answers", "warning", text)


def _mixtures(found: Statistics) -> Iterator[Remark]:
    held = {"a system text": found.systems.rows, **found.features}
    for name, rows in held.items():
        if 0 < rows < found.rows:
            text = f"{rows:,} of {found.rows:,} rows have {name}; all should, or none"
            yield Remark("mixed-rows", "warning", text)
    if found.systems.different != 1 and found.systems.rows:
        many = "more than a thousand" if found.systems.different is None else f"{found.systems.different:,}"
        yield Remark("system-texts", "information", f"there are {many} different system texts")


def _estimate(found: Statistics) -> Iterator[Remark]:
    if found.tokens.wide > _WIDE:
        text = "much of the text is not written in ASCII: the numbers of tokens are further off than usual"
        yield Remark("rough-estimate", "information", text)


def rows_text(number: int) -> str:
    """`1 row`, `2,268 rows`."""
    return f"{number:,} row{'' if number == 1 else 's'}"


def lines_text(lines: Sequence[int]) -> str:
    """`line 7`, `lines 7, 12, 31`: the first lines that have something. The numbers are as an editor takes them."""
    return f"line{'' if len(lines) == 1 else 's'} {', '.join(map(str, lines))}"


def percent(share: float) -> str:
    """`4.8 %`; below a thousandth `< 0.1 %`."""
    return "< 0.1 %" if 0 < share < 0.001 else f"{share * 100:.1f} %"


def _repeat(number: int) -> str:
    return "repeats" if number == 1 else "repeat"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
