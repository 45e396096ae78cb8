"""What is known of a dataset when it was measured."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from novaline.datasets.formats.spec import TOKEN_BYTES
from novaline.datasets.stats.distribution import Distribution
from novaline.datasets.stats.labels import Labels
from novaline.datasets.stats.repeats import Group, Repeats

_MOST_LABELS_TOLD = 1_000
_LABELS_BYTES = 48 * 1024
"""So that the document stays below 64 KiB."""
_BYTES_BESIDE_LABEL = 20
_MOST_FEATURES = 50


@dataclass(frozen=True, slots=True)
class Places:
    """How many rows have something, and the first lines that do, at most five."""

    rows: int
    lines: tuple[int, ...]

    def as_json(self) -> dict[str, object]:
        """`{"rows": …, "lines": […]}`."""
        return {"rows": self.rows, "lines": list(self.lines)}


@dataclass(frozen=True, slots=True)
class System:
    """A system text (its start), and how many rows have it."""

    text: str
    rows: int


@dataclass(frozen=True, slots=True)
class Systems:
    """The system texts: `rows` have one, the commonest are `texts`. `different` is None when there are too many."""

    rows: int
    different: int | None
    texts: tuple[System, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """A row of the dataset; the texts are cut where they are long."""

    line: int
    system: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Estimated tokens a row: all of its texts, the system text, what is asked last, and the answer.

    A row with tools counts the whole JSON of the row. `wide` is the share of bytes in the texts that characters beyond
    ASCII need more: about 0.5 for Cyrillic or Arabic, two thirds for Chinese; there the estimate is worse.
    """

    row: Distribution
    system: Distribution
    question: Distribution
    answer: Distribution
    wide: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """A dataset in figures.

    `rows` are those that could be read, `unreadable` the others. `turns` has messages a row, and nothing for formats
    without messages. `labels` is None where answers are free text, `features` counts rows by what they hold beside
    text. `longest` are the lines of the longest rows with their tokens, the longest first.
    """

    file: str
    format: str
    bytes: int
    rows: int
    unreadable: Places
    empty_answers: Places
    turns: Distribution
    tokens: Tokens
    labels: Labels | None
    systems: Systems
    features: dict[str, int]
    repeats: Repeats
    longest: tuple[tuple[int, int], ...]
    samples: tuple[Sample, ...]

    def as_json(self) -> dict[str, object]:
        """The JSON document of `--json`: bounded, whatever the dataset's size."""
        tokens = {
            "row": self.tokens.row.as_json(),
            "question": self.tokens.question.as_json(),
            "answer": self.tokens.answer.as_json() if self.tokens.answer.counts else None,
            "system": self.tokens.system.as_json() if self.tokens.system.counts else None,
        }
        return {
            "file": self.file,
            "format": self.format,
            "bytes": self.bytes,
            "rows": self.rows,
            "unreadable": self.unreadable.as_json(),
            "empty_answers": self.empty_answers.as_json(),
            "turns": {str(turns): count for turns, count in sorted(self.turns.counts.items())[:_MOST_FEATURES]},
            "tokens": {"estimated": True, "bytes_per_token": TOKEN_BYTES, **tokens},
            "labels": None if self.labels is None else _labels_as_json(self.labels),
            "system": {"rows": self.systems.rows, "different": self.systems.different},
            "features": dict(self.features),
            "repeats": {
                "rows": self.repeats.rows,
                "prompts": self.repeats.prompts,
                "contradictions": self.repeats.contradictions,
                "contradicting_rows": self.repeats.contradicting,
                "repeated_rows": _groups_as_json(self.repeats.worst_rows),
                "contradicting_prompts": _groups_as_json(self.repeats.worst_contradictions),
            },
            "longest": [{"line": line, "tokens": tokens_} for line, tokens_ in self.longest],
        }


def text_lengths(found: Statistics) -> tuple[tuple[str, Distribution], ...]:
    """The lengths to show, named: the row's, and those of its parts where it has such parts beside others."""
    tokens = found.tokens
    parts = (("system text", tokens.system), ("question", tokens.question), ("answer", tokens.answer))
    return ("row", tokens.row), *(part for part in parts if part[1].counts and part[1].counts != tokens.row.counts)


def _labels_as_json(labels: Labels) -> dict[str, object]:
    return {
        "different": len(labels.counts),
        "others": labels.others,
        "commonest_share": round(labels.commonest_share, 4),
        "imbalance": round(labels.imbalance, 2),
        "effective": round(labels.effective, 2),
        "counts": dict(_told(labels.counts)),
    }


def _told(counts: Sequence[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """The commonest labels: as many as the document has room for."""
    room = _LABELS_BYTES
    for label, count in counts[:_MOST_LABELS_TOLD]:
        room -= len(json.dumps(label)) + _BYTES_BESIDE_LABEL
        if room < 0:
            return
        yield label, count


def _groups_as_json(groups: tuple[Group, ...]) -> list[dict[str, object]]:
    return [{"rows": group.rows, "lines": list(group.lines)} for group in groups]
