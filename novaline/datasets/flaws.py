"""What can be wrong with a row, and a ledger of it that stays small however bad the file is."""

from __future__ import annotations

from dataclasses import dataclass

from novaline.findings import Finding, Severity

MOST_KINDS = 50
"""Kinds of flaws that are told apart in one file; further ones are counted together."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One kind of thing that is wrong with a row: the same in every row that has it."""

    code: str
    message: str
    severity: Severity = "error"
    hint: str | None = None


@dataclass(slots=True)
class _Sighting:
    count: int
    line: int
    column: int | None
    excerpt: str


class FlawLedger:
    """Counts flaws by kind, each with the first line that has it."""

    def __init__(self) -> None:
        self._seen: dict[Flaw, _Sighting] = {}
        self.errors = 0

    def add(self, flaw: Flaw, *, line: int, raw: bytes, column: int | None = None) -> None:
        """Notes one sighting of the flaw in the line with this number, counted from 1."""
        if flaw.severity == "error":
            self.errors += 1
        known = self._seen.get(flaw)
        if known is not None:
            known.count += 1
            return
        if len(self._seen) >= MOST_KINDS:
            flaw = Flaw("more-flaws", "further kinds of flaws are not listed one by one")
            if flaw in self._seen:
                self._seen[flaw].count += 1
                return
        excerpt = raw[:400].decode("utf-8", errors="replace")
        self._seen[flaw] = _Sighting(count=1, line=line, column=column, excerpt=excerpt)

    def findings(self, file: str) -> tuple[Finding, ...]:
        """One finding for each kind, in the order of first lines."""
        return tuple(
            Finding(
                code=flaw.code,
                severity=flaw.severity,
                message=f"{flaw.message}{_more(sighting.count)}",
                file=file,
                line=sighting.line,
                column=sighting.column,
                excerpt=sighting.excerpt,
                hint=flaw.hint,
            )
            for flaw, sighting in sorted(self._seen.items(), key=lambda item: item[1].line)
        )


def _more(count: int) -> str:
    return f" (this line, and {count - 1:,} more)" if count > 1 else ""
