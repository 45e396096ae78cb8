"""Texts as they are when case, spaces and punctuation do not count, and keys by which such texts are found fast.

Letters and digits are taken character by character, so those of a text's beginning are the beginning of its letters. A
key is a hash of a few of them at one place: texts that fold alike have the same key, and of all others nearly none do,
if the place is one where texts differ. A look at the dataset's first rows finds that place.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence

from msgspec import Struct
from xxhash import xxh3_64_intdigest

from novaline.datasets.engine.hashing import bytes_hashes

_LOWER = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")
_DROPPED = bytes(code for code in range(128) if not chr(code).isalnum())
_BETWEEN = "\0"
_DROPPED_BETWEEN = bytes(code for code in _DROPPED if code != 0)
_NO_WORD = re.compile(r"[\W_]+")
_SIGNS = re.compile(r"[-+*/=<>^%&|~\\@#$.,:\d\u00d7\u00f7\u00b1\u20a0-\u2bff\U0001f000-\U0001faff]+")
"""Numbers with what stands between their digits, signs of calculation and code, currencies, arrows and emoji."""
_SPACED = re.compile(r"(?<=\d)\s*([-+*/=<>^%\u00d7\u00f7])\s*(?=\d)")
"""A sign between two numbers, with the spaces around it, which are as much spelling there as anywhere."""
_WIDE = 40
"""Characters that are folded for a key …"""
_KEPT = 20
"""… and bytes of their folding that it is made of."""
_SAMPLE = 300
_ENOUGH = 0.98
"""A place is good when it tells so many of the different texts apart."""


def folded(text: str) -> bytes:
    """The letters of a text in one case, with its numbers and signs, which are no punctuation: 3 + 2 is not 3 - 2.

    Of a text without any letters, the text itself.
    """
    letters = _letters(text)
    if not letters:
        return text.encode("utf-8", "surrogatepass")
    runs = [run.strip(".,:") for run in _SIGNS.findall(_SPACED.sub(r"\1", text))]
    signs = " ".join(run for run in runs if run.strip("-"))
    return letters + b"\0" + signs.encode("utf-8", "surrogatepass") if signs else letters


def folded_hash(text: str) -> int:
    """The hash of a text's folding."""
    return xxh3_64_intdigest(folded(text))


def folded_hashes(texts: Sequence[str]) -> array[int]:
    """The hashes of the foldings of texts."""
    return bytes_hashes(map(folded, texts))


class Place(Struct, frozen=True):
    """Where in a text its key is taken from: behind a beginning that most texts share, or before such an end.

    `whole` takes the key from the whole text.
    """

    shared: str = ""
    at_end: bool = False
    whole: bool = False

    def keys(self, texts: Sequence[str]) -> array[int]:
        """The key of each text."""
        if self.whole:
            return bytes_hashes(_all_letters(texts))
        shared, far = len(self.shared), len(self.shared) + _WIDE
        if self.at_end:
            pieces = _all_letters([text[-far : len(text) - shared] for text in texts])
            kept = [piece[-_KEPT:] for piece in pieces]
        else:
            kept = [piece[:_KEPT] for piece in _all_letters([text[shared:far] for text in texts])]
        if min(map(len, kept), default=_KEPT) < _KEPT:
            short = [index for index, piece in enumerate(kept) if len(piece) < _KEPT]
        else:
            short = []
        if shared:
            has = str.endswith if self.at_end else str.startswith
            short += [index for index, text in enumerate(texts) if not has(text, self.shared)]
        for index in short:
            kept[index] = self._slowly(texts[index])
        return bytes_hashes(kept)

    def _slowly(self, text: str) -> bytes:
        """What the key is made of, where a glance at the place does not show it."""
        whole, shared = _letters(text), _letters(self.shared)
        if self.at_end:
            return whole.removesuffix(shared)[-_KEPT:] if whole.endswith(shared) else b"\0" + whole[-_KEPT:]
        return whole[len(shared) :][:_KEPT] if whole.startswith(shared) else b"\0" + whole[:_KEPT]


WHOLE = Place(whole=True)


def place_for(texts: Sequence[str]) -> Place:
    """A place that tells such texts apart."""
    sample = texts[:_SAMPLE]
    different = len(set(WHOLE.keys(sample)))
    for place in (
        Place(shared=_shared(sample)),
        Place(shared=_shared([text[::-1] for text in sample])[::-1], at_end=True),
    ):
        if len(set(place.keys(sample))) >= _ENOUGH * different:
            return place
    return WHOLE


def _shared(texts: Sequence[str]) -> str:
    """What most of the texts begin with: all but those that are first and last in the order of the alphabet."""
    ordered = sorted(texts)
    if not ordered:
        return ""
    first, last = ordered[len(ordered) // 10], ordered[-1 - len(ordered) // 10]
    pairs = enumerate(zip(first, last, strict=False))
    return first[: next((index for index, (one, other) in pairs if one != other), min(len(first), len(last)))]


def _letters(text: str) -> bytes:
    if text.isascii():
        return text.encode().translate(_LOWER, _DROPPED)
    return _NO_WORD.sub("", text.casefold()).encode("utf-8", "surrogatepass")


def _all_letters(texts: Sequence[str]) -> list[bytes]:
    """The letters of texts: at once where that is possible."""
    together = _BETWEEN.join(texts)
    if together.isascii():
        pieces = together.encode().translate(_LOWER, _DROPPED_BETWEEN).split(_BETWEEN.encode())
        if len(pieces) == len(texts):
            return pieces
    return [_letters(text) for text in texts]
