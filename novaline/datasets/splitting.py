"""Which split an example belongs to: a pure function of what it asks, so that it is the same every time.

What differs in case, punctuation or spaces only is the same question here, and cannot stand in two splits.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_64_intdigest

from novaline.findings import UsageProblem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

SPLITS = ("train", "validation", "test")
MOST_SURVEYED = 2_000_000
"""Rows whose hashes a survey keeps (24 MB); the law of large numbers serves the labels of larger datasets."""
_END = 1 << 64
_PERCENT = 100
_LEAST_PERCENT = 10

_LOWER = bytes(range(256)).lower()
_NOT_ALPHANUMERIC = bytes(code for code in range(256) if not chr(code).isalnum() or code > 127)
_NO_WORD = re.compile(r"[\W_]+")


def fold(text: str) -> bytes:
    """What stays of a text when case, punctuation, spaces and accents go; the text itself where nothing stays.

    Texts that the validator takes for the same question fold alike. It may never change: splits hang on it.
    """
    if text.isascii():
        folded = text.encode("ascii").translate(_LOWER, _NOT_ALPHANUMERIC)
        return folded or text.strip().encode("ascii")
    letters = _NO_WORD.sub("", text.casefold())
    plain = _NO_WORD.sub("", unicodedata.normalize("NFKD", letters).casefold())
    return (plain or text.strip()).encode("utf-8", errors="surrogatepass")


def hashes(keys: Iterable[bytes], *, seed: int) -> Hashes:
    """A number from 0 to 2^64 - 1 for each key, as good as random, another one for another seed (XXH3, 64 bits)."""
    import numpy as np  # noqa: PLC0415 - the command line must start without numpy

    return np.array([xxh3_64_intdigest(key, seed) for key in keys], dtype=np.uint64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How large the splits are, in parts of the sum: `80/10/10` and `8/1/1` are the same."""

    parts: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Shares:
        """`80/10/10` is train, validation and test; `90/10` train and validation. Raises UsageProblem.

        Shares of ten and more are taken for percent, and must make 100: what does not is more likely a slip.
        """
        words = text.split("/")
        if not 2 <= len(words) <= len(SPLITS) or not all(word.isdecimal() for word in words) or len(text) > 30:
            hint = "write --split 80/10/10 for train, validation and test, or 90/10 for train and validation"
            raise UsageProblem.of("wrong-split", f"expected whole shares like 80/10/10, found {text!r}", hint=hint)
        parts = tuple(map(int, words))
        if not parts[0] or sum(map(bool, parts)) < 2:
            raise UsageProblem.of("wrong-split", f"{text} leaves nothing to split", hint="write --split 80/10/10")
        if sum(parts) != _PERCENT and max(parts) >= _LEAST_PERCENT:
            hint = f"let the shares make {_PERCENT}, or write parts below {_LEAST_PERCENT} like 8/1/1"
            raise UsageProblem.of("wrong-split", f"the shares of {text} make {sum(parts)}", hint=hint)
        return cls(parts=parts)

    @property
    def names(self) -> tuple[str, ...]:
        """The splits' names, in order."""
        return SPLITS[: len(self.parts)]

    @property
    def cuts(self) -> tuple[int, ...]:
        """The hashes at which the second and each further split begin."""
        whole = sum(self.parts)
        return tuple(end * _END // whole for end in accumulate(self.parts[:-1]))

    def counts(self, rows: int) -> tuple[int, ...]:
        """So many rows go to each split: by largest remainder, and at least one each where there are enough."""
        whole = sum(self.parts)
        counts = [rows * part // whole for part in self.parts]
        by_remainder = sorted(range(len(counts)), key=lambda split: -(rows * self.parts[split] % whole))
        for split in by_remainder[: rows - sum(counts)]:
            counts[split] += 1
        for split, part in enumerate(self.parts):
            largest = max(range(len(counts)), key=counts.__getitem__)
            if part and not counts[split] and counts[largest] > 1:
                counts[split] += 1
                counts[largest] -= 1
        return tuple(counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitter:
    """Allots rows. `strata` holds the cuts of labels that have their own; `shared` the questions that have several
    labels, which go by the common cuts so that they stay together."""

    shares: Shares
    seed: int
    strata: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    shared: frozenset[int] = frozenset()

    def assign(self, found: Hashes, labels: Sequence[str] | None = None) -> Sequence[int]:
        """The split of each row, as an index into the shares' names."""
        import numpy as np  # noqa: PLC0415 - the command line must start without numpy

        cuts = np.array([min(cut, _END - 1) for cut in self.shares.cuts], dtype=np.uint64)
        common: list[int] = np.searchsorted(cuts, found, side="right").tolist()
        if labels is None or not self.strata:
            return common
        strata, shared, none = self.strata, self.shared, self.shares.cuts
        return [
            split if number in shared else sum(number >= cut for cut in strata.get(label, none))
            for split, number, label in zip(common, found.tolist(), labels, strict=True)
        ]

    def as_json(self) -> dict[str, object]:
        """What a manifest keeps, so that a later run can split alike."""
        return {
            "shares": list(self.shares.parts),
            "seed": self.seed,
            "cuts": {label: [f"{cut:016x}" for cut in cuts] for label, cuts in sorted(self.strata.items())},
        }

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> Splitter:
        """The splitter of a manifest. Raises KeyError, TypeError or ValueError for another document."""
        shares = Shares.parse("/".join(map(str, document["shares"])))  # type: ignore[call-overload]  # TypeError, as said
        cuts: Mapping[str, Sequence[str]] = document["cuts"]  # type: ignore[assignment]  # likewise
        strata = {label: tuple(int(cut, 16) for cut in each) for label, each in cuts.items()}
        return cls(shares=shares, seed=int(document["seed"]), strata=strata)  # type: ignore[call-overload]  # likewise


class Survey:
    """Looks at all rows once, to give each label its shares exactly."""

    def __init__(self) -> None:
        self._found: list[Hashes] = []
        self._labels: list[NDArray[np.uint32]] = []
        self._codes: dict[str, int] = {}
        self.rows = 0

    @property
    def complete(self) -> bool:
        """Whether all rows were few enough to be kept."""
        return self.rows <= MOST_SURVEYED

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that were seen."""
        return tuple(self._codes)

    def add(self, found: Hashes, labels: Sequence[str]) -> None:
        """Takes a batch."""
        import numpy as np  # noqa: PLC0415 - the command line must start without numpy

        self.rows += len(labels)
        codes = self._codes
        coded = [codes.setdefault(label, len(codes)) for label in labels]
        if self.complete:
            self._found.append(found)
            self._labels.append(np.array(coded, dtype=np.uint32))
        else:
            self._found.clear()
            self._labels.clear()

    def splitter(self, shares: Shares, *, seed: int, like: Splitter | None = None) -> Splitter:
        """The splitter for what was seen. A label that `like` knows keeps the cuts that it has there.

        Each cut is as near to the common one as the label's share allows.
        """
        import numpy as np  # noqa: PLC0415 - the command line must start without numpy

        known = {} if like is None else dict(like.strata)
        if not self.complete or not self._found:
            return Splitter(shares=shares, seed=seed, strata=known)
        numbers, codes = _unique_pairs(np.concatenate(self._found), np.concatenate(self._labels))
        again = numbers[1:][numbers[1:] == numbers[:-1]]
        own = ~np.isin(numbers, again)
        by_label: dict[int, list[int]] = defaultdict(list)
        for number, label in zip(numbers[own].tolist(), codes[own].tolist(), strict=True):
            by_label[label].append(number)
        strata = {name: _cuts(by_label[code], shares) for name, code in self._codes.items() if by_label[code]}
        return Splitter(shares=shares, seed=seed, strata={**strata, **known}, shared=frozenset(again.tolist()))


def _cuts(ordered: Sequence[int], shares: Shares) -> tuple[int, ...]:
    """Where to cut these hashes, which are in order, so that each split gets its count of them."""
    bounds = [-1, *ordered, _END]
    ends = accumulate(shares.counts(len(ordered))[:-1])
    return tuple(
        min(max(common, bounds[end] + 1), bounds[end + 1]) for common, end in zip(shares.cuts, ends, strict=True)
    )


class StraddleWatch:
    """Counts questions that stand in several splits, which only grouping by something else can bring about."""

    def __init__(self) -> None:
        self._seen: list[Hashes] = []
        self._splits: list[NDArray[np.uint8]] = []
        self._rows = 0

    def add(self, found: Hashes, splits: Sequence[int]) -> None:
        """Takes a batch; beyond the survey's limit nothing more is kept."""
        import numpy as np  # noqa: PLC0415 - the command line must start without numpy

        self._rows += len(splits)
        if self._rows <= MOST_SURVEYED:
            self._seen.append(found)
            self._splits.append(np.array(splits, dtype=np.uint8))

    def count(self) -> int:
        """Questions in more than one split, of the rows that were kept."""
        import numpy as np  # noqa: PLC0415 - the command line must start without numpy

        if not self._seen:
            return 0
        numbers, _ = _unique_pairs(np.concatenate(self._seen), np.concatenate(self._splits))
        return len(np.unique(numbers[1:][numbers[1:] == numbers[:-1]]))


def _unique_pairs(numbers: Hashes, codes: NDArray[Any]) -> tuple[Hashes, NDArray[Any]]:
    """The different pairs, in the order of their numbers."""
    import numpy as np  # noqa: PLC0415 - the command line must start without numpy

    order = np.lexsort((codes, numbers))
    numbers, codes = numbers[order], codes[order]
    new = np.ones(len(numbers), dtype=bool)
    new[1:] = (numbers[1:] != numbers[:-1]) | (codes[1:] != codes[:-1])
    return numbers[new], codes[new]
