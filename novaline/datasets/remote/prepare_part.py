"""One pass over one part: its ranges are read as the local command reads files, and what it does with rows is done."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, NoReturn, Protocol, cast

from novaline.datasets.prepare.contrast import Contrasts
from novaline.datasets.prepare.problems import RowLedger
from novaline.datasets.prepare.work import Request, answers_of, new_allotment, new_converter, split_lines
from novaline.datasets.readers.batches import Batch
from novaline.datasets.readers.json_lines import BLOCK_BYTES, read_json_lines
from novaline.datasets.readers.reading import SourceReader
from novaline.datasets.remote.parts import Part, Range
from novaline.datasets.remote.prepare_lines import LineRange, shifted
from novaline.datasets.remote.prepare_listing import named_source
from novaline.datasets.remote.prepare_request import Options
from novaline.datasets.remote.prepare_results import (
    ANSWERS,
    LABELS,
    LINES,
    ROWS,
    NotedSurvey,
    NotedWatch,
    PartFound,
    Plan,
    RangeFound,
    Refusal,
)
from novaline.findings import NovalineError

Opened = Callable[[Range], BinaryIO]
"""Opens the object of a range at its beginning."""

Named = Callable[[str], str]
"""What a person calls the object with this key."""


class Sink(Protocol):
    """Takes the rows of a part, split by split and each in order."""

    def write(self, split: str, lines: bytes, *, rows: int) -> None:
        """Takes so many rows."""

    def finish(self) -> Mapping[str, tuple[int, int]]:
        """The rows and bytes of each split that has any; all of them are stored."""


def read_part(part: Part, plan: Plan, stage: str, *, named: Named, opened: Opened, sink: Sink) -> PartFound:
    """Do one pass over a part. What the local command would refuse is in the result; whatever else goes wrong raises.

    Raises msgspec.ValidationError for a plan of another version.
    """
    options = Options.from_json(plan.options)
    work = _Work(options, plan, stage, sink)
    ranges = []
    for index, piece in enumerate(part.ranges):
        before = (0, 0) if plan.before is None else plan.before[part.number][index]
        found = work.range(_Rows(piece, options, uri=named(piece.key), opened=opened), before)
        ranges.append(found)
        if found.refused is not None:
            break
    return PartFound(ranges=ranges, written=dict(sink.finish()))


class _Rows:
    """The batches of one range, and what is known of its object before them."""

    def __init__(self, piece: Range, options: Options, *, uri: str, opened: Opened) -> None:
        self.piece = piece
        self.uri = uri
        self._source = named_source(uri, options)
        self._reading = options.reading
        self._opened = opened
        self._reader: SourceReader | LineRange | None = None

    @property
    def cut(self) -> bool:
        """Whether the range has neighbours."""
        return not (self.piece.start == 0 and self.piece.last)

    def first(self) -> Batch | None:
        """The first batch of the object that has rows, by whose columns all of them are read; None where none has."""
        with self._opened(self.piece) as file:
            content = io.BufferedReader(cast("io.RawIOBase", file), BLOCK_BYTES)
            return next((batch for batch in read_json_lines(content, source=self.uri) if len(batch)), None)

    def batches(self, *, lines_before: int) -> Iterator[Batch]:
        """The range's rows."""
        if not self.cut:
            reader = SourceReader(self._source, self._reading, s3=_nobody, opened=lambda: self._opened(self.piece))
            self._reader = reader
            yield from reader.batches()
            return
        with self._opened(self.piece) as file:
            self._reader = lines = LineRange(file, self.piece, source=self.uri)
            for batch in lines.batches():
                yield shifted(batch, lines_before)

    def account(self, found: RangeFound) -> None:
        """Writes down what is known of the object once all of the range was read."""
        if isinstance(self._reader, LineRange):
            found.lines = self._reader.lines
        elif self._reader is not None and self._reader.origin is not None:
            found.sha256 = self._reader.origin.sha256


class _Work:
    """What a pass does with the rows of its ranges."""

    def __init__(self, options: Options, plan: Plan, stage: str, sink: Sink) -> None:
        self._request: Request = options.request
        self._contrasts = plan.contrasts
        self._splitter = None if plan.chosen is None else plan.chosen.unpacked()
        self._stage = stage
        self._sink = sink

    def range(self, rows: _Rows, before: tuple[int, int]) -> RangeFound:
        """Goes over a range; `before` are the lines and the sources with rows before it, as far as they matter."""
        found = RangeFound()
        try:
            self._go(rows, found, lines_before=before[0], sources_before=before[1])
            rows.account(found)
        except NovalineError as problem:
            found.refused = Refusal.of(problem)
        return found

    def _go(self, rows: _Rows, found: RangeFound, *, lines_before: int, sources_before: int) -> None:
        ledger, survey, watch, answers = RowLedger(), NotedSurvey(), NotedWatch(), Contrasts()
        contrasts = answers if self._stage == ANSWERS else self._contrasts
        converter = new_converter(self._request, contrasts=contrasts, ledger=ledger, sources_before=sources_before)
        allotment = new_allotment(self._request, survey=survey, watch=watch, splitter=self._splitter)
        if rows.piece.start and self._stage != LINES and (first := rows.first()) is not None:
            converter.resolve(first)
        for batch in rows.batches(lines_before=lines_before):
            found.rows += len(batch) + len(batch.unreadable)
            found.with_rows = found.with_rows or len(batch) > 0
            if self._stage == ANSWERS and len(batch):
                answers.add(answers_of(batch, converter))
            elif self._stage == LABELS:
                allotment.survey(batch, converter.convert(batch), converter.mapping)
            elif self._stage == ROWS:
                for split, lines, count in split_lines(
                    batch, request=self._request, converter=converter, allotment=allotment, ledger=ledger
                ):
                    self._sink.write(split or "", lines, rows=count)
            elif not rows.cut and found.with_rows:
                break  # whoever counts lines need not know more
        found.answers = list(answers.answers)
        found.surveyed = survey.noted if self._stage == LABELS else None
        if self._stage == ROWS:
            found.mapping = dict(converter.mapping)
            found.found = sorted(converter.found) if found.with_rows else []
            found.sightings, found.left_out = list(ledger.sightings), dict(ledger.left_out)
            found.watched = watch.noted


def _nobody() -> NoReturn:
    raise AssertionError("what lies in S3 is opened by its version")
