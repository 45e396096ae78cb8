"""A local dataset as it was read: what runs pin it by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A local dataset as it was read: `sha256` is the hex digest of the file's bytes."""

    path: Path
    sha256: str
    bytes: int
    rows: int
