"""All parts together: what the next pass is told, and at the end what was made, as the local command would say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from novaline.datasets.manifest import Origin
from novaline.datasets.prepare.allotting import Allotment
from novaline.datasets.prepare.contrast import Contrasts
from novaline.datasets.prepare.converter import require_columns
from novaline.datasets.prepare.problems import RowLedger
from novaline.datasets.prepare.work import judged, new_allotment
from novaline.datasets.remote.parts import Part, Range
from novaline.datasets.remote.prepare_listing import StoredSource
from novaline.datasets.remote.prepare_results import (
    ANSWERS,
    LABELS,
    Chosen,
    JoinedSurvey,
    PartFound,
    Plan,
    RangeFound,
    watch_again,
)
from novaline.datasets.splitting import StraddleWatch, Survey
from novaline.findings import Finding

Results = Iterable[tuple[Part, PartFound]]
"""The parts in order, each with what a pass found in it."""


def next_plan(plan: Plan, stage: str, results: Results) -> Plan:
    """What the pass after this one is told. Raises what the local command would raise after the same look."""
    if stage == ANSWERS:
        contrasts = Contrasts()
        for _, found in _ranges(results):
            contrasts.add(found.answers)
        contrasts.close()
        return replace(plan, answers=list(contrasts.answers))
    if stage == LABELS:
        survey = JoinedSurvey()
        allotment = new_allotment(plan.request, survey=survey)
        for _, found in _ranges(results):
            if found.surveyed is not None:
                survey.add_noted(found.surveyed)
            allotment.check_labels()
        allotment.close_survey()
        assert allotment.splitter is not None
        return replace(plan, chosen=Chosen.of(allotment.splitter, surveyed=survey.rows))
    return replace(plan, before=_before(results))


@dataclass(slots=True)
class Whole:
    """What the last pass made of all parts."""

    ledger: RowLedger
    allotment: Allotment
    mapping: Mapping[str, str]
    mappings: dict[int, Mapping[str, str]] = field(default_factory=dict)
    rows_of: Counter[int] = field(default_factory=Counter)
    digests: dict[int, str | None] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)
    sizes: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def findings(self, plan: Plan, *, uris: Mapping[str | None, str]) -> tuple[Finding, ...]:
        """What there is to say; `uris` are the places of the splits. Raises NovalineError where nothing is written."""
        rows = {uri: self.written[split or ""] for split, uri in uris.items()}
        split_of = {uri: split for split, uri in uris.items()}
        return judged(plan.request, rows=rows, split_of=split_of, ledger=self.ledger, split=self.allotment)

    def origins(self, sources: Sequence[StoredSource]) -> list[Origin]:
        """What was read, source by source."""
        return [
            Origin(
                uri=source.uri,
                rows=self.rows_of[number],
                bytes=source.size,
                sha256=self.digests.get(number),
                version_id=None if source.version == "null" else source.version,
                etag=source.etag,
            )
            for number, source in enumerate(sources)
        ]


def whole(plan: Plan, results: Results) -> Whole:
    """What the last pass made. Raises NovalineError for what the local command would have refused on its way."""
    request, survey, watch = plan.request, Survey(), StraddleWatch()
    splitter = None if plan.chosen is None else plan.chosen.unpacked()
    survey.rows = 0 if plan.chosen is None else plan.chosen.surveyed
    allotment = new_allotment(request, survey=survey, watch=watch, splitter=splitter)
    made = Whole(RowLedger(), allotment, {})
    found_roles: set[str] = set()
    any_rows, lines = False, _Lines()

    def counted() -> Iterator[tuple[Part, PartFound]]:
        for part, found in results:
            yield part, found
            for split, (rows, size) in found.written.items():
                made.written[split] += rows
                made.sizes.setdefault(split, []).append((part.number, size))

    for piece, found in _ranges(counted()):
        before = 0 if plan.before is not None else lines.before(piece)
        made.ledger.merge(found.sightings, left_out=found.left_out, before=before)
        lines.add(piece, found.lines)
        made.rows_of[piece.file] += found.rows
        made.digests[piece.file] = found.sha256
        for noted in found.watched:
            watch_again(watch, noted)
        if found.with_rows:
            any_rows, made.mapping = True, found.mapping
            made.mappings[piece.file] = found.mapping
            found_roles.update(found.found)
    require_columns(request.mapping, found_roles if any_rows else request.mapping)
    return made


class _Lines:
    """How many lines of an object come before one of its ranges."""

    def __init__(self) -> None:
        self._file, self._lines = -1, 0

    def before(self, piece: Range) -> int:
        """The lines before this range, which follows those that were added."""
        if piece.file != self._file:
            self._file, self._lines = piece.file, 0
        return self._lines

    def add(self, piece: Range, lines: int) -> None:
        """The range has so many lines."""
        self._lines = self.before(piece) + lines


def _before(results: Results) -> list[list[tuple[int, int]]]:
    """For each range of each part the lines before it in its object, and the sources with rows before its own."""
    flat = [(part, piece, found) for part, piece, found in _numbered(results)]
    with_rows = {piece.file for _, piece, found in flat if found.with_rows}
    places: list[list[tuple[int, int]]] = []
    lines, sources, last = _Lines(), 0, -1
    for part, piece, found in flat:
        if last not in (-1, piece.file):
            sources += last in with_rows
        last = piece.file
        while len(places) <= part.number:
            places.append([])
        places[part.number].append((lines.before(piece), sources))
        lines.add(piece, found.lines)
    return places


def _ranges(results: Results) -> Iterator[tuple[Range, RangeFound]]:
    for _, piece, found in _numbered(results):
        yield piece, found


def _numbered(results: Results) -> Iterator[tuple[Part, Range, RangeFound]]:
    """The ranges in order. Raises the first refusal where it comes, as who reads them in order would have met it."""
    for part, found in results:
        for piece, each in zip(part.ranges, found.ranges, strict=False):  # after a refusal there are no more
            yield part, piece, each
            if each.refused is not None:
                raise each.refused.unpacked()
