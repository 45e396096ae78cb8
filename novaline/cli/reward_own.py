"""What the commands for rewards do about a function of one's own: its definition, its libraries, what it prints."""

from __future__ import annotations

import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from novaline.findings import Finding, NovalineError

if TYPE_CHECKING:
    from novaline.cli.reward_named import Named
    from novaline.own_code.signature import Signature

MAKE_LIBRARIES: Final = f"{Path(sys.executable).name} -m novaline.reward_libraries"
_unpacked: dict[Path, tempfile.TemporaryDirectory[str]] = {}
"""Libraries that were put on the path; the folders go when this process does."""


def check_own_options(found: Named) -> None:
    """Raises NovalineError for options of another type than the function's definition says.

    A text where a list is expected would be taken letter by letter, and score all the same.
    """
    from novaline.own_code.option_types import fits  # noqa: PLC0415  # only for a function of one's own

    takes = _signature(found)
    findings = []
    for name, value in found.spec.options.items():
        if takes is None or name not in takes.types or fits(value, takes.types[name]):
            continue
        from ast import unparse  # noqa: PLC0415  # likewise

        message = f"{found.spec.function}: the option `{name}` is {value!r}, expected {unparse(takes.types[name])}"
        hint = f"""as JSON: --options '{name}=["a", "b"]'""" if isinstance(value, str) else "give such a value"
        findings.append(Finding(code="wrong-options", severity="error", message=message, hint=hint))
    if findings:
        raise NovalineError(findings)


def warnings_of(found: Named) -> list[Finding]:
    """What an environment would refuse in the file although it works here: a missing type, for one. As warnings."""
    if found.environment is not None or not _in_a_file(found):  # an environment's was checked when that was read
        return []
    try:
        _read_signature(found)
    except NovalineError as problem:
        hint = "an environment that declares it is refused"
        return [
            replace(finding, severity="warning", hint=f"{finding.hint}; {hint}" if finding.hint else hint)
            for finding in problem.findings
        ]
    return []


@contextmanager
def its_words_aside() -> Iterator[None]:
    """What one's own code prints goes to stderr: stdout is for the result, and may be a JSON document."""
    with redirect_stdout(sys.stderr):
        yield


def use_libraries(found: Named) -> None:
    """Puts the libraries of the environment's `requirements` on the path, if they are installed for this computer.

    What is beside Novaline in its own Python comes first.
    """
    if found.settings is None or found.settings.requirements is None:
        return
    from novaline.own_code import read_pins  # noqa: PLC0415  # only for a function of one's own
    from novaline.places import reward_libraries  # noqa: PLC0415  # likewise
    from novaline.reward_libraries import HERE  # noqa: PLC0415  # likewise

    archive = reward_libraries(read_pins(found.root / found.settings.requirements).digest) / HERE
    if archive in _unpacked or not archive.is_file():
        return
    folder = _unpacked[archive] = tempfile.TemporaryDirectory(prefix="novaline-reward-libraries-")
    with zipfile.ZipFile(archive) as packed:  # made here by `novaline.reward_libraries`
        packed.extractall(folder.name)
    sys.path.append(str(Path(folder.name) / "python"))


def _in_a_file(found: Named) -> bool:
    return found.spec.own and found.spec.function.rpartition(":")[0].endswith(".py")


def _signature(found: Named) -> Signature | None:
    if not _in_a_file(found):
        return None
    try:
        return _read_signature(found)
    except NovalineError:
        return None  # loading it says what is wrong, or `warnings_of`


def _read_signature(found: Named) -> Signature:
    from novaline.own_code.signature import signature  # noqa: PLC0415  # likewise
    from novaline.own_code.source import read_source  # noqa: PLC0415  # likewise

    place, _, name = found.spec.function.rpartition(":")
    return signature(read_source(found.root / place), name)
