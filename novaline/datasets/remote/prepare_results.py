"""What a preparation's functions tell one another: the plan of a pass, and what it found in a part."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
import numpy as np

from novaline.datasets.prepare.contrast import Contrasts
from novaline.datasets.prepare.problems import Sighting
from novaline.datasets.prepare.work import Request
from novaline.datasets.remote.prepare_request import Options
from novaline.datasets.splitting import MOST_SURVEYED, Splitter, StraddleWatch, Survey
from novaline.findings import Finding, NovalineError, UsageProblem

if TYPE_CHECKING:
    from novaline.datasets.splitting import Hashes

ANSWERS: Final = "answers"
LABELS: Final = "labels"
LINES: Final = "lines"
ROWS: Final = "rows"
DONE: Final = "done"


_Told = TypeVar("_Told")


def packed(told: msgspec.Struct) -> bytes:
    """A plan, or what was found, as an object. By way of `json`, which also spells texts that are no Unicode."""
    return json.dumps(msgspec.to_builtins(told)).encode("ascii")


def unpacked(document: bytes, kind: type[_Told]) -> _Told:
    """What `packed` packed. Raises msgspec.ValidationError for something else."""
    return msgspec.convert(json.loads(document), kind)


def passes(request: Request) -> tuple[str, ...]:
    """What is gone over the data for: what depends on all rows comes first, as in the local command."""
    found = []
    if request.make_pairs:
        found.append(ANSWERS)
    if request.shares is not None and request.stratify is not None:
        found.append(LABELS)
    if request.format == "multi-turn-rft":
        found.append(LINES)  # an id that is made says which line of which source its row is
    return (*found, ROWS)


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """A splitter as a plan carries it; `surveyed` are the rows that it was made of."""

    splitter: dict[str, Any]
    shared: list[int]
    surveyed: int

    @classmethod
    def of(cls, splitter: Splitter, *, surveyed: int) -> Chosen:
        """The splitter to carry."""
        return cls(splitter=splitter.as_json(), shared=sorted(splitter.shared), surveyed=surveyed)

    def unpacked(self) -> Splitter:
        """The splitter that was carried."""
        return replace(Splitter.from_json(self.splitter), shared=frozenset(self.shared))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a pass is told: what was asked for, and what the passes before it found.

    `before` is, for each range of each part, how many lines of its object come before it, and how many objects with
    rows.
    """

    options: dict[str, Any]
    answers: list[str] | None = None
    chosen: Chosen | None = None
    before: list[list[tuple[int, int]]] | None = None

    @property
    def request(self) -> Request:
        """What was asked for."""
        return Options.from_json(self.options).request

    @property
    def contrasts(self) -> Contrasts | None:
        """What pairs are made of."""
        if self.answers is None:
            return None
        contrasts = Contrasts()
        contrasts.add(self.answers)
        contrasts.close()
        return contrasts


class Refusal(msgspec.Struct, frozen=True):
    """What the local command would have ended with."""

    findings: list[Finding]
    usage: bool

    @classmethod
    def of(cls, problem: NovalineError) -> Refusal:
        """The problem to carry."""
        return cls(list(problem.findings), isinstance(problem, UsageProblem))

    def unpacked(self) -> NovalineError:
        """The problem that was carried."""
        return (UsageProblem if self.usage else NovalineError)(self.findings)


class Surveyed(msgspec.Struct, frozen=True):
    """Rows as they were surveyed: hashes and codes of labels as bytes, both empty when the rows were too many."""

    rows: int
    hashes: bytes
    codes: bytes
    labels: list[str]


Watched = tuple[int, bytes, bytes]
"""A batch as it was watched: rows, hashes and splits; the latter empty when nobody looks at them any more."""


class RangeFound(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a pass found in a range. `rows` are as a source's are counted: with those that cannot be read."""

    lines: int = 0
    rows: int = 0
    with_rows: bool = False
    sha256: str | None = None
    mapping: dict[str, str] = {}
    found: list[str] = []
    sightings: list[Sighting] = []
    left_out: dict[str, int] = {}
    answers: list[str] = []
    surveyed: Surveyed | None = None
    watched: list[Watched] = []
    refused: Refusal | None = None


class PartFound(msgspec.Struct, kw_only=True):
    """What a pass found in the ranges of a part; fewer of them after a refusal. `written`: split → rows and bytes."""

    ranges: list[RangeFound]
    written: dict[str, tuple[int, int]] = {}


class NotedSurvey(Survey):
    """Keeps what a survey of all parts needs of this one."""

    def __init__(self) -> None:
        super().__init__()
        self._noted: list[tuple[bytes, bytes]] = []

    def add(self, found: Hashes, labels: Sequence[str]) -> None:
        """Takes a batch."""
        self.rows += len(labels)
        coded = np.array([self._codes.setdefault(label, len(self._codes)) for label in labels], dtype=np.uint32)
        if self.complete:
            self._noted.append((found.tobytes(), coded.tobytes()))
        else:
            self._noted.clear()

    @property
    def noted(self) -> Surveyed:
        """What was noted."""
        hashes, codes = (b"".join(column) for column in zip(*self._noted, strict=True)) if self._noted else (b"", b"")
        return Surveyed(self.rows, hashes, codes, list(self._codes))


class JoinedSurvey(Survey):
    """The survey of all parts, from what was noted of each."""

    def add_noted(self, noted: Surveyed) -> None:
        """Takes the part that follows."""
        self.rows += noted.rows
        codes = np.array([self._codes.setdefault(label, len(self._codes)) for label in noted.labels], dtype=np.uint32)
        if self.complete:
            self._found.append(np.frombuffer(noted.hashes, dtype=np.uint64))
            self._labels.append(codes[np.frombuffer(noted.codes, dtype=np.uint32)])
        else:
            self._found.clear()
            self._labels.clear()


class NotedWatch(StraddleWatch):
    """Keeps what a watch over all parts needs of this one."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[Watched] = []

    def add(self, found: Hashes, splits: Sequence[int]) -> None:
        """Takes a batch."""
        self._rows += len(splits)
        kept = self._rows <= MOST_SURVEYED
        self.noted.append((len(splits), found.tobytes() if kept else b"", bytes(splits) if kept else b""))


def watch_again(watch: StraddleWatch, noted: Watched) -> None:
    """Shows a watch over all parts what one of a part noted."""
    rows, found, splits = noted
    watch.add(np.frombuffer(found, dtype=np.uint64), list(splits or bytes(rows)))
