"""Validates datasets: every row against its format, and all rows against one another and against evaluations.

Files are read once, block by block, at the decoder's speed; lines that may repeat another one are read a second time.
Memory does not grow with the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from novaline.datasets.engine.any_rows import SPECS
from novaline.datasets.engine.files import DataFile, LocalFile, require_unchanged, states
from novaline.datasets.engine.finding_lines import find_lines
from novaline.datasets.engine.lines import LineReader
from novaline.datasets.engine.merging import Merged
from novaline.datasets.engine.options import ModelFacts, Options
from novaline.datasets.engine.plan import Plan
from novaline.datasets.engine.planning import Evaluation, plan_for
from novaline.datasets.engine.reporting import report_of
from novaline.datasets.engine.work import FileDone, PartDone, processes_for, read_here, read_in_processes
from novaline.datasets.report import Report

__all__ = ["DataFile", "Evaluation", "LocalFile", "ModelFacts", "Options", "validate"]

_LARGE = 4 << 20
"""Bytes from which numpy is worth its import."""


def validate(
    files: Sequence[Path | DataFile],
    options: Options,
    *,
    held_out: Sequence[Path | DataFile | Evaluation] = (),
    processes: int | None = None,
) -> Report:
    """Reads files as one dataset and reports what is wrong with it.

    `held_out` are files of evaluations, whose questions training rows must not hold. `processes` None takes as many as
    pay. Raises OSError when a file cannot be read, and NovalineError when its compression is broken, or when it changed
    while it was read.
    """
    data = [LocalFile(file) if isinstance(file, Path) else file for file in files]
    evaluations = [_evaluation(each) for each in held_out]
    sizes = [file.size for file in data]
    large = any(size is None for size in sizes) or sum(size or 0 for size in sizes) > _LARGE
    if not large:
        options = msgspec.structs.replace(options, keep_rows=True)
    watched = [*data, *(each.file for each in evaluations)]
    before = states(watched)
    plan, more = plan_for(options, data, evaluations)
    several = processes_for(data, processes) if large else 1
    with Merged() as merged:
        read = read_in_processes(data, plan, several) if several > 1 else read_here(data, plan, fast=large)
        _merge(merged, read)
        _look_again(merged, data, plan)
        report = report_of(merged, plan, find=lambda lines: find_lines(data, lines), more=more)
    require_unchanged(watched, before)
    return report


def _merge(merged: Merged, read: Iterator[PartDone | FileDone]) -> None:
    for done in read:
        if isinstance(done, PartDone):
            merged.add(done.tally)
        else:
            merged.end_file(done.name, done.sha256)


def _look_again(merged: Merged, files: Sequence[DataFile], plan: Plan) -> None:
    """Reads the rows that may repeat others once more, all of what they say."""
    chosen = None if merged.keys is None else merged.keys.shared()
    if chosen is None:
        return
    from novaline.datasets.engine.second_look import second_look  # noqa: PLC0415 - numpy, for large files only

    reader = LineReader(SPECS[plan.options.format], plan.options.context)
    for records in second_look(files, chosen, reader):
        merged.records.add(records, lines=0)


def _evaluation(given: Path | DataFile | Evaluation) -> Evaluation:
    if isinstance(given, Evaluation):
        return given
    return Evaluation(LocalFile(given) if isinstance(given, Path) else given)
