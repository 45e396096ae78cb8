"""`python -m novaline.reward_libraries`: the libraries that reward functions of one's own pin, as archives for layers.

Made by `make setup`, or by hand when pins change, so that synthesis needs no network. Each file of pins gives two
archives, kept under the digest of its pins: one for Lambda's Python and processor, which is deployed, and one for this
computer's, with which a rehearsal runs the function. The two hold the same versions, but not the same compiled code:
what runs here shows nothing about whether the other one loads.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from novaline.environments import Environment, load_environments
from novaline.environments.deployable import pinned_functions
from novaline.findings import Finding, NovalineError
from novaline.lambda_layer import pack
from novaline.own_code.requirements import PLATFORM, PYTHON, Pins
from novaline.places import reward_libraries

DEPLOYED: Final = "lambda.zip"
HERE: Final = "here.zip"
MARK: Final = "novaline-reward-libraries.txt"
"""A file at the top of both archives, which holds the digest of their pins."""

_LARGEST_BYTES: Final = 200 * 1024 * 1024  # of the 250 MB that Lambda allows for a function and its layers, unpacked
_MODULE: Final = f"{Path(sys.executable).name} -m novaline.reward_libraries"


def require_libraries(environments: Iterable[Environment]) -> None:
    """Raises NovalineError when a declared function lacks its libraries: nobody made them, or they are not enough."""
    findings: list[Finding] = []
    for declared, pins, wanted in pinned_functions(environments):
        archive = reward_libraries(pins.digest) / DEPLOYED
        if not archive.is_file():
            message = f"the libraries of {declared} are not installed for Lambda: {archive}"
            hint = f"run {sys.executable} -m novaline.reward_libraries; it needs the Python package index"
            findings.append(Finding(code="reward-libraries", severity="error", message=message, hint=hint))
            continue
        brought = _packages(archive)
        findings += [finding for library, finding in wanted.items() if library not in brought]
    if findings:
        raise NovalineError(dict.fromkeys(findings))


def deployed_archive(pins: Pins) -> Path:
    """The archive that is deployed; see `require_libraries`, which says so when it is missing."""
    return reward_libraries(pins.digest) / DEPLOYED


def archive_of_this_computer(deployed: bytes) -> bytes | None:
    """The archive with the same libraries for this computer; None for a layer that holds none of them.

    Raises NovalineError when they could not be installed here.
    """
    digest = _digest_in(deployed)
    if digest is None:
        return None
    archive = reward_libraries(digest) / HERE
    if not archive.is_file():
        message = f"the libraries of a reward function are not installed for this computer: {archive}"
        raise NovalineError.of(
            "reward-libraries", message, hint=f"run {_MODULE}; a library may have no wheel for this Python"
        )
    return archive.read_bytes()


def make(pins: Pins, folder: Path) -> str | None:
    """Install the pins into archives in `folder`. Returns why they are not there for this computer, if so.

    Raises NovalineError when they cannot be installed for Lambda: not known, no wheel, wrong digest, too large.
    """
    for_lambda = ("--python-version", PYTHON, "--python-platform", PLATFORM)
    _install(pins, folder / DEPLOYED, for_lambda)
    try:
        _install(pins, folder / HERE, ())
    except NovalineError as problem:
        return problem.findings[0].message
    return None


def _install(pins: Pins, archive: Path, target: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        wanted, folder = Path(scratch, "wanted.txt"), Path(scratch, "python")
        wanted.write_text(pins.text, encoding="utf-8")
        options = ("--require-hashes", "--only-binary", ":all:", "--quiet", "--link-mode", "copy")
        command = [sys.executable, "-m", "uv", "pip", "install", "--requirement", str(wanted)]
        command += ["--target", str(folder), *target, *options]
        # Nothing of the caller's own project or environment decides what is installed.
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
        if done.returncode:
            where = "for Lambda" if target else "for this computer"
            message = f"the libraries could not be installed {where}: {done.stderr.strip()}"
            raise NovalineError.of("reward-libraries", message, hint="is every pin a wheel that the index has?")
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if size > _LARGEST_BYTES:
            message = f"the libraries have {size / 1024**2:,.0f} MB unpacked, and {_LARGEST_BYTES / 1024**2:,.0f} fit"
            raise NovalineError.of("reward-libraries", message, hint="Lambda takes 250 MB with the function")
        archive.parent.mkdir(parents=True, exist_ok=True)
        partial = archive.with_name(f".{archive.name}.partial-{os.getpid()}")
        try:
            pack(folder, partial, files=_installed(folder))
            mark = zipfile.ZipInfo(MARK)
            mark.external_attr = 0o644 << 16
            with zipfile.ZipFile(partial, "a") as packed:
                packed.writestr(mark, pins.digest)
            partial.replace(archive)
        finally:
            partial.unlink(missing_ok=True)


def _installed(folder: Path) -> list[Path]:
    """What was installed, but for what tells about the installation or was compiled by it."""
    about = {"RECORD", "INSTALLER", "REQUESTED", ".lock"}
    every = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in every if path.name not in about and path.suffix != ".pyc"]


def _packages(archive: Path) -> frozenset[str]:
    """The modules and packages at the top of an archive."""
    with zipfile.ZipFile(archive) as packed:
        tops = {name.split("/")[1] for name in packed.namelist() if name.startswith("python/")}
    return frozenset(top.partition(".")[0] for top in tops)


def _digest_in(archive: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            return packed.read(MARK).decode("ascii")
    except (KeyError, zipfile.BadZipFile, UnicodeDecodeError):
        return None


def _missing(environments: Iterable[Environment]) -> Iterator[tuple[str, Pins]]:
    """What is declared, each pins once, whose archives are not both there."""
    seen: dict[str, Mapping[str, Finding]] = {}
    for declared, pins, wanted in pinned_functions(environments):
        folder = reward_libraries(pins.digest)
        if pins.digest not in seen and not ((folder / DEPLOYED).is_file() and (folder / HERE).is_file()):
            yield declared, pins
        seen[pins.digest] = wanted


def main() -> int:
    """Make what is missing for the checkout in the working directory; 1 with a message when it cannot be made."""
    try:
        environments = load_environments(Path.cwd() / "environments")
        for declared, pins in _missing(environments):
            sys.stdout.write(f"Installing the libraries of {declared}\n")
            if why := make(pins, reward_libraries(pins.digest)):
                sys.stderr.write(f"warning: {why}\n  {declared} can be deployed, and not be rehearsed here\n")
        require_libraries(environments)
    except NovalineError as problem:
        for finding in problem.findings:
            place = f"{finding.place}: " if finding.place else ""
            sys.stderr.write(f"error: {place}{finding.message}\n" + (f"  {finding.hint}\n" if finding.hint else ""))
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
