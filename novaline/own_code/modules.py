"""What a file of one's own imports: modules beside it, which come along, and libraries, which must be there."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from novaline.findings import Finding, NovalineError
from novaline.own_code.source import Source, read_source

_OURS: Final = frozenset({"novaline", "nova_reward", "nova_processor"})
_IN_LAMBDA: Final = frozenset({"boto3", "botocore"})  # part of Lambda's Python; which version is AWS's to say
_CORE: Final = ("contract", "library", "options")
_MOST_FILES: Final = 200


@dataclass(slots=True)
class Modules:
    """The files that are bundled, by their place in the function's asset, and the libraries that they import."""

    files: dict[str, str] = field(default_factory=dict)
    """Place in the asset → text."""
    libraries: dict[str, Finding] = field(default_factory=dict)
    """Library → the finding to report where nothing brings it."""
    findings: list[Finding] = field(default_factory=list)


def modules_of(main: Source, folder: Path) -> Modules:
    """Everything that `main`, a file of `folder`, imports from its folder, directly or not. Raises nothing."""
    found = Modules()
    waiting = [(Path(Path(main.file).name), main)]
    _own_name(Path(main.file).stem, main, ast.Module([], []), found)
    while waiting:
        place, source = waiting.pop()
        found.files[place.as_posix()] = source.text
        for module, node, forgiven in _imports(source, found):
            for path in _beside(folder, module) or ():
                inside = path.relative_to(folder)
                if inside.as_posix() in found.files or any(inside == other for other, _ in waiting):
                    continue
                _own_name(module.partition(".")[0], source, node, found)
                if len(found.files) + len(waiting) >= _MOST_FILES:
                    message = f"the modules beside the file are more than {_MOST_FILES}"
                    found.findings.append(source.finding("own-module", message, node))
                    return found
                try:
                    waiting.append((inside, read_source(path)))
                except NovalineError as problem:
                    found.findings += problem.findings
                    found.files[inside.as_posix()] = ""
            if not forgiven and not _beside(folder, module):
                _elsewhere(module, source, node, found)
    return found


def _own_name(name: str, source: Source, node: ast.AST, found: Modules) -> None:
    """The asset comes first on the path: a module of ours, or of Python's, would be hidden by one of its name."""
    taken = "of Python's own" if name in sys.stdlib_module_names else "of Novaline's" if name in _OURS else None
    taken = "that Lambda brings" if name in _IN_LAMBDA else taken
    if taken is not None:
        message = f"a file named {name}.py would hide the module {name} {taken}"
        found.findings.append(source.finding("own-module", message, node, hint="give the file another name"))


def _beside(folder: Path, module: str) -> list[Path] | None:
    """The files of a module or package in the folder; None when there is none of that name."""
    head = module.partition(".")[0]
    package = folder / head
    if (package / "__init__.py").is_file():
        return sorted(path for path in package.rglob("*.py") if path.is_file())
    path = folder / f"{head}.py"
    return [path] if path.is_file() else None


def _elsewhere(module: str, source: Source, node: ast.AST, found: Modules) -> None:
    """A module that is not in the folder: Python's, Lambda's, Novaline's core, or a library."""
    head, *rest = module.split(".")
    if head in sys.stdlib_module_names or head in _IN_LAMBDA:
        return
    if head == "novaline":
        if rest[:1] == ["rewards"] and (len(rest) == 1 or rest[1] in _CORE or rest[1][:1].isupper()):
            return
        message = f"{module} is not part of the function: of Novaline it has novaline.rewards alone"
        hint = "import Rollout, Score, ToolCall and Unscorable from novaline.rewards"
        found.findings.append(source.finding("own-import", message, node, hint=hint))
        return
    message = f"{head} is neither beside {Path(source.file).name} nor part of Python"
    hint = "pin it in a file, and name that as `requirements` of the reward; or is the name misspelt?"
    found.libraries.setdefault(head, source.finding("own-import", message, node, hint=hint))


def _imports(source: Source, found: Modules) -> Iterator[tuple[str, ast.AST, bool]]:
    """The modules that a file imports, wherever it does so when it runs; and whether it can do without one."""
    for node, forgiven in _running(source.tree):
        if isinstance(node, ast.Import):
            yield from ((each.name, node, forgiven) for each in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            names = [f"novaline.{each.name}" for each in node.names] if module == "novaline" else [module]
            yield from ((name, node, forgiven) for name in names)
        elif isinstance(node, ast.ImportFrom) and not (Path(source.file).parent / "__init__.py").is_file():
            message = "a relative import needs a package around the file, and it stands alone in the function"
            hint = f"write `import {node.module or node.names[0].name}`: the file's folder is on the path"
            found.findings.append(source.finding("own-import", message, node, hint=hint))


def _running(node: ast.AST, *, forgiven: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Every node but those for type checkers; and whether the want of a module is taken there."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(child, ast.Try) and any(_forgives(handler) for handler in child.handlers):
            for each in child.body:
                yield each, True
                yield from _running(each, forgiven=True)
            for part in (*child.handlers, *child.orelse, *child.finalbody):
                yield from _running(part, forgiven=forgiven)
            continue
        yield child, forgiven
        yield from _running(child, forgiven=forgiven)


def _forgives(handler: ast.ExceptHandler) -> bool:
    """Whether a handler takes the want of a module."""
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(ast.unparse(kind) in ("ImportError", "ModuleNotFoundError", "Exception") for kind in kinds)
