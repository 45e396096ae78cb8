"""What reading a part of a dataset gave. Parts are read anywhere, travel as bytes, and are merged in order."""

from __future__ import annotations

from typing import Self

import msgspec
from msgspec import Struct, field

from novaline.datasets.engine.counts import Features, Labels, Lengths, Systems
from novaline.datasets.flaws import Flaw, Sighting


class Tally(Struct):
    """What is known of some lines. Lines count from 1 within the part; byte offsets are the file's.

    `size` is in bytes. `rows` are the lines that hold something; `unlike` says that the file is no lines of JSON at
    all, so that what is said of its further lines is noise. `keys` and `records` are arrays of 64-bit numbers as bytes:
    a key for each line (0 where it has none), or for each row six numbers, see `novaline.datasets.engine.repeats`;
    `ids` are such records of the rows' own ids.
    """

    size: int = 0
    lines: int = 0
    rows: int = 0
    features: Features = field(default_factory=Features)
    systems: Systems = field(default_factory=Systems)
    labels: Labels = field(default_factory=Labels)
    lengths: Lengths = field(default_factory=Lengths)
    media: dict[str, int] = field(default_factory=dict)
    unlike: bool = False
    keys: bytearray = field(default_factory=bytearray)
    records: bytearray = field(default_factory=bytearray)
    ids: bytearray = field(default_factory=bytearray)
    flaws: list[tuple[Flaw, Sighting]] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        """The tally as MessagePack."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The tally that `to_bytes` made these of."""
        return msgspec.msgpack.decode(data, type=cls)

    def merge(self, later: Tally) -> None:
        """Adds the counts of the part that follows; flaws, keys and records are for `Merged` to add."""
        lines = self.lines
        self.features.merge(later.features, lines=lines)
        self.systems.merge(later.systems, lines=lines)
        self.labels.merge(later.labels)
        self.lengths.merge(later.lengths, lines=lines)
        for kind, count in later.media.items():
            self.media[kind] = self.media.get(kind, 0) + count
        self.size += later.size
        self.lines += later.lines
        self.rows += later.rows
