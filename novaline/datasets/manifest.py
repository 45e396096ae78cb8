"""What stands beside prepared datasets: what was made, of what, how, by which version. Same input, same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath, PurePosixPath

from novaline import __version__
from novaline.findings import NovalineError

MANIFEST = "manifest.json"
_SCHEMA = "novaline-dataset-manifest-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A source as it was read. `sha256` is of its bytes as they are stored; None where they are not read in order.

    `mapping` is what its columns were taken for, where that is not the manifest's.
    """

    uri: str
    rows: int
    bytes: int | None = None
    sha256: str | None = None
    version_id: str | None = None
    etag: str | None = None
    mapping: Mapping[str, str] | None = None

    def as_json(self) -> dict[str, object]:
        """The source as a JSON object."""
        made = asdict(self)
        if self.mapping is None:
            del made["mapping"]
        return made

    def with_rows(self, rows: int) -> Origin:
        """The same source with its rows counted."""
        return replace(self, rows=rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file that was written. `file` is its name beside the manifest; `sha256` is None for what was too large."""

    file: str
    split: str | None
    rows: int
    bytes: int
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What was prepared. `mapping` is role → column; `split` is how rows were allotted, None when they were not."""

    format: str
    files: tuple[Written, ...]
    sources: tuple[Origin, ...]
    mapping: Mapping[str, str]
    settings: Mapping[str, object]
    split: Mapping[str, object] | None
    skipped: Mapping[str, int]

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(file.rows for file in self.files)

    def as_json(self) -> dict[str, object]:
        """The document; no moment of time in it, so that the same input gives the same bytes."""
        return {
            "schema": _SCHEMA,
            "tool": {"name": "novaline", "version": __version__},
            "format": self.format,
            "rows": self.rows,
            "files": [asdict(file) for file in self.files],
            "sources": [origin.as_json() for origin in self.sources],
            "mapping": dict(self.mapping),
            "settings": dict(self.settings),
            "split": None if self.split is None else dict(self.split),
            "skipped": dict(self.skipped),
        }

    def as_bytes(self) -> bytes:
        """The file's content."""
        return json.dumps(self.as_json(), indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def manifest_path(output: Path) -> Path:
    """Where the manifest of an output stands: in the folder, or beside the one file."""
    return output.with_suffix(f".{MANIFEST}") if is_rows_file(output) else output / MANIFEST


def is_rows_file(output: PurePath) -> bool:
    """Whether an output is one file of rows by its name; else it is a folder, which may have a dot in its name."""
    return output.suffix == ".jsonl"


def is_manifest(uri: str) -> bool:
    """Whether a file is a manifest by its name, and so holds no rows."""
    name = PurePosixPath(uri.replace("\\", "/")).name
    return name == MANIFEST or name.endswith(f".{MANIFEST}")


def read_manifest(path: Path) -> dict[str, object]:
    """A manifest's document. Raises NovalineError when it is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        message = f"cannot read {path}: {problem.strerror or problem}"
        raise NovalineError.of("unreadable-file", message, file=str(path)) from None
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("schema") != _SCHEMA:
        hint = "expected the manifest.json that `novaline data prepare` wrote"
        raise NovalineError.of("no-manifest", f"{path} is no dataset's manifest", file=str(path), hint=hint)
    return document
