"""Measures a dataset in one pass over its file, a block at a time, in memory that does not grow with the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from pathlib import Path
from typing import Any

import msgspec

from novaline.datasets.engine.files import DataFile, LocalFile
from novaline.datasets.formats.broken_lines import BYTE_ORDER_MARK, UNREADABLE
from novaline.datasets.formats.spec import FastShape, FormatSpec, text_sizes, tokens_of_all
from novaline.datasets.stats.blocks import LineFile
from novaline.datasets.stats.distribution import Distribution
from novaline.datasets.stats.labels import LabelCounter
from novaline.datasets.stats.model import Places, Sample, Statistics, System, Systems, Tokens
from novaline.datasets.stats.repeats import RepeatFinder

_MOST_LINES = 5
_MOST_SYSTEMS = 1_000
_SYSTEMS_SHOWN = 5
_LONGEST_SHOWN = 5
_SAMPLES = (1 / 6, 1 / 2, 5 / 6)
"""Where in the dataset samples are taken from."""
_TRIES = 20
_EXCERPT = 600


@dataclass(slots=True)
class _Rows:
    """Rows that are counted together: a column for each thing to count."""

    lines: list[int] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    answers: list[str | None] = field(default_factory=list)
    systems: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)


def measure(file: Path | DataFile, spec: FormatSpec[Any], report: Callable[[int], None] = lambda _: None) -> Statistics:
    """The statistics of a file in the format `spec`. `report` is told the bytes read, block by block.

    Raises OSError when the file cannot be read, or is none (a folder, a pipe), and NovalineError when it is compressed
    and broken.
    """
    data = LocalFile(file) if isinstance(file, Path) else file
    _ = data.size  # raises what is wrong with the place, before anything waits for it
    with RepeatFinder() as repeats:
        lines = LineFile(data)
        meter = _Meter(spec, repeats)
        for first, block in lines.blocks():
            meter.take(first, block)
            report(lines.bytes)
        return meter.statistics(data.name, lines)


class _Meter:
    """The state of one measurement."""

    def __init__(self, spec: FormatSpec[Any], repeats: RepeatFinder) -> None:
        self._spec = spec
        self._repeats = repeats
        self._fast = [(shape, msgspec.json.Decoder(shape.type)) for shape in spec.fast]
        self._full = msgspec.json.Decoder(spec.full)
        self._rows = 0
        self._unreadable = _Sightings()
        self._empty = _Sightings()
        self._turns = Distribution()
        self._tokens = {name: Distribution() for name in ("row", "system", "question", "answer")}
        self._bytes = self._characters = 0
        self._labels = LabelCounter()
        self._systems: Counter[str] = Counter()
        self._system_rows = 0
        self._features: Counter[str] = Counter()
        self._longest: list[tuple[int, int]] = []

    def take(self, first: int, raw: list[bytes] | None) -> None:
        """Counts the rows of a block; `first` is the number of its first line."""
        if raw is None:
            self._unreadable.add(first)
            return
        whole = b"\n".join(raw)
        for shape, decoder in self._fast:
            try:
                rows = decoder.decode_lines(whole)
            except UNREADABLE:
                continue
            if len(rows) == len(raw):
                self._take_fast(shape, rows, raw, range(first, first + len(raw)))
                return
        self._take_singly(raw, first)

    def _take_singly(self, raw: Sequence[bytes], first: int) -> None:
        """Counts rows of which some are not in the commonest shape: each goes the fastest way that it can."""
        fast: list[tuple[list[Any], list[bytes], list[int]]] = [([], [], []) for _ in self._fast]
        full = _Rows()
        for number, line in enumerate(raw, first):
            data = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
            if not data or data.isspace():
                continue
            for (rows, lines, numbers), (_, decoder) in zip(fast, self._fast, strict=True):
                try:
                    rows.append(decoder.decode(data))
                except UNREADABLE:
                    continue
                lines.append(data)
                numbers.append(number)
                break
            else:
                self._take_full(data, number, full)
        for (shape, _), (rows, lines, numbers) in zip(self._fast, fast, strict=True):
            if rows:
                self._take_fast(shape, rows, lines, numbers)
        self._count(full)

    def _take_fast(self, shape: FastShape[Any], rows: list[Any], raw: list[bytes], numbers: Sequence[int]) -> None:
        columns = shape.columns(rows)
        systems = list(columns.systems) if columns.systems is not None else [""] * len(rows)
        answers: list[str | None] = [None] * len(rows) if columns.answers is None else list(columns.answers)
        self._features.update(dict.fromkeys(shape.features, len(rows)))
        self._count_turns(rows)
        prompts = list(columns.prompts)
        questions = prompts if columns.questions is None else list(columns.questions)
        self._count(_Rows(list(numbers), raw, prompts, questions, answers, systems, columns.sizes()))

    def _take_full(self, data: bytes, number: int, into: _Rows) -> None:
        try:
            row = self._full.decode(data)
            view = self._spec.view(row)
        except UNREADABLE:
            self._unreadable.add(number)
            return
        self._count_turns([row])
        self._features.update(view.features - {"system"})
        into.lines.append(number)
        into.raw.append(data)
        into.prompts.append(view.prompt)
        into.questions.append(view.question)
        into.answers.append(view.answer)
        into.systems.append(view.system or "")
        into.sizes.append(view.size(data))

    def _count_turns(self, rows: Sequence[Any]) -> None:
        if rows and hasattr(rows[0], "messages"):
            self._turns.add([len(row.messages) for row in rows])

    def _count(self, rows: _Rows) -> None:
        if not rows.lines:
            return
        self._rows += len(rows.lines)
        systems, questions = text_sizes(rows.systems), text_sizes(rows.questions)
        given = [answer for answer in rows.answers if answer is not None]
        answers = text_sizes(given)
        tokens = tokens_of_all(rows.sizes)
        self._tokens["row"].add(tokens)
        self._tokens["question"].add(tokens_of_all(questions))
        self._tokens["answer"].add(tokens_of_all(answers))
        self._bytes += sum(questions) + sum(answers)
        self._characters += sum(map(len, rows.questions)) + sum(map(len, given))
        self._labels.add(given)
        self._count_systems(rows.systems, systems)
        if any(not answer or answer.isspace() for answer in given):
            for line, answer in zip(rows.lines, rows.answers, strict=True):
                if answer is not None and not answer.strip():
                    self._empty.add(line)
        if len(self._longest) < _LONGEST_SHOWN or max(tokens) > self._longest[-1][0]:
            found = zip(tokens, (-line for line in rows.lines), strict=True)
            self._longest = nlargest(_LONGEST_SHOWN, [*self._longest, *found])
        self._repeats.add(
            prompts=list(map(hash, zip(rows.systems, rows.prompts, strict=True))),
            rows=list(map(hash, rows.raw)),
            answers=list(map(hash, rows.answers)),
            lines=rows.lines,
        )

    def _count_systems(self, texts: Sequence[str], sizes: Sequence[int]) -> None:
        with_one = [size for size in sizes if size]
        if not with_one:
            return
        self._system_rows += len(with_one)
        self._tokens["system"].add(tokens_of_all(with_one))
        if len(self._systems) <= _MOST_SYSTEMS:
            self._systems.update(texts)

    def statistics(self, file: str, lines: LineFile) -> Statistics:
        """What was measured; reads a few rows again, as samples."""
        systems = Counter({text: count for text, count in self._systems.items() if text})
        return Statistics(
            file=file,
            format=self._spec.name,
            bytes=lines.bytes,
            rows=self._rows,
            unreadable=self._unreadable.places(),
            empty_answers=self._empty.places(),
            turns=self._turns,
            tokens=Tokens(**self._tokens, wide=1 - self._characters / self._bytes if self._bytes else 0.0),
            labels=self._labels.labels(),
            systems=Systems(
                rows=self._system_rows,
                different=len(systems) if len(self._systems) <= _MOST_SYSTEMS else None,
                texts=tuple(System(text[:_EXCERPT], count) for text, count in systems.most_common(_SYSTEMS_SHOWN)),
            ),
            features={name: count for name, count in sorted(self._features.items()) if count},
            repeats=self._repeats.repeats(),
            longest=tuple((-line, tokens) for tokens, line in self._longest),
            samples=tuple(self._samples(lines)),
        )

    def _samples(self, lines: LineFile) -> Iterator[Sample]:
        """One row from each place, or the next one behind it that can be read."""
        places = [1 + int(share * lines.number) for share in _SAMPLES]
        for number, line in lines.lines_from(places, _TRIES):
            if not places:
                return
            if number < places[0]:
                continue
            try:
                view = self._spec.view(self._full.decode(line.removeprefix(BYTE_ORDER_MARK)))
            except UNREADABLE:
                continue
            texts = (view.system or "", view.question, view.answer or "")
            yield Sample(number, *(text[:_EXCERPT] for text in texts))
            places = [max(place, number + 1) for place in places[1:]]


class _Sightings:
    """Counts lines, and keeps the first."""

    def __init__(self) -> None:
        self.rows = 0
        self._lines: list[int] = []

    def add(self, line: int) -> None:
        """Counts one line."""
        self.rows += 1
        if len(self._lines) < _MOST_LINES:
            self._lines.append(line)

    def places(self) -> Places:
        """What was counted."""
        return Places(self.rows, tuple(self._lines))
