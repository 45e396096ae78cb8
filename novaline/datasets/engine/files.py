"""The files of a dataset as the engine reads them, and the parts that they are read in."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

PART_BYTES = 16 << 20
"""What one process reads at a time. A file gives the same report whoever reads its parts."""


class DataFile(Protocol):
    """A file of lines. `size` is in bytes, or None where nobody knows: such a file is read from start to end."""

    @property
    def name(self) -> str:
        """What findings call it."""
        ...

    @property
    def size(self) -> int | None:
        """Bytes, where the file can be read from any of them on."""
        ...

    def open(self) -> BinaryIO:
        """The file at its beginning, which whoever asks must close. Raises OSError or NovalineError."""
        ...


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on this machine."""

    path: Path

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    @property
    def size(self) -> int:
        """Its size. Raises OSError when it is none that can be read."""
        if self.path.exists() and not self.path.is_file():
            what = "it is a folder" if self.path.is_dir() else "it is no ordinary file"
            raise OSError(errno.EINVAL, what, str(self.path))
        return self.path.stat().st_size

    def open(self) -> BinaryIO:
        """The file. Raises OSError."""
        return self.path.open("rb", buffering=0)


def parts(size: int | None) -> Iterator[tuple[int, int | None]]:
    """The parts of a file of this size: first byte, and the first byte after it."""
    if size is None:
        yield 0, None
        return
    for start in range(0, max(size, 1), PART_BYTES):
        yield start, start + PART_BYTES
