"""Rows of a batch by split, with the columns that a person groups or stratifies by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from novaline.datasets.prepare.converter import Converted
from novaline.datasets.readers.batches import Batch
from novaline.datasets.splitting import MOST_SURVEYED, Shares, Splitter, StraddleWatch, Survey, fold, hashes
from novaline.findings import Finding, NovalineError

if TYPE_CHECKING:
    from novaline.datasets.splitting import Hashes

MOST_LABELS = 10_000
"""Different values of a column beyond which it is nothing to stratify by."""

Share = tuple[str | None, Sequence[object], Sequence[int]]
"""A split, its rows, and their indexes in the batch."""


class Allotment:
    """Allots rows to splits; without shares all of them to the one that has no name.

    `survey`, `watch` and `splitter` are for rows that are read in parts: what notes them, and what all of them gave.
    """

    def __init__(
        self,
        *,
        shares: Shares | None,
        seed: int,
        stratify: str | None,
        group: str | None,
        like: Splitter | None,
        survey: Survey | None = None,
        watch: StraddleWatch | None = None,
        splitter: Splitter | None = None,
    ) -> None:
        self._shares = shares
        self._seed = seed
        self._stratify = stratify
        self._group = group
        self._like = like
        self._survey = Survey() if survey is None else survey
        self._watch = StraddleWatch() if watch is None else watch
        self._splitter = splitter
        if splitter is None and shares is not None:
            self._splitter = Splitter(shares=shares, seed=seed, strata={} if like is None else like.strata)

    @property
    def needs_survey(self) -> bool:
        """Whether all rows must be looked at before the first is allotted."""
        return self._shares is not None and self._stratify is not None

    def survey(self, batch: Batch, converted: Converted, mapping: Mapping[str, str]) -> None:
        """Looks at a batch. Raises NovalineError as `check_labels` does."""
        if converted.rows:
            self._survey.add(self._hashes(batch, converted), self._labels(batch, converted, mapping) or ())
        self.check_labels()

    def check_labels(self) -> None:
        """Raises NovalineError when the column to stratify by has too many values."""
        if len(self._survey.labels) > MOST_LABELS:
            message = f"{self._stratify} has more than {MOST_LABELS:,} different values: nothing to stratify by"
            raise NovalineError.of("too-many-labels", message, hint="leave out --stratify, or name another column")

    @property
    def splitter(self) -> Splitter | None:
        """What allots; None without shares."""
        return self._splitter

    def close_survey(self) -> None:
        """To be called when all batches were looked at."""
        if self.needs_survey and self._shares is not None:
            self._splitter = self._survey.splitter(self._shares, seed=self._seed, like=self._like)

    def allot(self, batch: Batch, converted: Converted, mapping: Mapping[str, str]) -> Iterator[Share]:
        """The rows by split, in the batch's order."""
        if self._splitter is None or self._shares is None:
            yield None, converted.rows, converted.indexes
            return
        indexes = converted.indexes
        splits = self._splitter.assign(self._hashes(batch, converted), self._labels(batch, converted, mapping))
        if self._group is not None:
            self._watch.add(hashes([fold(question) for question in converted.questions], seed=self._seed), splits)
        for number, name in enumerate(self._shares.names):
            chosen = [place for place, split in enumerate(splits) if split == number]
            if chosen:
                yield name, [converted.rows[place] for place in chosen], [indexes[place] for place in chosen]

    def findings(self) -> list[Finding]:
        """What there is to say about the split."""
        found = []
        if self.needs_survey and not self._survey.complete:
            message = (
                f"of more than {MOST_SURVEYED:,} rows the labels' shares are not made exact: "
                "each label is split by chance, which large labels do not feel"
            )
            found.append(Finding(code="stratified-by-chance", severity="warning", message=message))
        straddling = self._watch.count()
        if straddling:
            message = f"{straddling:,} questions stand in more than one split, because their groups do"
            hint = "leave out --group, or give what asks the same one group"
            found.append(Finding(code="question-in-two-splits", severity="warning", message=message, hint=hint))
        return found

    def as_json(self) -> dict[str, object] | None:
        """What the manifest keeps of the split."""
        if self._splitter is None:
            return None
        return {"stratify": self._stratify, "group": self._group, **self._splitter.as_json()}

    def _hashes(self, batch: Batch, converted: Converted) -> Hashes:
        """Of each row's question, or of the group that it belongs to."""
        if self._group is None:
            return hashes([fold(question) for question in converted.questions], seed=self._seed)
        groups = batch.column(self._group)
        keys = [_as_text(groups[index]).encode("utf-8", "surrogatepass") for index in converted.indexes]
        return hashes(keys, seed=self._seed)

    def _labels(self, batch: Batch, converted: Converted, mapping: Mapping[str, str]) -> list[str] | None:
        if self._stratify is None:
            return None
        name = self._stratify if self._stratify in batch.names else mapping.get(self._stratify, self._stratify)
        column = batch.column(name)
        return [_as_text(column[index]) for index in converted.indexes]


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
