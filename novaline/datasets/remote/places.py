"""Where an inspection keeps what it needs and what it found, in the artifact bucket."""

from __future__ import annotations


def parts_key(inspection: str) -> str:
    """The list of parts; deleted after some days."""
    return f"scratch/inspections/{inspection}/parts.jsonl"


def plan_key(inspection: str) -> str:
    """How all parts are read; deleted after some days."""
    return f"scratch/inspections/{inspection}/plan"


def partial_key(inspection: str, part: int) -> str:
    """What was found in one part; deleted after some days."""
    return f"scratch/inspections/{inspection}/partials/{part:06d}"


def report_key(inspection: str) -> str:
    """The report."""
    return f"inspections/{inspection}/report.json"
