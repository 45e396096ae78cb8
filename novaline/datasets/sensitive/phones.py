"""Phone numbers, as the world's number plans have them: in international form, and in North America's own."""

from __future__ import annotations

import re
from functools import lru_cache

# Spaces may be wider than a byte; see `flattened`.
_SEPARATOR = rb"(?: {0,5}[ .\-]|/| ?[()] ?)"
_INTERNATIONAL = re.compile(
    rb"(?<![\w+\-*/^)])(?:\+|00(?=[1-9]\d [\d(]))[1-9]\d{0,2}"
    rb"(?:" + _SEPARATOR + rb"?\d){6,13}(?![\w%])"
)
_NORTH_AMERICAN = re.compile(
    rb"(?:(?<![\w.+\-/$])(?<!\d )|(?<=[^\w.+\-/$]1[ .\-]))"
    rb"(?:\([2-9]\d\d\) {0,6}-?|[2-9]\d\d(?P<separator> {0,5}[ .\-]))\d{3}"
    rb"(?(separator)(?:(?P=separator)|-)| {0,5}[ .\-])\d{4}(?![\w/%]|[.\-,]\d| \d)"
)
_PLAIN = re.compile(rb"(?<![\w.+\-/$])1?[2-9]\d\d[2-9]\d{6}(?![\w/%]|[.\-,]\d)")
_NAME = re.compile(rb"(?:phone|mobile|cell|tel|call|fax|whatsapp|text me)\b[^\d\n]{0,20}$", re.IGNORECASE)
_THOUSANDS = re.compile(rb"^\+?\d{1,3}(?:[ .]000)+$")

Span = tuple[int, int]


def international(text: bytes, place: int) -> Span | None:
    """The number that begins with a `+` before this place, or with `00` at it."""
    start = place - 1 if text[place - 1 : place] == b"+" else place
    match = _INTERNATIONAL.match(text, start)
    if match is None:
        return None
    candidate = match[0]
    while candidate:
        digits = _digits(candidate)
        if len(digits) < 8:
            return None
        number = "+" + digits.decode("ascii").removeprefix("00")
        grouped = len(candidate) > len(digits) + 1
        if not _THOUSANDS.search(candidate) and _is_phone(number, grouped=grouped):
            return start, start + len(candidate)
        # What follows after a space may be a number of its own.
        candidate = candidate[: max(candidate.rfind(mark) for mark in (b" ", b".", b"-", b"/", b"(", b")", b"+"))]
        candidate = candidate.rstrip(b" .-/()")
    return None


def north_american(text: bytes, place: int) -> Span | None:
    """The number whose area code is at this place. Ten digits in one need a name: `call 4155550100`."""
    start = place - 1 if text[place - 1 : place] == b"(" else place
    match = _NORTH_AMERICAN.match(text, start)
    if match is None:
        match = _PLAIN.match(text, place)
        if match is None or not _NAME.search(text, max(0, place - 32), place):
            return None
    number = "+1" + _digits(match[0]).decode("ascii")[-10:]
    return match.span() if _is_phone(number, grouped=False) else None


@lru_cache(maxsize=4096)
def _is_phone(number: str, *, grouped: bool) -> bool:
    """Whether the number, `+` and digits, is in its country's plan. Of grouped digits the length decides: plans change.

    Numbers for films (area or exchange 555) count: they have the form, and a person cannot tell them either.
    """
    import phonenumbers  # noqa: PLC0415  # loaded when there is a candidate, as few datasets have any

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return False
    if phonenumbers.is_valid_number(parsed):
        return True
    fictional = parsed.country_code == 1 and len(number) == 12 and "555" in {number[2:5], number[5:8]}
    if not fictional and (not grouped or parsed.country_code == 1):
        return False
    return bool(phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE)


def _digits(value: bytes) -> bytes:
    return bytes(byte for byte in value if 48 <= byte <= 57)
