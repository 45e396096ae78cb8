"""The files of prepared datasets: written beside their places, and put there all at once when all is well."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from novaline.datasets.manifest import Written, is_rows_file, manifest_path, read_manifest
from novaline.findings import NovalineError


class SplitFile:
    """One file on its way. Rows are counted and hashed as they are written."""

    def __init__(self, path: Path, *, split: str | None) -> None:
        self.path = path
        self.part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self.rows = 0
        self._split = split
        self._bytes = 0
        self._digest = hashlib.sha256()
        self._file: IO[bytes] = self.part.open("wb")

    def write(self, lines: bytes, *, rows: int) -> None:
        """Adds whole lines."""
        self._file.write(lines)
        self._digest.update(lines)
        self._bytes += len(lines)
        self.rows += rows

    def finish(self) -> Written:
        """Makes sure that the disk has it all. The file still stands beside its place."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return Written(
            file=self.path.name,
            split=self._split,
            rows=self.rows,
            bytes=self._bytes,
            sha256=self._digest.hexdigest(),
        )

    def put(self) -> None:
        """Puts the file into its place."""
        self.part.replace(self.path)

    def drop(self) -> None:
        """Takes back what was written."""
        self._file.close()
        self.part.unlink(missing_ok=True)


def output_paths(output: Path, names: Sequence[str | None], *, file: str) -> dict[str | None, Path]:
    """Split → its path: the one file, or `<split>.jsonl` in the folder; `file` is the name of what is not split."""
    if is_rows_file(output):
        return dict.fromkeys(names, output)
    return {name: output / f"{name or file}.jsonl" for name in names}


def require_free(output: Path, paths: Sequence[Path], *, overwrite: bool, sources: Sequence[Path] = ()) -> None:
    """Raises NovalineError when a file is there already and may not be replaced, or when the output is impossible."""
    touched = {path.resolve() for path in {*paths, *_named_by(manifest_path(output))}}
    for source in sources:
        if source.resolve() in touched:
            message = f"{source} is read, and would be replaced or removed"
            raise NovalineError.of("output-is-source", message, hint="name another --output")
    if is_rows_file(output) and output.is_dir():
        raise NovalineError.of("output-exists", f"{output} is a folder", hint="name another file, or the folder's file")
    if not is_rows_file(output) and output.exists() and not output.is_dir():
        raise NovalineError.of("output-exists", f"{output} is a file, expected a folder")
    folders = [path for path in (*paths, manifest_path(output)) if path.is_dir()]
    if folders:
        hint = "name another --output"
        raise NovalineError.of("output-exists", f"{folders[0]} is a folder, expected a file or nothing", hint=hint)
    there = [path for path in (*paths, manifest_path(output)) if path.exists()]
    if there and not overwrite:
        names = ", ".join(str(path) for path in there)
        hint = "add --overwrite to replace it, or name another --output"
        raise NovalineError.of("output-exists", f"already there: {names}", hint=hint)


@contextmanager
def writing(output: Path, paths: dict[str | None, Path]) -> Iterator[dict[str | None, SplitFile]]:
    """The files to write to; taken back when the block fails, and gone after it unless `publish` was called."""
    folder = output.parent if is_rows_file(output) else output
    made = _make(folder)
    files: dict[str | None, SplitFile] = {}
    try:
        for split, path in paths.items():
            files[split] = SplitFile(path, split=split)
        yield files
    finally:
        for file in files.values():
            file.drop()
        for each in made:
            with contextlib.suppress(OSError):  # it holds something by now
                each.rmdir()


def publish(output: Path, files: Sequence[SplitFile], manifest: bytes) -> None:
    """Puts the finished files into their places, and the manifest last: who finds it, finds what it names.

    What an earlier manifest there names and this output has not is removed: it would be taken for a part of it.
    """
    path = manifest_path(output)
    stale = _named_by(path) - {file.path for file in files}
    path.unlink(missing_ok=True)
    for old in stale:
        old.unlink(missing_ok=True)
    for file in files:
        file.put()
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(manifest)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _named_by(manifest: Path) -> set[Path]:
    """The files that a manifest names, all of them beside it."""
    if not manifest.exists():
        return set()
    try:
        document = read_manifest(manifest)
    except NovalineError:
        return set()
    files = document.get("files")
    names = [str(file.get("file", "")) for file in files if isinstance(file, dict)] if isinstance(files, list) else []
    return {manifest.parent / name for name in names if name.endswith(".jsonl") and Path(name).name == name}


def _make(folder: Path) -> list[Path]:
    """Makes a folder with those above it. Returns what was made, the innermost first."""
    missing = []
    at = folder
    while not at.exists():
        missing.append(at)
        at = at.parent
    folder.mkdir(parents=True, exist_ok=True)
    return missing
