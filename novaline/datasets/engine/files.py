"""The files of a dataset as the engine reads them, and the parts that they are read in."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from novaline.findings import NovalineError

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


@runtime_checkable
class Changeable(Protocol):
    """A file that somebody may change while it is read. What cannot change needs nothing of the sort."""

    def state(self) -> object:
        """What is another one when the file has changed. Raises OSError."""
        ...


def state_of(path: Path) -> object:
    """What is another one when the file at this path has changed. Raises OSError."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def states(files: Sequence[DataFile]) -> list[object]:
    """The states of files, None for those that cannot change. Raises OSError."""
    return [file.state() if isinstance(file, Changeable) else None for file in files]


def require_unchanged(files: Sequence[DataFile], before: Sequence[object]) -> None:
    """Raises NovalineError when a file has not the state that it had: nobody knows then what was read."""
    for file, then, now in zip(files, before, states(files), strict=True):
        if then != now:
            message = f"{file.name} changed while it was read"
            hint = "start again when nobody writes it any more"
            raise NovalineError.of("source-changed", message, file=file.name, hint=hint)


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

    def state(self) -> object:
        """Size, moment of the last change, and inode. Raises OSError."""
        return state_of(self.path)

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
