"""Cuts the objects of datasets into parts of much the same size: many small objects, or ranges of large ones.

Standard library only: a function bundles it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

PART_BYTES: Final = 128 << 20
GRAIN_BYTES: Final = 16 << 20
"""Objects are cut at multiples of it, where the engine cuts local files as well."""

MOST_PARTS: Final = 5_000
"""Parts of one inspection; of more bytes than fit into so many of the usual size, the parts are larger."""

MOST_RANGES: Final = 100
"""Ranges of one part: with the longest keys that S3 allows (1,024 bytes), these are half of what a state may carry."""

MEMBER: Final = ".jsonl"


class SourceRefused(Exception):
    """The datasets cannot be inspected as they were named; the message says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One version of an object; its size is in bytes. What is `whole` is not cut into ranges."""

    key: str
    version: str
    size: int
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The lines of an object that begin in the bytes from `start` up to `end`. `file` numbers the object."""

    file: int
    key: str
    version: str
    start: int
    end: int
    size: int

    @property
    def last(self) -> bool:
        """Whether the object ends here."""
        return self.end == self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one function inspects at a time."""

    number: int
    ranges: tuple[Range, ...]

    def as_json(self) -> dict[str, Any]:
        """A line of the list of parts."""
        return {"number": self.number, "ranges": [asdict(item) for item in self.ranges]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Part:
        """The part that a line of the list describes."""
        return cls(number=int(document["number"]), ranges=tuple(Range(**item) for item in document["ranges"]))


def cut(files: Iterable[StoredFile], *, part_bytes: int = PART_BYTES) -> Iterator[Part]:
    """The parts of the files, in the order of files and bytes. An empty file is a range of nothing: it has findings."""
    grain = GRAIN_BYTES if part_bytes >= GRAIN_BYTES else 1
    pending: list[Range] = []
    room, number = part_bytes, 0
    for piece in _pieces(files, part_bytes - part_bytes % grain):
        size = piece.end - piece.start
        if pending and (size > room or len(pending) == MOST_RANGES):
            yield Part(number=number, ranges=tuple(pending))
            pending, room, number = [], part_bytes, number + 1
        pending.append(piece)
        room -= size
    if pending:
        yield Part(number=number, ranges=tuple(pending))


def _pieces(files: Iterable[StoredFile], longest: int) -> Iterator[Range]:
    for index, file in enumerate(files):
        step = max(file.size, 1) if file.whole else longest
        for start in range(0, max(file.size, 1), step):
            end = min(file.size, start + step)
            yield Range(file=index, key=file.key, version=file.version, start=start, end=end, size=file.size)


def part_bytes_for(total: int, *, usual: int = PART_BYTES) -> int:
    """How large a part is, so that so many bytes make at most `MOST_PARTS` of them."""
    return max(usual, -(-total // MOST_PARTS))


def list_of(parts: Iterable[Part]) -> bytes:
    """The list of parts as JSON Lines, which a Distributed Map reads."""
    return b"".join(json.dumps(part.as_json(), separators=(",", ":")).encode() + b"\n" for part in parts)


def parts_of(document: bytes) -> tuple[Part, ...]:
    """The parts of such a list."""
    return tuple(Part.from_json(json.loads(line)) for line in document.splitlines() if line)


def chosen(found: Iterable[StoredFile], *, source: str, prefix: str) -> tuple[StoredFile, ...]:
    """The files that a source means: the object of exactly that name, or all with `.jsonl` at their end below a folder.

    Raises SourceRefused when there is none, or when the object is none that can be cut into lines.
    """
    files = tuple(found)
    exact = tuple(file for file in files if file.key == prefix)
    if exact:
        if not prefix.endswith(MEMBER):
            raise SourceRefused(f"{source} is no {MEMBER} by its name: make one of it with `novaline data prepare`")
        return exact
    folder = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
    members = tuple(file for file in files if file.key.startswith(folder) and file.key.endswith(MEMBER))
    if members:
        return members
    others = sum(1 for file in files if file.key.startswith(folder))
    said = f"none of the {others:,} objects below {source} is a {MEMBER}" if others else f"there is nothing at {source}"
    raise SourceRefused(f"{said}: name an object, or a folder of objects, of JSON Lines")
