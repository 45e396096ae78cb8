"""Rows and prompts that occur more than once, found in memory that does not grow with the rows.

Hashes of the rows go to a few dozen buckets, by prompt, and from there to temporary files as they grow; at the end one
bucket after the other is looked through. Two different texts share a hash of 64 bits once in billions of datasets.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from heapq import nlargest
from tempfile import SpooledTemporaryFile
from typing import Any

import numpy as np

_BUCKETS = 64
_BUCKET_BYTES = 64 * 1024
"""What a bucket holds in memory before it becomes a file."""
_BATCH = 16_384
_MOST_SHOWN = 5
_MOST_LINES = 3
_Numbers = np.ndarray[Any, np.dtype[np.int64]]
_FIELDS = 4  # prompt, row, answer, line


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that share something: how many they are, and the first lines, counted from 1."""

    rows: int
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Repeats:
    """What occurs more than once. Each `worst` has the largest groups, at most five.

    `rows` repeat an earlier row byte for byte. `prompts` ask what an earlier row asks, under the same system text;
    they include `rows`. `contradictions` are prompts that have different answers, `contradicting` all rows of those.
    """

    rows: int
    prompts: int
    contradictions: int
    contradicting: int
    worst_rows: tuple[Group, ...]
    worst_contradictions: tuple[Group, ...]


class RepeatFinder:
    """Takes hashes of rows, and finds the repeats among them when all are there. A context manager: it has files."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._buckets = [
            self._stack.enter_context(SpooledTemporaryFile(max_size=_BUCKET_BYTES))  # noqa: SIM115  # closed by the stack
            for _ in range(_BUCKETS)
        ]
        self._waiting: list[_Numbers] = []
        self._number = 0

    def __enter__(self) -> RepeatFinder:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, *, prompts: Sequence[int], rows: Sequence[int], answers: Sequence[int], lines: Sequence[int]) -> None:
        """Takes the hashes (64 bits, signed) and line numbers of some rows."""
        self._waiting.append(np.array([prompts, rows, answers, lines], dtype=np.int64).T)
        self._number += len(prompts)
        if self._number >= _BATCH:
            self._put_away()

    def repeats(self) -> Repeats:
        """What occurs more than once among all that was taken."""
        self._put_away()
        found = [_repeats_in(bucket) for bucket in self._buckets]
        return Repeats(
            rows=sum(each.rows for each in found),
            prompts=sum(each.prompts for each in found),
            contradictions=sum(each.contradictions for each in found),
            contradicting=sum(each.contradicting for each in found),
            worst_rows=_worst([group for each in found for group in each.worst_rows]),
            worst_contradictions=_worst([group for each in found for group in each.worst_contradictions]),
        )

    def _put_away(self) -> None:
        if not self._waiting:
            return
        records = np.concatenate(self._waiting)
        bucket = records[:, 0] & (_BUCKETS - 1)
        order = np.argsort(bucket, kind="stable")
        records, starts = records[order], np.searchsorted(bucket[order], np.arange(_BUCKETS + 1))
        for number, file in enumerate(self._buckets):
            if starts[number] < starts[number + 1]:
                file.write(records[starts[number] : starts[number + 1]].tobytes())
        self._waiting.clear()
        self._number = 0


def _repeats_in(bucket: SpooledTemporaryFile[bytes]) -> Repeats:
    bucket.seek(0)
    records = np.frombuffer(bucket.read(), dtype=np.int64).reshape(-1, _FIELDS)
    records = records[np.argsort(records[:, 3])]  # by line, so that the first of each group comes first
    prompt, row, answer, line = records.T
    rows, row_sizes = np.unique(row, return_counts=True)
    prompts, prompt_sizes = np.unique(prompt, return_counts=True)
    by_answer = records[np.lexsort((answer, prompt))]  # stable, so that lines stay in order
    differs = by_answer[1:, [0, 2]] != by_answer[:-1, [0, 2]]
    pairs = by_answer[np.append(True, differs.any(axis=1))[: len(records)]]  # each answer of each prompt, once
    with_answers, answers = np.unique(pairs[:, 0], return_counts=True)  # the same prompts in the same order
    contradicted = answers > 1
    return Repeats(
        rows=len(records) - len(rows),
        prompts=len(records) - len(prompts),
        contradictions=int(contradicted.sum()),
        contradicting=int(prompt_sizes[contradicted].sum()),
        worst_rows=_largest(rows[row_sizes > 1], row_sizes[row_sizes > 1], row, line),
        worst_contradictions=_largest(with_answers[contradicted], prompt_sizes[contradicted], pairs[:, 0], pairs[:, 3]),
    )


def _largest(keys: _Numbers, sizes: _Numbers, key_of: _Numbers, lines: _Numbers) -> tuple[Group, ...]:
    """The largest groups: their sizes, and their first lines where `key_of` says that a line belongs to the group."""
    chosen = np.argsort(-sizes, kind="stable")[:_MOST_SHOWN].tolist()
    return tuple(
        Group(int(sizes[index]), tuple(np.sort(lines[key_of == keys[index]])[:_MOST_LINES].tolist()))
        for index in chosen
    )


def _worst(groups: Sequence[Group]) -> tuple[Group, ...]:
    return tuple(nlargest(_MOST_SHOWN, groups, key=lambda group: (group.rows, -group.lines[0])))
