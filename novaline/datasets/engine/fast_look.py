"""The first look at a block's bytes with numpy: the work of `plain_look` in a fraction of the time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from novaline.datasets.engine.blocks import Block
from novaline.datasets.engine.look import LONGEST_RESERVED, RESERVED_BYTES, Look, plain_look

_Bytes = NDArray[np.uint8]
_Places = NDArray[np.intp]

_COLON, _QUOTE, _BACKSLASH, _OPEN, _LESS = (ord(char) for char in ':"\\{<')
_OPENS_EOS = int(np.frombuffer(b"[E", dtype=np.uint16)[0])
_ENDINGS = np.zeros(256, dtype=bool)
_ENDINGS[list({word[-2] for word in RESERVED_BYTES if word.endswith(b":")})] = True
_SPACES = np.zeros(256, dtype=bool)
_SPACES[list(b" \t\r")] = True
_AFTER_LESS = np.zeros(256, dtype=bool)
_AFTER_LESS[list({word[1] for word in RESERVED_BYTES if word.startswith(b"<")})] = True
_ENDS_WITH_COLON = tuple(word for word in RESERVED_BYTES if word.endswith(b":"))
_STARTS = tuple(word for word in RESERVED_BYTES if not word.endswith(b":"))
_LARGEST_PLAIN = 0x7E
_LEAST = 16
"""Bytes: an escape or a word and what stands around it fit in."""


class FastLook:
    """Looks at blocks, with arrays that are made once: fresh ones would cost more than what is done with them."""

    def __init__(self) -> None:
        self._bytes = np.empty(0, dtype=np.uint8)
        self._flags = np.empty(0, dtype=bool)

    def __call__(self, block: Block, *, reserved: bool) -> Look:
        """The look at a block; `reserved` says whether reserved words matter."""
        if block.length < _LEAST:
            return plain_look(block, reserved=reserved)
        data = np.frombuffer(block.buffer, dtype=np.uint8, count=block.length)
        if len(self._flags) < len(data):
            self._bytes = np.empty(len(data), dtype=np.uint8)
            self._flags = np.empty(len(data), dtype=bool)
        ends, colons = self._ends_and_colons(data)
        last = data[ends - 1]
        if not (last == 125).all():
            last = np.where(last == 13, data[ends - 2], last)
        one_each = bool(data[0] == _OPEN and (data[ends[:-1] + 1] == _OPEN).all() and (last == 125).all())
        before = data[colons - 1]
        found: list[_Places] = []
        if reserved:
            found += self._reserved(block, data, colons[_ENDINGS[before]])
        found += self._odd(block, data)
        suspects: tuple[int, ...] = ()
        if found:
            suspects = tuple(np.unique(np.searchsorted(ends, np.concatenate(found))).tolist())
        return Look(len(ends), one_each, _keys(data, colons, before), suspects)

    def _ends_and_colons(self, data: _Bytes) -> tuple[_Places, _Places]:
        """Where lines end, and where colons are. One search for both, which with these bits set are one character."""
        folded = np.bitwise_or(data, _COLON & ~10, out=self._bytes[: len(data)])
        either = np.flatnonzero(np.equal(folded, _COLON, out=self._flags[: len(data)]))
        which = data[either]
        return either[which == 10], either[which == _COLON]

    def _places(self, data: _Bytes, value: int) -> _Places:
        return np.flatnonzero(np.equal(data, value, out=self._flags[: len(data)]))

    def _reserved(self, block: Block, data: _Bytes, colons: _Places) -> list[_Places]:
        """Where reserved words are: those with a colon by it, `<…>` by `<`, `[EOS]` by its first two characters."""
        buffer, found = block.buffer, []
        for place in colons.tolist():
            if buffer[max(0, place + 1 - LONGEST_RESERVED) : place + 1].endswith(_ENDS_WITH_COLON):
                found.append(place)
        starts = [place for phase in (0, 1) for place in _pairs(data, phase)]
        if buffer.find(b"<", 0, block.length) >= 0:
            less = self._places(data, _LESS)
            starts += less[_AFTER_LESS[data[less + 1]]].tolist()
        found += [place for place in starts if buffer.startswith(_STARTS, place)]
        return [np.array(found, dtype=np.intp)] if found else []

    def _odd(self, block: Block, data: _Bytes) -> list[_Places]:
        """Where control characters are, or escapes that may stand for them or for a reserved word's letters."""
        found = []
        if block.buffer.find(b"\\", 0, block.length) >= 0:
            slashes = self._places(data, _BACKSLASH)
            slashes = slashes[slashes < len(data) - 6]
            slashes = slashes[data[slashes + 1] == ord("u")]
            found.append(slashes[_is_odd_escape(data, slashes)])
        if int(data.max()) > _LARGEST_PLAIN:
            found.append(self._places(data, 0x7F))
            for lead in (0xC2, 0xEF):
                places = self._places(data, lead)
                found.append(places[_is_odd_character(data, places, lead)])
        return [places for places in found if len(places)]


def _pairs(data: _Bytes, phase: int) -> list[int]:
    """Where `[E` starts, at even places or at odd ones: the bytes are compared two at a time."""
    pairs = data[phase : len(data) - (len(data) - phase) % 2].view(np.uint16)
    same = pairs == _OPENS_EOS
    return (np.flatnonzero(same) * 2 + phase).tolist() if same.any() else []


def _keys(data: _Bytes, colons: _Places, before: _Bytes) -> int | None:
    """Keys are what ends with `":`, unless the quote is a text's own, escaped one."""
    keys = colons[before == _QUOTE]
    spaced = colons[_SPACES[before]]
    while len(spaced):
        spaced = spaced[spaced > 1] - 1
        previous = data[spaced - 1]
        if np.any((previous == _QUOTE) & (data[spaced - 2] != _BACKSLASH)):
            return None
        spaced = spaced[_SPACES[previous]]
    return int(np.count_nonzero(data[keys - 2] != _BACKSLASH))


def _is_odd_escape(data: _Bytes, places: _Places) -> NDArray[np.bool_]:
    r"""Which of these `\u` are `\u000…` to `\u009…`, U+FFFD or U+FEFF."""
    digits = [data[places + index] | 0x20 for index in range(2, 6)]  # lower case; digits stay what they are
    low = (digits[0] == ord("0")) & (digits[1] == ord("0")) & (digits[2] <= ord("9"))
    f, e, d = ord("f"), ord("e"), ord("d")
    replacement = (digits[0] == f) & (digits[1] == f) & (digits[2] == f) & (digits[3] == d)
    mark = (digits[0] == f) & (digits[1] == e) & (digits[2] == f) & (digits[3] == f)
    odd: NDArray[np.bool_] = low | replacement | mark
    return odd


def _is_odd_character(data: _Bytes, places: _Places, lead: int) -> NDArray[np.bool_]:
    """Which of these first bytes start a control character (U+0080 to U+009F), U+FFFD or U+FEFF."""
    places = np.minimum(places, len(data) - 3)
    second, third = data[places + 1], data[places + 2]
    if lead == 0xC2:
        odd: NDArray[np.bool_] = (second >= 0x80) & (second <= 0x9F)
    else:
        odd = ((second == 0xBF) & (third == 0xBD)) | ((second == 0xBB) & (third == 0xBF))
    return odd
