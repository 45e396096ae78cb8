"""What validating a dataset found out, as runs hand it on: by which rules, for which job, with which result.

Standard library only: functions bundle it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final, Self

RULE_SET: Final = 1
"""The number of the rules that rows are held against. It rises with each rule that refuses rows which passed before."""

_FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sft": "sft",
        "dpo": "dpo",
        "rft": "rft",
        "cpt": "cpt",
        "distillation": "distillation",
        "gen_qa": "gen_qa",
        "llm_judge": "llm_judge",
        "rubric_llm_judge": "rubric_llm_judge",
        "rft_eval": "rft",
    }
)


def format_of(job: str) -> str | None:
    """The format of the rows that a technique or an evaluation task reads; None where no format is known."""
    return _FORMATS.get(job)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """The record that a dataset has in a run's claim. `errors` and `warnings` are numbers of findings.

    `format` is `rows` where they were counted only, because nobody knows their form. `model` is None where the rows
    were held against none. `inspection` is the name of what validated an object of S3, None for a file.
    """

    format: str
    model: str | None
    rows: int
    errors: int
    warnings: int
    rule_set: int = RULE_SET
    inspection: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The record as the claim holds it."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: object) -> Self:
        """The record that a claim or a report holds. Raises ValueError with words for anything else."""
        if not isinstance(document, Mapping):
            raise ValueError("there is no record of a validation")
        for name in ("rows", "errors", "warnings", "rule_set"):
            value = document.get(name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ValueError(f"the record of its validation has {name!r} {value!r}, expected a number")
        if not isinstance(document.get("format"), str):
            raise ValueError("the record of its validation names no format")
        for name in ("model", "inspection"):
            if not isinstance(document.get(name), str | None):
                raise ValueError(f"the record of its validation has {name!r} {document[name]!r}, expected a name")
        return cls(**{name: document.get(name) for name in cls.__slots__})  # type: ignore[arg-type]  # looked at above

    def objections(self, *, rows_of: str | None, model: str) -> Iterator[str]:
        """Why a job that reads rows of the format `rows_of` (None: of any) for `model` must not read this dataset."""
        if self.errors:
            yield f"it was validated with {self.errors:,} {'error' if self.errors == 1 else 'errors'}"
        if not self.rows:
            yield "it has no rows"
        if self.rule_set < RULE_SET:
            yield f"it was validated by rule set {self.rule_set}, and rule set {RULE_SET} is in force"
        if rows_of is not None and self.format != rows_of:
            yield f"it was validated as {self.format}, and the job reads {rows_of}"
        if self.model != model:
            yield f"it was validated for {self.model or 'no model'}, and the run customizes {model}"
