"""One Python file, parsed and never executed, with the places of what is wrong in it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from novaline.findings import Finding, NovalineError

_LARGEST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text and syntax tree; `file` is what messages call it."""

    file: str
    text: str
    tree: ast.Module

    def finding(self, code: str, message: str, node: ast.AST, *, hint: str | None = None) -> Finding:
        """A finding at the place of a node. Lines and columns count from 1, columns in characters."""
        line, offset = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        lines = self.text.splitlines()
        excerpt = lines[line - 1] if line <= len(lines) else ""
        column = len(excerpt.encode()[:offset].decode(errors="ignore")) + 1
        return Finding(
            code=code,
            severity="error",
            message=message,
            file=self.file,
            line=line,
            column=column,
            excerpt=excerpt,
            hint=hint,
        )


def read_source(path: Path) -> Source:
    """The file, parsed by this Python. Raises NovalineError: not readable, not UTF-8, no Python."""
    file = str(path)
    try:
        with path.open("rb") as opened:
            raw = opened.read(_LARGEST_BYTES + 1)
    except OSError as problem:
        message = f"cannot read {path}: {problem.strerror or problem}"
        raise NovalineError.of("unreadable-file", message, file=file) from None
    if len(raw) > _LARGEST_BYTES:
        message = f"the file has more than {_LARGEST_BYTES:,} bytes, which no reward function has"
        raise NovalineError.of("file-too-large", message, file=file)
    try:
        text = raw.decode("utf-8-sig")
        tree = ast.parse(text, filename=file)
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        message = f"byte 0x{raw[problem.start]:02x} is not UTF-8 text"
        raise NovalineError.of("not-utf-8", message, file=file, line=line, hint="save the file as UTF-8") from None
    except SyntaxError as problem:
        message = f"this is no Python: {problem.msg}"
        raise NovalineError.of(
            "python-syntax", message, file=file, line=problem.lineno, column=problem.offset, excerpt=_line(problem)
        ) from None
    except (ValueError, RecursionError, MemoryError) as problem:  # a null byte; nested too deeply
        message = f"this is no Python: {problem or 'it is nested too deeply'}"
        raise NovalineError.of("python-syntax", message, file=file) from None
    return Source(file, text, tree)


def _line(problem: SyntaxError) -> str | None:
    return problem.text.rstrip("\n") if problem.text else None
