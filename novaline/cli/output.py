"""How commands speak: findings as a person wants to read them, or one JSON document on stdout and nothing else."""

from __future__ import annotations

import json as json_format
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.text import Text

from novaline.findings import Finding, NovalineError, errors_in

_STYLE = {"error": "bold red", "warning": "bold yellow"}
_WIDEST_EXCERPT = 160


def stdout() -> Console:
    """The console for what a command was asked for. Made per call, so that it follows a redirected stdout."""
    return Console(highlight=False, soft_wrap=True)


def stderr() -> Console:
    """The console for findings and progress."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Mapping[str, object]) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json_format.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def print_findings(findings: Iterable[Finding], *, console: Console | None = None) -> None:
    """Every finding with its place, source line, caret and hint; to stderr unless another console is given."""
    target = console or stderr()
    for finding in findings:
        target.print(render(finding))


def render(finding: Finding) -> Text:
    """One finding as text: `file:line:column: error: message`, then the source line, a caret and the hint."""
    text = Text()
    if finding.place:
        text.append(f"{finding.place}: ", style="bold")
    text.append(f"{finding.severity}: ", style=_STYLE[finding.severity])
    text.append(finding.message)
    text.append(f" [{finding.code}]", style="dim")
    if finding.line is not None and finding.excerpt is not None:
        gutter = f"{finding.line:>5} | "
        source, caret = _window(finding.excerpt, finding.column or 1)
        text.append(f"\n{gutter}", style="dim").append(source)
        if finding.column is not None:
            text.append("\n" + " " * (len(gutter) - 2) + "| ", style="dim")
            text.append(" " * caret + "^", style=_STYLE[finding.severity])
    if finding.hint:
        text.append("\n      = ", style="dim").append(finding.hint)
    return text


def summary(findings: Iterable[Finding]) -> str:
    """`2 errors, 1 warning`, `no findings`."""
    found = tuple(findings)
    errors = len(errors_in(found))
    counts = [(errors, "error"), (len(found) - errors, "warning")]
    parts = [f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count]
    return ", ".join(parts) or "no findings"


@contextmanager
def reporting(*, json: bool) -> Iterator[None]:
    """Turns a NovalineError inside the block into its rendering (or `{"findings": […]}`) and its exit status."""
    try:
        yield
    except NovalineError as problem:
        if json:
            print_json({"findings": [finding.as_json() for finding in problem.findings]})
        else:
            print_findings(problem.findings)
            stderr().print(Text(summary(problem.findings), style="bold"))
        raise typer.Exit(problem.exit_code) from None


def _window(excerpt: str, column: int) -> tuple[str, int]:
    """The part of a long source line around `column`, control characters made visible, and the caret's offset in it."""
    printable = "".join(
        char if char.isprintable() else " " if char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in excerpt
    )
    if len(printable) <= _WIDEST_EXCERPT:
        return printable, column - 1
    start = max(0, min(column - 1 - _WIDEST_EXCERPT // 2, len(printable) - _WIDEST_EXCERPT))
    shown = printable[start : start + _WIDEST_EXCERPT]
    prefix, suffix = "…" if start else "", "…" if start + _WIDEST_EXCERPT < len(printable) else ""
    return f"{prefix}{shown}{suffix}", column - 1 - start + len(prefix)
