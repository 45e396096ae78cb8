"""The scan of a dataset's blocks for secrets and personal data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from novaline.datasets.sensitive import candidates, mail, numbers, tokens
from novaline.datasets.sensitive.kinds import KINDS, Kind
from novaline.datasets.sensitive.text import unescaped
from novaline.datasets.sensitive.tokens import Value

_RANK: dict[Kind, int] = {kind: rank for rank, kind in enumerate(KINDS)}
_IN_DIGITS: frozenset[Kind] = frozenset({"card-number", "iban", "us-ssn", "phone-number", "ip-address"})
_IN_RUNS: frozenset[Kind] = frozenset({"aws-key", "private-key", "token", "ip-address"})
_AROUND_AT: frozenset[Kind] = frozenset({"url-password", "email-address"})
_PIECE_BYTES = 256 * 1024  # small enough for the processor's cache, large enough for numpy
_BEFORE, _AFTER = 50, 80  # bytes of an excerpt around a value
_LONGEST_EXCERPT = 200  # characters


@dataclass(frozen=True, slots=True)
class Hit:
    """One value that was found: `line_in_block` and `column` count from 1, `offset` from 0; in bytes.

    `excerpt` is the text around it, at most 200 characters, where every value of the line is replaced by its kind:
    `write to [email-address]`. The value itself is nowhere in here.
    """

    kind: Kind
    line_in_block: int
    column: int
    offset: int
    excerpt: str


class SensitiveScanner:
    """Looks blocks of complete lines through for some kinds of values. Keeps nothing from one block to the next.

    What it finds in a line depends on that line alone: a file gives the same hits however it is cut into blocks.
    """

    def __init__(self, kinds: Iterable[Kind] = KINDS) -> None:
        """Raises ValueError when a kind is not one of `KINDS`."""
        self.kinds = frozenset(kinds)
        unknown = self.kinds - frozenset(KINDS)
        if unknown:
            raise ValueError(f"unknown kinds: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")

    def scan_block(self, block: bytes) -> Iterator[Hit]:
        """The values in the block, in the order of places."""
        line = 1
        for start, text in _pieces(block):
            places = _apart(_values(text, self.kinds))
            line_here, start_of_line, counted = line, 0, 0
            for index, place in enumerate(places):
                line_here += text.count(b"\n", counted, place.start)
                start_of_line = text.rfind(b"\n", counted, place.start) + 1 or start_of_line
                counted = place.start
                yield Hit(
                    kind=place.kind,
                    line_in_block=line_here,
                    column=place.value - start_of_line + 1,
                    offset=start + place.value,
                    excerpt=_excerpt(text, start_of_line, places, index),
                )
            line += text.count(b"\n")

    def hidden(self, line: bytes) -> bytes:
        """One line with every value replaced by its kind, for whoever shows a part of it: hide first, then cut."""
        parts: list[bytes] = []
        at = 0
        for place in _apart(_values(line, self.kinds)):
            parts += (line[at : place.start], f"[{place.kind}]".encode())
            at = place.end
        return b"".join((*parts, line[at:]))


def _pieces(block: bytes) -> Iterator[tuple[int, bytes]]:
    """The block's lines in pieces that stay in the processor's cache, each with its offset."""
    start, size = 0, len(block)
    while start < size:
        end = block.rfind(b"\n", start, start + _PIECE_BYTES) + 1
        if not end:
            end = block.find(b"\n", start + _PIECE_BYTES) + 1 or size
        yield start, block[start:end]
        start = end


def _values(piece: bytes, kinds: frozenset[Kind]) -> Iterator[Value]:
    """Every value in some complete lines; spans may overlap."""
    text = unescaped(piece)
    classes = candidates.classes(text)
    runs = candidates.runs(classes) if kinds & _IN_RUNS else []
    if runs:
        distinct = candidates.distinct(text, runs)
        yield from tokens.find(text, runs, distinct, kinds)
        if "ip-address" in kinds:
            yield from numbers.wide_addresses(text, runs, distinct)
    signs = candidates.ats(text) if kinds & _AROUND_AT else []
    if signs:
        yield from mail.find(text, signs, kinds)
    digits = candidates.digits(text, classes, numbers.IBAN_COUNTRIES) if kinds & _IN_DIGITS else None
    if digits is not None:
        yield from numbers.find(text, digits, kinds)


@dataclass(slots=True)
class _Place:
    """Bytes that no excerpt may show; the surest kind of the values that overlap there, and where its value starts."""

    start: int
    end: int
    kind: Kind
    value: int


def _apart(values: Iterable[Value]) -> list[_Place]:
    """The values in order of place; those that overlap are one."""
    places: list[_Place] = []
    for start, end, kind in sorted(values):
        last = places[-1] if places else None
        if last is None or last.end <= start:
            places.append(_Place(start, end, kind, start))
            continue
        last.end = max(last.end, end)
        if _RANK[kind] < _RANK[last.kind]:
            last.kind, last.value = kind, start
    return places


def _excerpt(block: bytes, line: int, places: list[_Place], index: int) -> str:
    """What stands around the value at `index`, in its line, which begins at `line`. At most 200 characters."""
    place = places[index]
    begin = max(line, place.start - _BEFORE)
    stop = block.find(b"\n", place.end, place.end + _AFTER)
    ended = stop >= 0 or place.end + _AFTER >= len(block)
    stop = stop if stop >= 0 else min(place.end + _AFTER, len(block))
    first, last = index, index + 1
    while first > 0 and places[first - 1].end > begin:
        first -= 1
    while last < len(places) and places[last].start < stop:
        last += 1
    parts, at = [b"" if begin == line else b"\xe2\x80\xa6"], begin
    for other in places[first:last]:
        parts += (block[at : other.start], f"[{other.kind}]".encode())
        at = other.end
    parts += (block[at:stop] if at < stop else b"", b"" if ended else b"\xe2\x80\xa6")
    text = b"".join(parts).decode("utf-8", errors="ignore")
    return text if len(text) <= _LONGEST_EXCERPT else f"{text[: _LONGEST_EXCERPT - 1]}…"
