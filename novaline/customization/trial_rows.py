"""The few rows of a dataset on which a run tries its reward function before it trains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from novaline.datasets.dataset import Dataset

TRIAL_ROWS: Final = 6
MOST_BYTES: Final = 1024 * 1024
"""Of all rows together. Each is sent with several answers, and a function takes 6 MB at once (Lambda's quotas)."""


def trial_rows(dataset: Dataset) -> bytes:
    """Up to `TRIAL_ROWS` lines as they are, from all over a local file, or of the first rows of an object in S3.

    At least one, whatever its size; what would then take more than `MOST_BYTES` together is left out. Raises ValueError
    for an object in S3 of which nobody has read the first rows.
    """
    if dataset.first_rows is not None:
        return _within(dataset.first_rows.splitlines(keepends=True)[:TRIAL_ROWS])
    return _within(_spread(dataset.path, rows=dataset.rows))


def _spread(path: Path, *, rows: int) -> Iterator[bytes]:
    """Lines at even distances, because many files are sorted by what they answer."""
    wanted = {number * rows // TRIAL_ROWS for number in range(TRIAL_ROWS)}
    with path.open("rb") as lines:
        for number, line in enumerate(line for line in lines if line.strip()):
            if number in wanted:
                yield line


def _within(lines: Iterable[bytes]) -> bytes:
    found: list[bytes] = []
    for line in lines:
        if line.strip() and (not found or sum(map(len, found)) + len(line) <= MOST_BYTES):
            found.append(line.rstrip(b"\r\n") + b"\n")
    return b"".join(found)
