"""Makes the report of a dataset that was read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from novaline.datasets.engine import judging
from novaline.datasets.engine.any_rows import SPECS
from novaline.datasets.engine.lines import BEFORE_QUESTION, LineReader
from novaline.datasets.engine.merging import Merged
from novaline.datasets.engine.plan import Plan
from novaline.datasets.flaws import CUT, Flaw, Sighting, excerpt
from novaline.datasets.formats.spec import tokens_of
from novaline.datasets.report import FileReport, Report, RowFinding

Shown = tuple[int, bytes]
"""The byte where a line starts in its file, and the line."""
_CUT_END = re.compile(f'[^ "]*{CUT}$')
_CUT_START = re.compile(f'^{CUT}[^ "]*')
_ABOUT_QUESTIONS = frozenset({"duplicate-row", "conflicting-answers", "near-duplicate"})
LineFinder = Callable[[set[int]], Mapping[int, Shown]]
"""Finds lines of the dataset again, by number; those that cannot be had are left out."""


def report_of(merged: Merged, plan: Plan, *, find: LineFinder | None = None, more: Iterable[Flaw] = ()) -> Report:
    """The report of all that was read. `more` are flaws of what the rows are held against."""
    judged = [*judging.judge(merged, plan), *judging.repeated_rows(merged, plan), *judging.repeated_ids(merged, plan)]
    judged += [(flaw, 1, []) for flaw in more]
    found = [
        *merged.ledger,
        *((flaw, Sighting(count, lines, -1, None, "", flaw.detail)) for flaw, count, lines in judged),
    ]
    missing = {seen.lines[0] for _, seen in found if seen.lines and seen.offset < 0}
    again = find(missing) if find is not None and missing else {}
    reader = LineReader(SPECS[plan.options.format], plan.options.context) if again else None
    hide = _hider() if plan.options.sensitive else None
    findings = []
    for flaw, seen in sorted(found, key=lambda item: item[1].lines[:1]):
        if seen.lines and seen.lines[0] in again and seen.offset < 0:
            seen.offset, line = again[seen.lines[0]]
            if reader is not None and flaw.code in _ABOUT_QUESTIONS:
                seen.column = reader.question_column(line)
            seen.excerpt = excerpt(line, seen.column, before=BEFORE_QUESTION)
        if hide is not None and seen.excerpt:
            seen.excerpt = hide(seen.excerpt)
        findings.append(_finding(merged, flaw, seen, strict=plan.options.strict))
    total = merged.total
    return Report(
        format=plan.options.format,
        files=tuple(
            FileReport(path=file.name, sha256=file.sha256, bytes=file.bytes, rows=file.rows) for file in merged.files
        ),
        findings=tuple(findings),
        tokens=total.lengths.tokens,
        longest_row=tokens_of(total.lengths.longest),
        media=dict(sorted(total.media.items())),
    )


def _finding(merged: Merged, flaw: Flaw, seen: Sighting, *, strict: bool) -> RowFinding:
    file, lines = merged.locate(seen.lines) if merged.files else (None, [])
    return RowFinding(
        code=flaw.code,
        severity="error" if strict else flaw.severity,
        message=f"{flaw.message}: {seen.detail}" if seen.detail else flaw.message,
        file=file,
        line=lines[0] if lines else None,
        column=seen.column,
        offset=seen.offset if lines and seen.offset >= 0 else None,
        count=seen.count,
        lines=tuple(lines),
        excerpt=seen.excerpt or None,
        hint=flaw.hint,
    )


def _hider() -> Callable[[str], str]:
    """Takes secrets and personal data out of excerpts."""
    from novaline.datasets.sensitive import SensitiveScanner  # noqa: PLC0415 - for who asks for it only

    scanner = SensitiveScanner()

    def hide(text: str) -> str:
        # Half of a value has another form than the whole one, and would not be known again: words that were cut go.
        text = _CUT_START.sub(CUT, _CUT_END.sub(CUT, text))
        return scanner.hidden(text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")

    return hide
