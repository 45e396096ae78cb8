"""A dataset as it was read: what runs pin it by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from novaline.datasets.remote.places import version_digest
from novaline.datasets.validated import Validated

_Lines = bytes  # a name that no field has


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """One version of an object in S3; `version_id` is None where nobody has asked which is the newest."""

    uri: str
    version_id: str | None

    @property
    def digest(self) -> str:
        """64 hex digits that stand for this version, whose bytes never change."""
        return version_digest(self.uri, self.version_id or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A local file, or a version of an object in S3, as it was read.

    `sha256` is the hex digest of its bytes; None for an object that nobody has read from start to end. `tokens` and
    `longest_row` are estimates, in tokens. `first_rows` are a few lines of an object of S3 that some jobs need.
    """

    source: Path | StoredVersion
    sha256: str | None
    bytes: int
    rows: int
    tokens: int
    longest_row: int
    validated: Validated
    first_rows: _Lines | None = None

    @property
    def digest(self) -> str:
        """64 hex digits that name the content: of a file's bytes, or of the version that holds an object's."""
        if isinstance(self.source, StoredVersion):
            return self.source.digest
        assert self.sha256 is not None, "a local file is read from start to end"
        return self.sha256

    @property
    def name(self) -> str:
        """How the person named it: a path, or a URI."""
        return str(self.source) if isinstance(self.source, Path) else self.source.uri

    @property
    def path(self) -> Path:
        """The local file. Raises ValueError for an object in S3."""
        if not isinstance(self.source, Path):
            raise ValueError(f"{self.source.uri} is an object in S3, and no local file")
        return self.source
