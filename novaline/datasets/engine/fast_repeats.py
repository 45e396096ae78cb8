"""The search for repeats with numpy, for many rows: the work of `plain_repeats` on whole columns."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from novaline.datasets.engine.repeats import FIELDS, Repeated, Repeats
from novaline.datasets.engine.stores import BucketStore, Table
from novaline.datasets.flaws import MOST_LINES

_MOST_WAITING = 4 << 20
"""Bytes of keys that are kept in memory before they are sorted into buckets …"""
_AT_ONCE = 1 << 20
"""… so many at once."""


class FastRecordStore:
    """Takes records, and finds the repeats among them. A context manager: it has files."""

    def __init__(self) -> None:
        self._store = BucketStore(FIELDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self._store.__exit__(*problem)

    def add(self, records: bytes | bytearray, *, lines: int) -> None:
        """Takes records whose lines count from the line after `lines`."""
        table = np.frombuffer(records, dtype=np.uint64).reshape(-1, FIELDS).copy()
        table[:, FIELDS - 1] += np.uint64(lines)
        self._store.add(table)

    def repeats(self) -> Repeats:
        """What repeats among all that was taken."""
        found = Repeats()
        for table in self._store.tables():
            if len(table):
                fast_repeats(table, found)
        return found


class KeyStore:
    """Takes a key for each line, and tells the lines whose key another line has as well. A context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._store: BucketStore | None = None
        self._waiting = bytearray()
        self._stored = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, keys: bytes | bytearray) -> None:
        """Takes the keys of the lines that follow; 0 for a line that has none."""
        self._waiting += keys
        if len(self._waiting) > _MOST_WAITING:
            self._put_away()

    def shared(self) -> NDArray[np.uint8] | None:
        """A bit for each line, the first in the lowest bit of the first byte: set where its key is shared."""
        if self._store is None:
            keys = np.frombuffer(self._waiting, dtype=np.uint64)
            twice = _twice(keys)
            return np.packbits(np.isin(keys, twice), bitorder="little") if len(twice) else None
        self._put_away()
        bits = np.zeros((self._stored + 7) // 8, dtype=np.uint8)
        for table in self._store.tables():
            twice = _twice(table[:, 0])
            if len(twice):
                lines = table[np.isin(table[:, 0], twice), 1]
                np.bitwise_or.at(bits, lines >> np.uint64(3), (np.uint64(1) << (lines & np.uint64(7))).astype(np.uint8))
        return bits if bits.any() else None

    def _put_away(self) -> None:
        """Stores the keys that wait, with their lines."""
        if self._store is None:
            self._store = self._stack.enter_context(BucketStore(2))
        for start in range(0, len(self._waiting), _AT_ONCE):
            keys = np.frombuffer(bytes(self._waiting[start : start + _AT_ONCE]), dtype=np.uint64)
            lines = np.arange(self._stored, self._stored + len(keys), dtype=np.uint64)
            self._stored += len(keys)
            self._store.add(np.stack((keys, lines), axis=1)[keys != 0])
        self._waiting.clear()


def _twice(keys: Table) -> Table:
    """The keys that are there more than once, 0 aside, sorted."""
    ordered = np.sort(keys)
    twice: Table = ordered[1:][(ordered[1:] == ordered[:-1]) & (ordered[1:] != 0)]
    return twice


def fast_repeats(records: Table, found: Repeats) -> None:
    """Adds the repeats among these records to `found`."""
    records = records[np.argsort(records[:, FIELDS - 1], kind="stable")]
    folds, prompts, systems, answers, rows, lines = records.T
    same_text, same_fold = _first_with(prompts), _first_with(folds)
    same_prompt = _first_with(_paired(same_text, _first_with(systems)))
    same_answer = _first_with(_paired(same_prompt, _first_with(answers)))
    same_row = _first_with(rows)
    place = np.arange(len(lines))
    is_row = same_row != place
    is_answer = ~is_row & (same_prompt != place) & (same_answer == place)
    is_prompt = (same_prompt == place) & (same_text == place) & (same_fold != place)
    _add(found.rows, lines, is_row, same_row)
    _add(found.answers, lines, is_answer, same_prompt)
    _add(found.prompts, lines, is_prompt, same_fold)


def _first_with(values: NDArray[Any]) -> NDArray[np.intp]:
    """For each value the place of the first one that is the same."""
    _, first, which = np.unique(values, return_index=True, return_inverse=True)
    places: NDArray[np.intp] = first[which]
    return places


def _paired(one: NDArray[np.intp], other: NDArray[np.intp]) -> Table:
    """A number for each pair of places, the same for the same pair."""
    pairs: Table = (one.astype(np.uint64) << np.uint64(32)) | other.astype(np.uint64)
    return pairs


def _add(found: Repeated, lines: NDArray[Any], chosen: NDArray[np.bool_], earlier: NDArray[np.intp]) -> None:
    places = np.flatnonzero(chosen)
    first = [(int(lines[place]), int(lines[earlier[place]])) for place in places[:MOST_LINES]]
    found.add(len(places), first)
