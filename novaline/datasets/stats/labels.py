"""Answers that repeat, as those of a classification do: which there are, and how often each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log

MOST_LABELS = 5_000
"""With more different answers than that, they are no labels."""
LONGEST_LABEL = 80
"""In characters. A longer answer is no label."""
_FEW = 0.05
"""Of all answers; so many may be no label in a set of labels."""
_ROWS_PER_LABEL = 3
"""Answers that are shared by fewer rows than that, on average, are not called labels."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels with their counts, the commonest first. `others` are answers that are too long to be labels."""

    counts: tuple[tuple[str, int], ...]
    others: int

    @property
    def rows(self) -> int:
        """The rows whose answer is a label."""
        return sum(count for _, count in self.counts)

    @property
    def commonest_share(self) -> float:
        """The share of rows that have the commonest label: how often always giving it would be right."""
        return self.counts[0][1] / (self.rows + self.others)

    @property
    def imbalance(self) -> float:
        """The commonest label's rows per row of the rarest one."""
        return self.counts[0][1] / self.counts[-1][1]

    @property
    def effective(self) -> float:
        """How many equally common labels would surprise as much: the exponential of the entropy."""
        rows = self.rows
        return exp(-sum(count / rows * log(count / rows) for _, count in self.counts))

    def spellings(self) -> tuple[tuple[str, ...], ...]:
        """Labels that are the same but for capitals, blanks, hyphens and underscores, in groups; none is good."""
        groups: dict[str, list[str]] = {}
        for label, _ in self.counts:
            groups.setdefault("".join(label.casefold().replace("_", " ").replace("-", " ").split()), []).append(label)
        return tuple(tuple(group) for group in groups.values() if len(group) > 1)


class LabelCounter:
    """Counts answers for as long as they may be labels."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._long = 0
        self._free = False

    def add(self, answers: Sequence[str]) -> None:
        """Counts the answers of some rows; blank ones are none."""
        if self._free:
            return
        self._counts.update(_stripped(answers))
        if len(self._counts) > MOST_LABELS:
            self._free = True
            self._counts.clear()

    def labels(self) -> Labels | None:
        """The labels, or None where answers are free text."""
        counts = {label: count for label, count in self._counts.items() if label is not _OTHER and label}
        others = self._counts[_OTHER]
        rows = sum(counts.values())
        if not counts or others > _FEW * (rows + others) or rows < _ROWS_PER_LABEL * len(counts):
            return None
        return Labels(tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))), others)


_OTHER = "\0" * (LONGEST_LABEL + 1)
"""What long answers are counted as; itself too long to be a label."""


def _stripped(answers: Iterable[str]) -> list[str]:
    return [answer.strip() if len(answer) <= LONGEST_LABEL else _OTHER for answer in answers]
