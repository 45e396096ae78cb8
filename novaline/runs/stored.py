"""What lies in S3 for a run, as its claim names it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One object version in S3. `sent` is False when it was there already; `sha256` None where nobody knows it."""

    uri: str
    version_id: str
    sha256: str | None
    size: int
    sent: bool = True
