"""The one place where inspections call the engine that validates local files as well: plan, read a range, merge."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Any, BinaryIO

import msgspec

from novaline.datasets.engine.blocks import line_blocks
from novaline.datasets.engine.files import PART_BYTES
from novaline.datasets.engine.merging import Merged
from novaline.datasets.engine.options import Options
from novaline.datasets.engine.plan import Plan
from novaline.datasets.engine.planning import Evaluation, plan_for
from novaline.datasets.engine.reading import PartReader, Tools
from novaline.datasets.engine.reporting import report_of
from novaline.datasets.engine.tally import Tally
from novaline.datasets.engine.work import tools_for
from novaline.datasets.flaws import Flaw
from novaline.datasets.remote.parts import Range
from novaline.datasets.report import Report

Opened = Callable[[Range], BinaryIO]
"""Opens the object of a range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutFile:
    """A file of what is asked later, for the engine to read once. `size` is in bytes."""

    name: str
    size: int
    opened: Callable[[], BinaryIO] = field(repr=False)

    def open(self) -> BinaryIO:
        """The file at its beginning."""
        return self.opened()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A range, and what `inspect` found in it."""

    range: Range
    found: bytes


class _Planned(msgspec.Struct, frozen=True):
    plan: Plan
    flaws: list[Flaw]


class _RangeFound(msgspec.Struct, frozen=True):
    """`sha256` is the object's, where the range is all of it: nobody else reads the object from end to end."""

    tallies: list[Tally]
    sha256: str | None


def plan(options: Mapping[str, Any], held_out: Sequence[HeldOutFile]) -> bytes:
    """How all ranges are read, for `inspect` and `merge`: what was asked for, and what the held-out rows ask.

    Raises msgspec.ValidationError for options that the engine does not have, and whatever reading raises.
    """
    # The hashes of all rows travel with what was found, because nobody reads all of the data a second time.
    asked = msgspec.convert({**options, "keep_rows": True}, Options)
    planned, flaws = plan_for(asked, (), [Evaluation(file) for file in held_out])
    return msgspec.msgpack.encode(_Planned(planned, flaws))


def inspect(file: BinaryIO, piece: Range, planned: bytes) -> bytes:
    """Validate the lines that begin in the range. Raises whatever reading raises."""
    tools, digest = _tools(planned), hashlib.sha256()
    # Long ranges in the parts in which local files are read, so that very bad files give the same report as well; a
    # range begins and ends at multiples of them, or at the end of its object.
    part_bytes = PART_BYTES if piece.end - piece.start > PART_BYTES else None
    blocks = line_blocks(file, piece.start, piece.end, part=part_bytes, read=digest.update)
    tallies = [
        PartReader(tools).read(part) for _, part in groupby(blocks, key=lambda block: block.offset // PART_BYTES)
    ]
    whole = piece.start == 0 and piece.last
    return msgspec.msgpack.encode(_RangeFound(tallies, digest.hexdigest() if whole else None))


def merge(found: Iterable[Found], planned: bytes, *, name_of: Callable[[str], str], opened: Opened) -> Report:
    """The report of all ranges, which come in the order of files and bytes. `name_of` is what findings call a key.

    `opened` is for the few lines that are shown because of another one: they are read once more.
    """
    given = _decoded(planned)
    lines = _Lines(opened)
    with Merged() as merged:
        for item in found:
            piece = msgspec.msgpack.decode(item.found, type=_RangeFound)
            for tally in piece.tallies:
                lines.add(item.range, tally.lines)
                merged.add(tally)
            if item.range.last:
                merged.end_file(name_of(item.range.key), piece.sha256)
        return report_of(merged, given.plan, find=lines.find, more=given.flaws)


def packed(found: Sequence[bytes]) -> bytes:
    """What was found in the ranges of a part, as one object."""
    return msgspec.msgpack.encode(found)


def unpacked(document: bytes) -> list[bytes]:
    """What `packed` packed."""
    return msgspec.msgpack.decode(document, type=list[bytes])


def load() -> None:
    """Import all that inspecting needs."""
    _tools(plan({"format": "sft"}, ()))


class _Lines:
    """Which range has which lines, counted from 1 through all files."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._ranges: list[Range] = []
        self._before: list[int] = []
        self._all = 0

    def add(self, piece: Range, lines: int) -> None:
        """The next so many lines are in this range."""
        if not self._ranges or self._ranges[-1] != piece:
            self._ranges.append(piece)
            self._before.append(self._all)
        self._all += lines

    def find(self, wanted: set[int]) -> dict[int, tuple[int, bytes]]:
        """The wanted lines: where each starts in its file, and its bytes."""
        of_ranges: dict[int, set[int]] = {}
        for number in wanted:
            of_ranges.setdefault(bisect_right(self._before, number - 1) - 1, set()).add(number)
        found: dict[int, tuple[int, bytes]] = {}
        for index, numbers in of_ranges.items():
            found.update(self._in_range(self._ranges[index], self._before[index], numbers))
        return found

    def _in_range(self, piece: Range, before: int, wanted: set[int]) -> dict[int, tuple[int, bytes]]:
        found: dict[int, tuple[int, bytes]] = {}
        with self._opened(piece) as file:
            for block in line_blocks(file, piece.start, piece.end):
                offset = block.offset
                for line in bytes(block.view[:-1]).split(b"\n"):
                    before += 1
                    if before in wanted:
                        found[before] = (offset, line)
                    offset += len(line) + 1
                if len(found) == len(wanted):
                    break
        return found


@lru_cache(maxsize=1)
def _tools(planned: bytes) -> Tools:
    """The decoders and the scanner, which a function keeps from part to part."""
    return tools_for(_decoded(planned).plan, fast=True)


def _decoded(planned: bytes) -> _Planned:
    return msgspec.msgpack.decode(planned, type=_Planned)
