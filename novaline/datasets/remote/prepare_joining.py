"""How pieces become one object without passing through the function: which bytes are copied, and which are carried.

S3 copies ranges of objects as the parts of another one, of 5 MiB to 5 GiB each but for the last, and 10,000 at most.
What is smaller is carried together, with the beginning of the piece that follows.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

LEAST_BYTES: Final = 5 << 20
MOST_COPIED: Final = 1 << 30
"""Bytes of one copy: S3 takes more, and so many are copied in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The bytes of a piece from `start` up to `end`."""

    key: str
    start: int
    end: int

    @property
    def size(self) -> int:
        """How many bytes these are."""
        return self.end - self.start

    @property
    def range(self) -> str:
        """As HTTP names it."""
        return f"bytes={self.start}-{self.end - 1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A part of the upload that S3 copies."""

    slice: Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A part of the upload that the function reads and sends: less than twice the least size."""

    slices: tuple[Slice, ...]


def uploads(pieces: Iterable[tuple[str, int]], *, least: int = LEAST_BYTES) -> Iterator[Copied | Carried]:
    """The parts of an upload of pieces (key, bytes) in their order; nothing for no bytes."""
    small: list[Slice] = []
    for key, size in pieces:
        start = 0
        if small:  # the next piece's beginning makes up what is missing, and all of it where little would be left
            missing = least - sum(item.size for item in small)
            start = size if size - missing < least else missing
            small.append(Slice(key=key, start=0, end=start))
        elif size < least:
            start = size
            small.append(Slice(key=key, start=0, end=size))
        if sum(item.size for item in small) >= least:
            yield Carried(slices=tuple(small))
            small = []
        if start < size:
            yield from _copies(key, start, size)
    if any(item.size for item in small):
        yield Carried(slices=tuple(small))


def _copies(key: str, start: int, size: int) -> Iterator[Copied]:
    """A long range in copies of much the same size, none of them too small."""
    count = -(-(size - start) // MOST_COPIED)
    places = [start + (size - start) * number // count for number in range(count + 1)]
    for first, end in pairwise(places):
        yield Copied(slice=Slice(key=key, start=first, end=end))
