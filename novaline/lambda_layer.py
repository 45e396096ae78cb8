"""`python -m novaline.lambda_layer`: the libraries that functions need beside their code, as archives for layers.

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
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from novaline.findings import NovalineError
from novaline.places import layer_archive, tables_archive

LIBRARIES = {"msgspec": "msgspec", "numpy": "numpy", "phonenumberslite": "phonenumbers", "xxhash": "xxhash"}
"""What the engine of datasets imports: distributions, and the packages that they bring."""

TABLES = {"pyarrow": "pyarrow"}
"""What tables and Zstandard are read with: a layer of its own, for the function that reads them."""

LARGEST = 262_144_000
"""Bytes that Lambda unpacks for a function at most, its code and all of its layers together."""

PYTHON = "3.14"
PLATFORM = "aarch64-manylinux_2_28"  # Lambda's Python 3.14 runs on Amazon Linux 2023, whose glibc is 2.34
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the oldest that an archive can hold: every archive says the same
_UNUSED = frozenset({"tests", "f2py", "include", "_pyinstaller"})  # folders of the libraries that nothing imports
# Arrow's network protocol, its tests in C++, and second and third names of libraries that are linked by `….so.<major>`.
_UNUSED_FILES = re.compile(r"(lib)?(arrow)?\w*_(flight|pyarrow_cpp_tests)\..*|libarrow\w*\.so(\.\d+\.\d+\.\d+)?")
_NO_CODE = frozenset({".pyi", ".pyc", ".h", ".hpp", ".a", ".pxd", ".pxi", ".pyx", ".cc"})
_HINT = "run `make setup`; it needs the Python package index"


def made_archive() -> Path:
    """The archive of the engine's libraries. Raises NovalineError when nobody has made it."""
    return _made(layer_archive())


def made_tables_archive() -> Path:
    """The archive of what reads tables. Raises NovalineError when nobody has made it."""
    return _made(tables_archive())


def _made(archive: Path) -> Path:
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


def make(root: Path, archives: Mapping[Path, Iterable[str]]) -> None:
    """Install what the lock file at `root` pins for Lambda, and pack it: archive → libraries. Raises NovalineError."""
    options = ("--locked", "--no-default-groups", "--extra", "data", "--no-emit-project", "--quiet")
    exported = _uv("export", *options, cwd=root)
    for archive, libraries in archives.items():
        _make(root, archive, pinned(exported, libraries))
    require_fits(archives)


def require_fits(archives: Iterable[Path]) -> None:
    """Raises NovalineError when a function cannot have all of these layers: its own code is a hundredth of them."""
    size = sum(entry.file_size for archive in archives for entry in zipfile.ZipFile(archive).infolist())
    if size > LARGEST * 99 // 100:
        message = f"the functions' layers unpack to {size:,} bytes, and Lambda takes {LARGEST:,} with the code"
        raise NovalineError.of("layer", message, hint="leave more of the libraries out, in novaline/lambda_layer.py")


def _make(root: Path, archive: Path, requirements: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        wanted, folder = Path(scratch, "wanted.txt"), Path(scratch, "python")
        wanted.write_text(requirements, encoding="utf-8")
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


def pack(folder: Path, archive: Path, *, files: Iterable[Path] | None = None) -> None:
    """The folder, or these files of it, as an archive that depends on names and content alone."""
    with zipfile.ZipFile(archive, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for path in _wanted(folder) if files is None else files:
            name = path.relative_to(folder.parent).as_posix()
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if ".so" in path.name else 0o644) << 16
            packed.writestr(entry, path.read_bytes())


def _wanted(folder: Path) -> Iterator[Path]:
    """The files that are needed to run: no tests, no headers, no stubs, nothing that this computer compiled."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if not path.is_file() or path.suffix in _NO_CODE or inside.parts[0] in {"bin", ".lock"}:
            continue
        if _UNUSED.intersection(inside.parts) or _UNUSED_FILES.fullmatch(path.name):
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
    """Make the archives for the checkout in the working directory; 1 with a message when they cannot be made."""
    try:
        make(Path.cwd(), {layer_archive(): LIBRARIES, tables_archive(): TABLES})
    except NovalineError as problem:
        for finding in problem.findings:
            sys.stderr.write(f"error: {finding.message}\n  {finding.hint}\n")
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
