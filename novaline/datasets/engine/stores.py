"""Rows of 64-bit numbers in buckets by their first number, which become temporary files as they grow.

What is the same in two rows' first number is in one bucket, so that one bucket after the other can be looked through.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_BUCKETS = 64
_BUCKET_BYTES = 64 * 1024

Table = NDArray[np.uint64]


class BucketStore:
    """Takes rows of `fields` numbers each. A context manager: it has files."""

    def __init__(self, fields: int) -> None:
        self._fields = fields
        self._stack = ExitStack()
        self._buckets = [
            self._stack.enter_context(SpooledTemporaryFile(max_size=_BUCKET_BYTES))  # noqa: SIM115 - closed by the stack
            for _ in range(_BUCKETS)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, table: NDArray[Any]) -> None:
        """Takes rows."""
        bucket = table[:, 0] % np.uint64(_BUCKETS)
        order = np.argsort(bucket, kind="stable")
        table = table[order]
        starts = np.searchsorted(bucket[order], np.arange(_BUCKETS + 1, dtype=np.uint64))
        for number, file in enumerate(self._buckets):
            if starts[number] < starts[number + 1]:
                file.write(table[starts[number] : starts[number + 1]].tobytes())

    def tables(self) -> Iterator[Table]:
        """The rows of one bucket after the other, each in the order in which they came."""
        for bucket in self._buckets:
            bucket.seek(0)
            yield np.frombuffer(bucket.read(), dtype=np.uint64).reshape(-1, self._fields)
