"""What `novaline data prepare` shows: samples, the files, and what to do next."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

from rich.text import Text

from novaline.cli import output
from novaline.datasets.manifest import manifest_path
from novaline.datasets.prepare.pipeline import Prepared
from novaline.datasets.prepare.roles import FORMAT_ROLES
from novaline.datasets.prepare.work import Request

_SECONDS_BEFORE_WORDS = 2.0
_MOST_MAPPINGS = 8


class Progress:
    """One line on a terminal's stderr that counts rows, for sources that take longer than a moment."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = output.stderr()
        self._shown = not quiet and self._console.is_terminal
        self._next = time.monotonic() + _SECONDS_BEFORE_WORDS
        self._written = False

    def rows(self, count: int) -> None:
        """So many rows were read."""
        now = time.monotonic()
        if self._shown and now >= self._next:
            self._console.print(f"\r{count:,} rows", end="")
            self._written, self._next = True, now + 0.2

    def __enter__(self) -> Self:
        """Begins."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves the line."""
        if self._written:
            self._console.print()


def as_json(prepared: Prepared) -> dict[str, object]:
    """The document of `--json`: the manifest, or null where nothing was written, samples and findings."""
    return {
        "manifest": None if prepared.manifest is None else prepared.manifest.as_json(),
        "files": [str(path) for path in prepared.paths],
        "mapping": dict(prepared.mapping),
        "samples": [{"split": split, "row": json.loads(line)} for split, line in prepared.samples],
        "findings": [finding.as_json() for finding in prepared.findings],
    }


def show_prepared(prepared: Prepared, request: Request) -> None:
    """The result for a person."""
    console = output.stdout()
    for split, line in prepared.samples:
        console.print(Text(f"{split or request.format}:", style="bold"))
        console.print(Text(json.dumps(json.loads(line), indent=2, ensure_ascii=False)))
    output.print_findings(prepared.findings)
    for words in _mappings(prepared, request.format):
        console.print(Text(words))
    if prepared.manifest is None or request.output is None:
        console.print(Text("nothing was written: add --output"))
        return
    width = max(len(str(path)) for path in prepared.paths)
    for path, written in zip(prepared.paths, prepared.manifest.files, strict=True):
        console.print(Text(f"{path!s:<{width}}  {written.rows:>10,} rows  {shown_size(written.bytes):>9}"))
    left_out = sum(prepared.manifest.skipped.values())
    if left_out:
        console.print(Text(f"{left_out:,} rows left out", style="bold yellow"))
    console.print(Text(f"{manifest_path(request.output)}  what was made of what"))
    console.print(Text(f"next: novaline data validate {prepared.paths[0]} --format {request.format}"))


def _mappings(prepared: Prepared, name: str) -> Iterator[str]:
    """What columns were taken for: once, or for each group of sources that are alike."""
    alike: dict[str, list[str]] = {}
    for source, mapping in prepared.mappings.items():
        alike.setdefault(mapped(mapping, name), []).append(source)
    if len(alike) < 2:
        yield mapped(prepared.mapping, name)
        return
    for words, sources in list(alike.items())[:_MOST_MAPPINGS]:
        more = f" and {len(sources) - 1:,} more" if len(sources) > 1 else ""
        yield f"{sources[0]}{more}: {words}"
    if len(alike) > _MOST_MAPPINGS:
        yield f"… and {len(alike) - _MOST_MAPPINGS:,} more mappings: the manifest has all"


def mapped(mapping: Mapping[str, str], name: str) -> str:
    """Which column plays which role, in the words of the format `name`."""
    words = FORMAT_ROLES[name].words
    return ", ".join(f"{words.get(role, role)} from {column}" for role, column in mapping.items())


def shown_size(count: int) -> str:
    """So many bytes, for a person."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} B"
