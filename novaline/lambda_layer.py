"""`python -m novaline.lambda_layer`: the libraries that a function needs beside its code, as one archive for a layer.

Made once by `make setup`, so that synthesis needs no network: the wheels that uv.lock pins by digest, for Lambda's
Python and processor whatever computer this is. The same pins make the same archive, byte by byte.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from novaline.findings import NovalineError
from novaline.places import layer_archive

LIBRARIES = {"msgspec": "msgspec", "numpy": "numpy", "phonenumberslite": "phonenumbers", "xxhash": "xxhash"}
"""What the engine of datasets imports: distributions, and the packages that they bring."""

PYTHON = "3.14"
PLATFORM = "aarch64-manylinux_2_28"  # Lambda's Python 3.14 runs on Amazon Linux 2023, whose glibc is 2.34
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the oldest that an archive can hold: every archive says the same
_UNUSED = frozenset({"tests", "f2py", "include", "_pyinstaller"})  # folders below numpy/ that nothing imports
_HINT = "run `make setup`; it needs the Python package index"


def made_archive() -> Path:
    """The archive. Raises NovalineError when nobody has made it."""
    archive = layer_archive()
    if not archive.is_file():
        hint = f"run `make setup`, or that step of it alone: {sys.executable} -m novaline.lambda_layer"
        raise NovalineError.of("layer", f"the libraries of the functions' layer are missing: {archive}", hint=hint)
    return archive


def pinned(exported: str, libraries: Iterable[str] = LIBRARIES) -> str:
    """The lines of a requirements file that pin `libraries`, with their digests.

    Raises NovalineError when one of them is not pinned.
    """
    libraries = tuple(libraries)
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", exported)
    found = {library: [block for block in blocks if block.startswith(f"{library}==")] for library in libraries}
    missing = [library for library, pins in found.items() if not pins]
    if missing:
        raise NovalineError.of("layer", f"uv.lock pins no {' and no '.join(missing)}", hint="run `uv lock`")
    return "".join(block.rstrip() + "\n" for library in libraries for block in found[library])


def make(root: Path, archive: Path) -> None:
    """Install what the lock file at `root` pins for Lambda into a folder, and pack it. Raises NovalineError."""
    exported = _uv("export", "--locked", "--no-default-groups", "--no-emit-project", "--quiet", cwd=root)
    with tempfile.TemporaryDirectory() as scratch:
        wanted, folder = Path(scratch, "wanted.txt"), Path(scratch, "python")
        wanted.write_text(pinned(exported), encoding="utf-8")
        target = ("--target", str(folder), "--python-version", PYTHON, "--python-platform", PLATFORM)
        options = ("--require-hashes", "--only-binary", ":all:", "--no-deps", "--quiet", "--link-mode", "copy")
        _uv("pip", "install", "--requirement", str(wanted), *target, *options, cwd=root)
        archive.parent.mkdir(parents=True, exist_ok=True)
        partial = archive.with_name(f".{archive.name}.partial-{os.getpid()}")
        try:
            pack(folder, partial)
            partial.replace(archive)
        finally:
            partial.unlink(missing_ok=True)


def pack(folder: Path, archive: Path) -> None:
    """The folder as an archive that depends on names and content alone."""
    with zipfile.ZipFile(archive, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for path in _wanted(folder):
            name = path.relative_to(folder.parent).as_posix()
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if ".so" in path.name else 0o644) << 16
            packed.writestr(entry, path.read_bytes())


def _wanted(folder: Path) -> Iterator[Path]:
    """The files that are needed to run: no tests, no headers, no stubs, nothing that this computer compiled."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if not path.is_file() or path.suffix in {".pyi", ".pyc", ".h", ".a"} or inside.parts[0] in {"bin", ".lock"}:
            continue
        if _UNUSED.intersection(inside.parts):
            continue
        if inside.parts[0].endswith(".dist-info") and path.name in {"RECORD", "INSTALLER", "REQUESTED"}:
            continue  # they tell about the installation, not about the library
        yield path


def _uv(*arguments: str, cwd: Path) -> str:
    command = [sys.executable, "-m", "uv", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"the libraries of the functions' layer could not be made: uv {arguments[0]}: {done.stderr.strip()}"
        raise NovalineError.of("layer", message, hint=_HINT)
    return done.stdout


def main() -> int:
    """Make the archive for the checkout in the working directory; 1 with a message when it cannot be made."""
    try:
        make(Path.cwd(), layer_archive())
    except NovalineError as problem:
        for finding in problem.findings:
            sys.stderr.write(f"error: {finding.message}\n  {finding.hint}\n")
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
