"""Hashes of texts that are the same in every process and on every machine, so that parts of a dataset can be compared.

64 bits of XXH3: among ten million texts, two share one by accident once in 370,000 datasets.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from xxhash import xxh3_64_intdigest

NOTHING = 0
"""Stands where there is no text. No text hashes to it but once in 2^64."""


def text_hash(text: str) -> int:
    """The hash of a text."""
    return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))


def text_hashes(texts: Iterable[str]) -> array[int]:
    """The hashes of texts."""
    return array("Q", map(xxh3_64_intdigest, map(str.encode, texts)))


def bytes_hashes(pieces: Iterable[bytes]) -> array[int]:
    """The hashes of byte strings."""
    return array("Q", map(xxh3_64_intdigest, pieces))
