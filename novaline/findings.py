"""Findings: what a check found in a person's file, and the exception that carries them to the terminal.

A finding is a value. Rooms collect findings; the command line renders them. Nothing in between prints.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, Self

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a check found: what, where, how bad, and what to do about it.

    `code` is stable and kebab-case (`unknown-key`); `line` and `column` count from 1; `excerpt` is the source line.
    """

    code: str
    severity: Severity
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    excerpt: str | None = None
    hint: str | None = None

    @property
    def place(self) -> str:
        """`file:line:column`, as far as known; the empty string when nothing is."""
        parts = [self.file or ""]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(part for part in parts if part)

    def as_json(self) -> dict[str, str | int | None]:
        """The finding as the JSON object that every `--json` prints."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "excerpt": self.excerpt,
            "hint": self.hint,
        }


class NovalineError(Exception):
    """A problem that a person can act on: commands show its findings and exit with `exit_code`, without a traceback."""

    exit_code = 1

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(f"{finding.place}: {finding.message}".lstrip(": ") for finding in self.findings))

    @classmethod
    def of(
        cls,
        code: str,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        excerpt: str | None = None,
        hint: str | None = None,
    ) -> Self:
        """The error made of one finding."""
        return cls(
            [
                Finding(
                    code=code,
                    severity="error",
                    message=message,
                    file=file,
                    line=line,
                    column=column,
                    excerpt=excerpt,
                    hint=hint,
                )
            ]
        )


class UsageProblem(NovalineError):
    """The command was called wrongly: a file that is not there, an unknown environment. Exit status 2."""

    exit_code = 2


class Interruption(NovalineError):
    """Somebody asked a command to stop. Exit status 130, as shells have it."""

    exit_code = 130


def errors_in(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that stop a command; warnings do not."""
    return tuple(finding for finding in findings if finding.severity == "error")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a person most likely meant, or None when nothing is close."""
    choices = list(known)
    matches = get_close_matches(word.lower(), [choice.lower() for choice in choices], n=1, cutoff=0.6)
    if not matches:
        return None
    return next(choice for choice in choices if choice.lower() == matches[0])
