"""A function of one's own as an environment declares it: `rewards/tone.py:score`."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from novaline.findings import Finding, NovalineError, nearest
from novaline.own_code.modules import modules_of
from novaline.own_code.option_types import fits
from novaline.own_code.signature import Signature, signature
from novaline.own_code.source import read_source

_FORM: Final = "rewards/tone.py:score, a file seen from the folder that holds environments/, and a function in it"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFunction:
    """A function that keeps the contract, and the files that come along with it.

    `files` are texts by their place in the function's asset, where the file's folder is at the top: so that `reference`
    (`tone:score`) can be imported there. `libraries` are what they import from elsewhere, each with the finding to
    report where no requirement brings it.
    """

    reference: str
    takes: Signature
    files: Mapping[str, str]
    libraries: Mapping[str, Finding]

    def refused_options(self, options: Mapping[str, object]) -> list[tuple[str, str, str]]:
        """What is wrong with the options: (option, message, hint)."""
        return refused_options(self.reference, self.takes, options)


def refused_options(reference: str, takes: Signature, options: Mapping[str, object]) -> list[tuple[str, str, str]]:
    """Options that a function does not take, needs, or takes of another type: (option, message, hint)."""
    found = []
    known = takes.required | takes.optional
    for name, value in options.items():
        if name not in known and not takes.any_option:
            close = nearest(name, known)
            hint = f"did you mean {close}?" if close else f"it takes: {', '.join(sorted(known)) or 'none'}"
            found.append((name, f"{reference} takes no option {name!r}", hint))
        elif name in takes.types and not fits(value, takes.types[name]):
            wanted = ast.unparse(takes.types[name])
            message = f"the option {name!r} of {reference} is {value!r}, expected {wanted}"
            hint = (
                "a list is written [first, second]" if isinstance(value, str) and "[" in wanted else "give such a value"
            )
            found.append((name, message, hint))
    for name in sorted(takes.required - options.keys()):
        found.append((name, f"{reference} needs the option {name!r}", f"write `options: {{{name}: …}}`"))
    return found


class WrongReference(ValueError):
    """What is declared names no file and function; the message says what was found, `hint` what to write."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def own_function(root: Path, declared: str) -> OwnFunction:
    """The function that `declared` names, seen from `root`; nothing of it is executed.

    Raises WrongReference (the declaration is wrong) and NovalineError (the file is), with everything that was found.
    """
    path, name = _place(root, declared)
    source = read_source(path)
    findings: list[Finding] = []
    takes = None
    try:
        takes = signature(source, name)
    except NovalineError as problem:
        findings += problem.findings
    modules = modules_of(source, path.parent)
    findings += modules.findings
    if findings or takes is None:
        raise NovalineError(sorted(findings, key=lambda finding: (finding.file != source.file, finding.line or 0)))
    return OwnFunction(reference=f"{path.stem}:{name}", takes=takes, files=modules.files, libraries=modules.libraries)


def together(functions: Iterable[OwnFunction]) -> dict[str, str]:
    """The files of functions that share an asset. Raises WrongReference when two bring different files of one name."""
    files: dict[str, str] = {}
    for function in functions:
        for place, text in function.files.items():
            if files.setdefault(place, text) != text:
                message = f"{function.reference} and another function bring different files named {place}"
                raise WrongReference(message, hint="rename one of them, or keep both functions in one folder")
    return files


def _place(root: Path, declared: str) -> tuple[Path, str]:
    """The file and the name of the function. Raises WrongReference."""
    file, colon, name = declared.rpartition(":")
    if not colon or not file.endswith(".py") or not name.isidentifier():
        raise WrongReference(f"{declared!r} is no file and function", hint=f"write it like {_FORM}")
    inside = PurePosixPath(file)
    if inside.is_absolute() or ".." in inside.parts or "\\" in file:
        raise WrongReference(f"{file} lies outside the folder that holds environments/", hint=f"write it like {_FORM}")
    path = root.joinpath(*inside.parts)
    if not inside.stem.isidentifier():
        raise WrongReference(
            f"a file named {inside.name} cannot be imported", hint="name it in letters, digits and _: tone.py"
        )
    if not path.is_file():
        beside = sorted(each.name for each in path.parent.glob("*.py")) if path.parent.is_dir() else []
        close = nearest(path.name, beside)
        where = f"it is looked for in {root.resolve()}"
        raise WrongReference(
            f"there is no file {file}", hint=f"did you mean {inside.with_name(close)}?" if close else where
        )
    if not path.resolve().is_relative_to(root.resolve()):
        raise WrongReference(f"{file} leads outside the folder that holds environments/", hint="copy the file there")
    return path, name
