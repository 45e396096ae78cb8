"""Where in a text a closer look may pay: a few passes of numpy over the bytes, at about a nanosecond each.

Prose has few digits, and hardly a run of sixteen characters without a space. What is looked for has one of these, or an
`@`; so the rules, which are a hundred times slower, see some thousandths of the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from novaline.datasets.sensitive.text import PADDING

_DIGIT, _OTHER = 0x01, 0x80
_TOKEN_PUNCTUATION = b"-_+/=.:"
_CLASSES = bytes(
    _DIGIT if 48 <= code <= 57 else 0 if code < 128 and (chr(code).isalnum() or code in _TOKEN_PUNCTUATION) else _OTHER
    for code in range(256)
)
_OTHERS_OF_FOUR = 0x80808080
_ENCODED_BYTES = 4096  # a longer run is encoded data, an image most likely: only its start is looked at
_WIDEST_HEXTET = 5  # with its colon
_WIDEST_GAP = 6  # between groups of digits: `\u00a0` is six bytes

Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Positions = NDArray[np.int64]


def classes(text: bytes) -> Bytes:
    """The class of each byte: digit, other character of tokens, anything else."""
    return np.frombuffer(text.translate(_CLASSES), np.uint8)


def runs(kinds: Bytes) -> list[tuple[int, int]]:
    """Runs of characters that tokens consist of: all of nineteen or more, none of less than sixteen; in loose spans."""
    words = kinds[: len(kinds) // 4 * 4].view("<u4") & _OTHERS_OF_FOUR
    if len(words) < 4:
        return []
    plain = words == 0
    sixteen = plain[:-3] & plain[1:-2]
    sixteen &= plain[2:-1]
    sixteen &= plain[3:]
    found = np.flatnonzero(sixteen)
    if not len(found):
        return []
    apart = np.flatnonzero(np.diff(found) > 1)
    firsts, lasts = found[np.concatenate(([0], apart + 1))], found[np.concatenate((apart, [len(found) - 1]))]
    # From the first word of a run to its last; up to three bytes on either side may belong to it as well.
    begins = np.maximum(firsts * 4 - 3, 0)
    ends = np.minimum(np.minimum(lasts * 4 + 19, len(kinds)), begins + _ENCODED_BYTES)
    return list(zip(begins.tolist(), ends.tolist(), strict=True))


def distinct(text: bytes, spans: list[tuple[int, int]]) -> bytes:
    """The runs, each once, as lines: the names of a schema are in every row."""
    return b"\n".join({text[begin:end] for begin, end in spans})


def has_close_colons(text: bytes) -> bool:
    """Whether three colons stand as close together as in an IPv6 address."""
    colons = np.flatnonzero(np.frombuffer(text, np.uint8) == ord(":"))
    return bool((colons[2:] - colons[:-2] <= 2 * _WIDEST_HEXTET).any())


def ats(text: bytes) -> list[int]:
    """The `@` signs that have something before and after them which an e-mail address may have there."""
    first = text.find(b"@", 1)
    if first < 0:
        return []
    data = np.frombuffer(text, np.uint8)
    signs = np.flatnonzero(data[first:-1] == ord("@")) + first
    kept: list[int] = signs[_LOCAL_END[data[signs - 1]] & _DOMAIN_START[data[signs + 1]]].tolist()
    return kept


@dataclass(frozen=True, slots=True)
class Digits:
    """Where groups of digits begin that may be a number of each kind, or its first part."""

    cards: list[int]
    ibans: list[int]
    ssns: list[int]
    plain_ssns: list[int]
    north_american: list[int]
    international: list[int]
    addresses: list[int]


def digits(text: bytes, kinds: Bytes, countries: Flags) -> Digits | None:
    """The candidates among the text's digits; None when it has none. `countries` flags the codes that begin an IBAN."""
    places = np.flatnonzero(kinds == _DIGIT)
    if not len(places):
        return None
    data = np.frombuffer(text, np.uint8)
    apart = np.flatnonzero(np.diff(places) > 1)
    starts = places[np.concatenate(([0], apart + 1))]
    ends = places[np.concatenate((apart, [len(places) - 1]))] + 1
    # Three groups without digits at the end spare the rules below a look at the edges.
    lengths = np.concatenate((ends - starts, np.zeros(3, np.int64)))
    gaps = np.concatenate((starts[1:] - ends[:-1], np.full(4, len(text), np.int64)))
    first, before, after = data[starts], _at(data, starts - 1), _at(data, ends)
    near = gaps <= _WIDEST_GAP
    length, second, third, fourth = lengths[:-3], lengths[1:-2], lengths[2:-1], lengths[3:]
    two_near = near[:-3] & near[1:-2]
    return Digits(
        cards=_starts(
            starts,
            ((length >= 14) & (length <= 16) & (first >= ord("2")) & (first <= ord("6")))
            | ((length == 4) & (second == 4) & (third == 4) & (fourth == 4) & two_near & near[2:-1])
            | ((length == 4) & (second == 6) & ((third == 5) | (third == 4)) & two_near),
        ),
        ibans=_starts(starts, (length >= 2) & countries[_country(before, _at(data, starts - 2))]),
        ssns=_starts(starts, (length == 3) & (second == 2) & (third == 4) & two_near),
        plain_ssns=_starts(starts, length == 9),
        north_american=_starts(
            starts,
            ((length == 3) & (second == 3) & (third == 4) & two_near)
            | ((length == 10) & (first >= ord("2")))
            | ((length == 11) & (first == ord("1"))),
        ),
        international=_starts(
            starts, (before == ord("+")) | ((length == 4) & (first == ord("0")) & (after == ord(" ")))
        ),
        addresses=_starts(
            starts,
            _dotted(length, gaps[:-3], after)
            & _dotted(second, gaps[1:-2], _next(after, 1))
            & _dotted(third, gaps[2:-1], _next(after, 2))
            & (fourth <= 3)
            & (fourth > 0)
            & (before != ord(".")),
        ),
    )


def _starts(starts: Positions, flags: Flags) -> list[int]:
    found: list[int] = starts[flags].tolist() if flags.any() else []
    return found


def _at(data: Bytes, places: Positions) -> Bytes:
    """The bytes at some places; a space beyond either end."""
    inside = (places >= 0) & (places < len(data))
    if inside.all():
        return data[places]
    return np.where(inside, data[np.where(inside, places, 0)], np.uint8(32)).astype(np.uint8)


def _next(values: Bytes, steps: int) -> Bytes:
    return np.concatenate((values[steps:], np.zeros(min(steps, len(values)), np.uint8)))


def _dotted(length: Positions, gap: Positions, after: Bytes) -> Flags:
    dotted: Flags = (length <= 3) & (gap == 1) & (after == ord("."))
    return dotted


def _country(second: Bytes, first: Bytes) -> Positions:
    """The index of a country code, from its letters; 676 when they are no capitals."""
    one, two = first.astype(np.int64) - ord("A"), second.astype(np.int64) - ord("A")
    return np.where((one >= 0) & (one < 26) & (two >= 0) & (two < 26), one * 26 + two, 676)


def _table(characters: bytes) -> Flags:
    table = np.zeros(256, np.bool_)
    table[list(characters)] = True
    return table


_ALPHANUMERIC = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_LOCAL_END = _table(_ALPHANUMERIC + b"!#$%&'*+/=?^_`{|}~-" + PADDING)
_DOMAIN_START = _table(_ALPHANUMERIC + b"[")
