"""Where an inspection keeps what it needs and what it found, in the artifact bucket."""

from __future__ import annotations

import hashlib


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


def version_digest(uri: str, version_id: str) -> str:
    """64 hex digits that stand for one version of an object."""
    return hashlib.sha256(f"{uri}\n{version_id}".encode()).hexdigest()


def object_key(uri: str, version_id: str, *, rows_of: str, model: str | None) -> str:
    """What the last inspection found in one version of an object, as rows of this format for this model."""
    return f"inspections/by-object/{version_digest(uri, version_id)}/{rows_of}.{model or 'any-model'}.json"
