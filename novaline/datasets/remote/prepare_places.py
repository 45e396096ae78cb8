"""Where a preparation keeps what it needs on its way: below `scratch/` in the artifact bucket, for some days."""

from __future__ import annotations

from typing import Final

PREPARED: Final = "prepared"
"""The folder of the data bucket that rows are written below. What runs read lies elsewhere, and stays as it is."""


def parts_key(preparation: str) -> str:
    """The list of parts, which a Distributed Map reads."""
    return f"{_folder(preparation)}/parts.jsonl"


def sources_key(preparation: str) -> str:
    """The objects that are read."""
    return f"{_folder(preparation)}/sources"


def plan_key(preparation: str, stage: str) -> str:
    """What one pass over the parts is told."""
    return f"{_folder(preparation)}/plans/{stage}"


def partial_key(preparation: str, stage: str, part: int) -> str:
    """What one pass found in one part."""
    return f"{_folder(preparation)}/partials/{stage}/{part:06d}"


def piece_key(preparation: str, split: str, part: int) -> str:
    """The rows of one part that belong to one split."""
    return f"{_folder(preparation)}/pieces/{split}/{part:06d}"


def report_key(preparation: str) -> str:
    """What was made, or why nothing was."""
    return f"{_folder(preparation)}/report.json"


def _folder(preparation: str) -> str:
    return f"scratch/preparations/{preparation}"
