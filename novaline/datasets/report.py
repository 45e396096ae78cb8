"""What validating a dataset gave: what it is, and what was found in it, in a report that stays small."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from novaline.findings import Finding, Severity

LARGEST_JSON = 64 * 1024
"""Bytes of a report as JSON, however bad the files are."""
_MOST_FILES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """A file that was read. `sha256` is the hex digest of its bytes; None where nobody read all of them in order."""

    path: str
    sha256: str | None
    bytes: int
    rows: int

    def as_json(self) -> dict[str, str | int | None]:
        """The file as a JSON object."""
        return {"path": self.path, "sha256": self.sha256, "bytes": self.bytes, "rows": self.rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFinding:
    """One kind of thing that is wrong with rows. `lines` are the first that have it, in `file`; `count` all of them.

    `offset` is the byte where the first line starts in its file; None where the finding is about no line.
    """

    code: str
    severity: Severity
    message: str
    file: str | None
    line: int | None
    column: int | None
    offset: int | None
    count: int
    lines: tuple[int, ...]
    excerpt: str | None
    hint: str | None

    @property
    def finding(self) -> Finding:
        """The finding as commands print it."""
        more = f" (this line, and {self.count - 1:,} more)" if self.count > 1 and self.line is not None else ""
        return Finding(
            code=self.code,
            severity=self.severity,
            message=f"{self.message}{more}",
            file=self.file,
            line=self.line,
            column=self.column,
            excerpt=self.excerpt,
            hint=self.hint,
        )

    def as_json(self) -> dict[str, object]:
        """The finding as a JSON object."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "offset": self.offset,
            "count": self.count,
            "lines": list(self.lines),
            "excerpt": self.excerpt,
            "hint": self.hint,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A dataset and what was found in it. `tokens` and `longest_row` are estimates, in tokens.

    `media` are the kinds that rows hold besides text, with their number.
    """

    format: str
    files: tuple[FileReport, ...]
    findings: tuple[RowFinding, ...]
    tokens: int
    longest_row: int
    media: Mapping[str, int]

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.bytes for file in self.files)

    @property
    def errors(self) -> tuple[RowFinding, ...]:
        """What a job would break on."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    def as_json(self) -> dict[str, object]:
        """The report as a JSON object of at most `LARGEST_JSON` bytes: what does not fit is counted."""
        findings, files = list(self.findings), self.files[:_MOST_FILES]
        document = self._document(files, findings)
        while _size(document) > LARGEST_JSON and any(finding.excerpt for finding in findings):
            shown = max(index for index, finding in enumerate(findings) if finding.excerpt)
            findings[shown] = replace(findings[shown], excerpt=None)
            document = self._document(files, findings)
        while _size(document) > LARGEST_JSON and (findings or files):
            findings, files = (findings[:-1], files) if findings else (findings, files[:-1])
            document = self._document(files, findings)
        return document

    def _document(self, files: Sequence[FileReport], findings: Sequence[RowFinding]) -> dict[str, object]:
        return {
            "format": self.format,
            "rows": self.rows,
            "bytes": self.bytes,
            "tokens": self.tokens,
            "longest_row": self.longest_row,
            "media": dict(self.media),
            "files": [file.as_json() for file in files],
            "more_files": len(self.files) - len(files),
            "errors": len(self.errors),
            "warnings": len(self.findings) - len(self.errors),
            "findings": [finding.as_json() for finding in findings],
            "more_findings": len(self.findings) - len(findings),
        }


def _size(document: Mapping[str, object]) -> int:
    """Bytes of the document as commands print it, indented."""
    return len(json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")) + 1
