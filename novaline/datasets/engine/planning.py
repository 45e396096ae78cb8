"""Looks at a dataset's first rows, and at what evaluations ask, before all is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from novaline.datasets.engine.any_rows import SPECS
from novaline.datasets.engine.blocks import line_blocks
from novaline.datasets.engine.files import DataFile
from novaline.datasets.engine.folding import WHOLE, Place, place_for
from novaline.datasets.engine.hashing import text_hash
from novaline.datasets.engine.held_out import Asked, held_out
from novaline.datasets.engine.lines import LineReader
from novaline.datasets.engine.options import Options
from novaline.datasets.engine.plan import Plan
from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.broken_lines import UNREADABLE
from novaline.datasets.formats.misfits import looks_like
from novaline.datasets.formats.spec import Columns

_SAMPLE = 300


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A file of what is asked later. `format` None means that its rows show which one they have."""

    file: DataFile
    format: str | None = None


def plan_for(options: Options, files: Sequence[DataFile], evaluations: Sequence[Evaluation]) -> tuple[Plan, list[Flaw]]:
    """How to read the files, and what is wrong with the evaluations' files. Raises OSError or NovalineError."""
    place = WHOLE if options.keep_rows else _place(options, files)
    questions: list[tuple[str, Asked]] = []
    systems: set[int] = set()
    flaws = []
    for evaluation in evaluations:
        found = list(_questions(evaluation, options.format))
        questions += [(question, asked) for question, asked, _ in found]
        systems.update(text_hash(system) for _, _, system in found if system)
        if not found:
            message = f"{evaluation.file.name} has no rows that could be held against these"
            flaws.append(Flaw("held-out-unreadable", message, "warning", hint="validate it by itself to see why"))
    return Plan(
        options=options, place=place, held_out=held_out(questions, place=place, systems=frozenset(systems))
    ), flaws


def _place(options: Options, files: Sequence[DataFile]) -> Place:
    reader = LineReader(SPECS[options.format], options.context)
    prompts: list[str] = []
    for line in _lines(files[0]) if files else ():
        said = reader.says(line)
        if said is not None:
            prompts.append(said.prompts[0] if isinstance(said, Columns) else said.prompt)
        if len(prompts) == _SAMPLE:
            break
    return place_for(prompts)


def _questions(evaluation: Evaluation, format_of_rows: str) -> Iterator[tuple[str, Asked, str | None]]:
    """Each row's question with its place, and the row's system text."""
    reader: LineReader | None = None
    for number, line in enumerate(_lines(evaluation.file), 1):
        if reader is None:
            name = evaluation.format or _format_of(line, format_of_rows)
            if name is None:
                continue
            reader = LineReader(SPECS[name], Options(format=name).context)
        said = reader.says(line)
        asked = Asked(evaluation.file.name, number)
        if isinstance(said, Columns):
            yield (said.questions or said.prompts)[0], asked, said.systems[0] if said.systems is not None else None
        elif said is not None:
            yield said.question, asked, said.system


def _format_of(line: bytes, format_of_rows: str) -> str | None:
    """The format of a row: that of the rows it is held against, or else the one that its keys suggest."""
    if LineReader(SPECS[format_of_rows], Options(format=format_of_rows).context).says(line) is not None:
        return format_of_rows
    try:
        row = msgspec.json.decode(line, type=dict)
    except UNREADABLE:
        return None
    return looks_like(row)


def _lines(file: DataFile) -> Iterator[bytes]:
    with file.open() as stream:
        for block in line_blocks(stream):
            yield from bytes(block.view[:-1]).split(b"\n")
