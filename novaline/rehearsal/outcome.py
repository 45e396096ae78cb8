"""What a rehearsal came to: a value that the command line shows or prints as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from novaline.findings import Finding
from novaline.rehearsal.leftovers import Leftover, left_behind
from novaline.rehearsal.question import Answer

STAND_IN = (
    "The learner is a stand-in, a small model on this computer: its numbers show that the pipeline works and that the "
    "data can be learned from. They say nothing about Nova."
)

Status = Literal["deployed", "evaluated", "rejected", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A rehearsal's result. `summary` is the run's own `summary.json`; `findings` say why it failed, if it did."""

    run: str
    environment: str
    status: Status
    folder: Path
    seconds: float
    timings: tuple[Mapping[str, object], ...] = ()
    summary: Mapping[str, Any] | None = None
    answer: Answer | None = None
    leftovers: tuple[Leftover, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 when the model was deployed (or only evaluated, as asked), 1 when it was rejected or something failed."""
        return 0 if self.status in {"deployed", "evaluated"} and not self.findings else 1

    def as_json(self) -> dict[str, object]:
        """The document that `novaline rehearse --json` prints."""
        summary = self.summary or {}
        return {
            "run": self.run,
            "environment": self.environment,
            "status": self.status,
            "stand_in": True,
            "note": STAND_IN,
            "gate": summary.get("gate"),
            "deployment": summary.get("deployment"),
            "verification": summary.get("verification"),
            "answer": None if self.answer is None else self.answer.as_json(),
            "folder": str(self.folder),
            "seconds": round(self.seconds, 2),
            "timings": list(self.timings),
            "leftovers": [item.as_json() for item in self.leftovers],
            "left_behind": len(left_behind(self.leftovers)),
            "findings": [finding.as_json() for finding in self.findings],
        }
