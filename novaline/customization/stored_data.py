"""Data that a customization file names in S3: what may be asked about it, and how it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from novaline.datasets.dataset import Dataset

SCHEME: Final = "s3://"
LINES: Final = ".jsonl"


class DataRefused(Exception):
    """Data in S3 cannot be used: why, and what to do. `code` is a finding's."""

    def __init__(self, code: str, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundData:
    """An object that was validated where it lies. `media` are the kinds that its rows hold besides text."""

    dataset: Dataset
    media: frozenset[str]


class StoredData(Protocol):
    """Who knows about data in S3 while a file is checked: an environment in AWS, or what stands in for it."""

    def find(self, uri: str, *, rows_of: str, model: str) -> FoundData | Path:
        """The newest version of the object, validated as rows of that format for that model; or a local file to read in
        its place. Raises DataRefused.
        """
        ...


def what_run_asks_for(uri: str, *, rows_of: str, model: str, environment: str = "ENVIRONMENT") -> str:
    """The command whose report a run wants."""
    return f"novaline data validate {uri} --format {rows_of} --model {model} --remote --env {environment}"
