"""A first look at a block's bytes: is there one object on each line, how many keys are there, which lines stand out?

Two ways with the same answers: one in plain Python for small files, which do not pay for importing numpy, and
`novaline.datasets.engine.fast_look` for large ones.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import Protocol

from novaline.datasets.engine.blocks import Block
from novaline.datasets.formats.reserved import RESERVED

RESERVED_BYTES = tuple(word.encode() for word in RESERVED)
LONGEST_RESERVED = max(map(len, RESERVED_BYTES))

_SPACED = re.compile(rb'"[ \t\r]+:')
_RESERVED = re.compile(b"|".join(re.escape(word) for word in RESERVED_BYTES))
_ODD = re.compile(rb"\\u00[0-9]|\\u[fF]{2}[fF][dD]|\\u[fF][eE][fF]{2}|\x7f|\xc2[\x80-\x9f]|\xef\xbf\xbd|\xef\xbb\xbf")
"""Bytes that may be a control character or hide a reserved word: escapes of them, and they themselves."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a block's bytes show.

    `lines` counts newlines. `one_each` says that every line begins with `{` and ends with `}`, so that a decoder which
    finds `lines` rows has found one on each line. `keys` counts what looks like JSON's keys; None where odd spacing
    makes that unsure. `suspects` are the indexes of lines that may hold a reserved word or a control character.
    """

    lines: int
    one_each: bool
    keys: int | None
    suspects: tuple[int, ...]


class Looker(Protocol):
    """A way to look at blocks."""

    def __call__(self, block: Block, *, reserved: bool) -> Look:
        """The look at a block; `reserved` says whether reserved words matter."""
        ...


def plain_look(block: Block, *, reserved: bool) -> Look:
    """The look, in plain Python."""
    data = bytes(block.view)
    lines = data.count(b"\n")
    firsts = data.count(b"\n{") + data.startswith(b"{")
    lasts = data.count(b"}\n") + data.count(b"}\r\n")
    found = [match.start() for match in _ODD.finditer(data)]
    if reserved:
        found += [match.start() for match in _RESERVED.finditer(data)]
    suspects: tuple[int, ...] = ()
    if found:
        ends = [match.start() for match in re.finditer(b"\n", data)]
        suspects = tuple(sorted({bisect_left(ends, position) for position in found}))
    keys = None if _SPACED.search(data) else data.count(b'":') - data.count(b'\\":')
    return Look(lines=lines, one_each=firsts == lasts == lines, keys=keys, suspects=suspects)
