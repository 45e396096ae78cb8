"""The libraries that a function of one's own needs: pinned in a file, each with the digests of what may be installed.

A version alone is no pin: what an index gives for it can change, and so would what a deployment installs. With digests,
the same file gives the same libraries, whoever asks.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from novaline.findings import Finding, NovalineError

PYTHON: Final = "3.14"
PLATFORM: Final = "aarch64-manylinux_2_28"
"""Lambda's Python 3.14 on arm64 runs on Amazon Linux 2023, whose glibc is 2.34."""

_LARGEST_BYTES: Final = 1_000_000
_PINNED: Final = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?P<extras>\[[A-Za-z0-9._,\s-]+\])?\s*"
    r"==\s*(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*)\s*(?P<marker>;[^#]*?)?(?P<hashes>(?:\s+--hash=sha256:[0-9a-f]{64})*)"
)
_NAMED: Final = re.compile(r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")


@dataclass(frozen=True, slots=True)
class Pins:
    """What is pinned, one line each, and the digest under which the installed libraries are kept."""

    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """A requirements file with these pins and nothing else."""
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def digest(self) -> str:
        """Of the pins, and of what they are installed for."""
        return hashlib.sha256(f"{PYTHON} {PLATFORM}\n{self.text}".encode()).hexdigest()[:32]


def read_pins(path: Path) -> Pins:
    """The pins in the file at `path`. Raises NovalineError with every line that is none."""
    file = str(path)
    try:
        with path.open("rb") as opened:
            text = opened.read(_LARGEST_BYTES).decode("utf-8-sig")
    except OSError as problem:
        raise NovalineError.of(
            "unreadable-file", f"cannot read {path}: {problem.strerror or problem}", file=file
        ) from None
    except UnicodeDecodeError:
        raise NovalineError.of("not-utf-8", "the file is not UTF-8 text", file=file) from None
    findings: list[Finding] = []
    pins: set[str] = set()
    for number, line in _logical_lines(text):
        wrong = _problem(line)
        if wrong is None:
            pins.add(" ".join(line.split()))
            continue
        message, hint = wrong
        findings.append(
            Finding(
                code="unpinned-requirement", severity="error", message=message, file=file, line=number, column=1,
                excerpt=line[:200], hint=hint,
            )
        )  # fmt: skip
    if not pins and not findings:
        message = "the file pins nothing"
        findings.append(Finding(code="no-requirement", severity="error", message=message, file=file, hint=compiling()))
    if findings:
        raise NovalineError(findings)
    return Pins(tuple(sorted(pins)))


def compiling(file: str = "requirements.txt") -> str:
    """What to do to have every library pinned, with what it needs in turn."""
    return (
        "list what you need in requirements.in, and pin it: python -m uv pip compile --generate-hashes "
        f"--python-version {PYTHON} --python-platform {PLATFORM} requirements.in -o {file}"
    )


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Each requirement on one line, without comments, under the number of its first line."""
    number = 1
    parts: list[str] = []
    for count, line in enumerate(text.splitlines(), start=1):
        bare = re.sub(r"(^|\s)#.*$", "", line).rstrip()
        if not parts:
            number = count
        goes_on = bare.endswith("\\")
        parts.append(bare.removesuffix("\\").strip())
        if not goes_on:
            joined = " ".join(part for part in parts if part)
            if joined:
                yield number, joined
            parts = []
    if joined := " ".join(part for part in parts if part):
        yield number, joined


def _problem(line: str) -> tuple[str, str] | None:
    """Why the line is no pin, and what to do; None when it is one."""
    if line.startswith("-"):
        option = line.split(maxsplit=1)[0].partition("=")[0]
        return f"the option {option} is not taken here", "write pins alone; an index of yours goes into UV_INDEX_URL"
    pinned = _PINNED.fullmatch(line)
    if pinned is not None and pinned["hashes"]:
        return None
    named = _NAMED.match(line)
    name = named["name"] if named else line[:40]
    if pinned is not None:
        return f"{name} is pinned to {pinned['version']} without a digest (--hash=sha256:…)", compiling()
    return f"{name} is not pinned to one version", compiling()
