"""How commands speak: findings as a person wants to read them, or one JSON document on stdout and nothing else."""

from __future__ import annotations

import codecs
import io
import json as json_format
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.text import Text

from novaline.findings import Finding, Interruption, NovalineError, errors_in

_STYLE = {"error": "bold red", "warning": "bold yellow"}
_WIDEST_EXCERPT = 160
_MOST_IN_FULL = 8
"""More findings than that are shown in one line each, so that they fit a screen."""
_MOST_SHOWN = 30
_PLAIN = {"…": "...", "·": "-", "✓": "+", "✗": "x", "→": "->"}


def prepare_streams() -> None:
    """Lets a terminal that knows only ASCII show our texts: a character that it lacks is spelled, not an error.

    A stream that the caller has closed (`novaline … >&-`) swallows what is written to it.
    """
    codecs.register_error("novaline", _spelled)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as long-lived as the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - likewise
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="novaline")


def _spelled(problem: UnicodeError) -> tuple[str, int]:
    if not isinstance(problem, UnicodeEncodeError):
        raise problem
    part = problem.object[problem.start : problem.end]
    text = "".join(_PLAIN.get(char) or char.encode("ascii", "backslashreplace").decode("ascii") for char in part)
    return text, problem.end


def stdout() -> Console:
    """The console for what a command was asked for. Made per call, so that it follows a redirected stdout."""
    return Console(highlight=False, soft_wrap=True)


def stderr() -> Console:
    """The console for findings and progress."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Mapping[str, object]) -> None:
    """One JSON document on stdout, which stays JSON on a terminal that knows only ASCII."""
    text = json_format.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json_format.dumps(document, indent=2, ensure_ascii=True, allow_nan=False)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_findings(findings: Iterable[Finding], *, console: Console | None = None) -> None:
    """Every finding with its place; to stderr unless another console is given.

    Few are shown with source line, caret and hint, more in one line each, and of very many the first ones.
    """
    target, found = console or stderr(), tuple(findings)
    if len(found) <= _MOST_IN_FULL:
        for finding in found:
            target.print(render(finding))
        return
    hints: set[str] = set()
    for finding in found[:_MOST_SHOWN]:
        target.print(render_briefly(finding, hint=finding.hint not in hints))
        hints.add(finding.hint or "")
    if len(found) > _MOST_SHOWN:
        target.print(Text(f"… and {len(found) - _MOST_SHOWN:,} more: --json lists all", style="bold"))


def render(finding: Finding) -> Text:
    """One finding as text: `file:line:column: error: message`, then the source line, a caret and the hint."""
    text = _headline(finding)
    if finding.line is not None and finding.excerpt is not None:
        gutter = f"{finding.line:>5} | "
        source, caret = _window(finding.excerpt, finding.column or 1)
        text.append(f"\n{gutter}", style="dim").append(source)
        if finding.column is not None and not finding.excerpt.startswith("…"):  # else nobody knows where it is
            text.append("\n" + " " * (len(gutter) - 2) + "| ", style="dim")
            text.append(" " * caret + "^", style=_STYLE[finding.severity])
    if finding.hint:
        text.append("\n      = ", style="dim").append(finding.hint)
    return text


def render_briefly(finding: Finding, *, hint: bool = True) -> Text:
    """One finding as one line: its hint in brackets unless that was said before, no source line."""
    text = _headline(finding)
    return text.append(f" ({finding.hint})", style="dim") if finding.hint and hint else text


def _headline(finding: Finding) -> Text:
    text = Text()
    if finding.place:
        text.append(f"{finding.place}: ", style="bold")
    text.append(f"{finding.severity}: ", style=_STYLE[finding.severity])
    text.append(finding.message)
    return text.append(f" [{finding.code}]", style="dim")


def summary(findings: Iterable[Finding]) -> str:
    """`2 errors, 1 warning`, `no findings`."""
    found = tuple(findings)
    errors = len(errors_in(found))
    counts = [(errors, "error"), (len(found) - errors, "warning")]
    parts = [f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count]
    return ", ".join(parts) or "no findings"


@contextmanager
def reporting(*, json: bool) -> Iterator[None]:
    """Turns what goes wrong inside the block into its rendering (or `{"findings": […]}`) and its exit status.

    That is a NovalineError, Ctrl-C, or the operating system's refusal. When nobody reads our output any more
    (`novaline plan … | head`), there is nobody to tell either.
    """
    try:
        yield
    except BrokenPipeError:
        _close_stdout()
        raise typer.Exit(1) from None
    except NovalineError as problem:
        _report(problem, json=json)
        raise typer.Exit(problem.exit_code) from None
    except KeyboardInterrupt:
        _report(Interruption.of("interrupted", "interrupted"), json=json)
        raise typer.Exit(Interruption.exit_code) from None
    except OSError as problem:
        what = f"{problem.filename}: {problem.strerror}" if problem.filename else problem.strerror or str(problem)
        hint = "is there space on the disk, and may the file be read or written?"
        _report(NovalineError.of("system-problem", f"the operating system refused: {what}", hint=hint), json=json)
        raise typer.Exit(1) from None


def _report(problem: NovalineError, *, json: bool) -> None:
    try:
        if json:
            print_json({"findings": [finding.as_json() for finding in problem.findings]})
        if isinstance(problem, Interruption):  # a person sits there, whoever reads stdout
            for finding in problem.findings:
                stderr().print(Text(finding.message if finding.hint is None else f"{finding.message}; {finding.hint}"))
        elif not json:
            print_findings(problem.findings)
            stderr().print(Text(summary(problem.findings), style="bold"))
    except OSError:  # a full disk behind stdout, a closed stderr: the exit status still tells
        if json:
            print_findings(problem.findings)
        _close_stdout()


def _close_stdout() -> None:
    """Silences the interpreter, which would flush stdout once more at its exit and complain."""
    stream = sys.__stdout__
    if stream is not None and sys.stdout is stream:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


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
