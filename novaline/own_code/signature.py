"""Whether a function keeps the contract of a reward, read off its definition: `Rollout -> float | Score`."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from novaline.findings import Finding, NovalineError, nearest
from novaline.own_code.source import Source

_HOMES: Final = ("novaline.rewards", "novaline.rewards.contract")
_ROLLOUT: Final = frozenset(f"{home}.Rollout" for home in _HOMES)
_SCORE: Final = frozenset(f"{home}.Score" for home in _HOMES)
_ANSWERS: Final = _SCORE | {"float", "int"}
_FORM: Final = "def {name}(rollout: Rollout, …options) -> float | Score"
_IMPORT: Final = "from novaline.rewards import Rollout, Score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a function takes beside the rollout: options by name. `any_option` when it has `**options`.

    `types` has the annotations of those that have one.
    """

    required: frozenset[str]
    optional: frozenset[str]
    any_option: bool
    types: Mapping[str, ast.expr] = field(default_factory=dict)


def signature(source: Source, name: str) -> Signature:
    """The signature of the function `name`. Raises NovalineError with everything that breaks the contract."""
    function = _definition(source, name)
    findings = [*_kind(source, function), *_parameters(source, function), *_answer(source, function)]
    if findings:
        raise NovalineError(findings)
    taken = function.args
    positional = [*taken.posonlyargs, *taken.args][1:]
    named = [each.arg for each in positional]
    defaults = frozenset(named[len(named) - len(taken.defaults) :]) if taken.defaults else frozenset()
    given = frozenset(each.arg for each, default in zip(taken.kwonlyargs, taken.kw_defaults, strict=True) if default)
    every = frozenset(named) | {each.arg for each in taken.kwonlyargs}
    optional = (defaults & every) | given
    types = {each.arg: each.annotation for each in [*positional, *taken.kwonlyargs] if each.annotation is not None}
    return Signature(required=every - optional, optional=optional, any_option=taken.kwarg is not None, types=types)


def _definition(source: Source, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef:
    """The last definition at the top of the file, which is the one that Python keeps."""
    functions = {
        node.name: node for node in source.tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    if name in functions:
        return functions[name]
    assigned = next((node for node in source.tree.body if name in _names(node)), None)
    if assigned is not None:
        message = f"{name} is not defined by `def`, so that nobody can tell what it takes and answers"
        found = source.finding("own-function", message, assigned, hint=f"write {_FORM.format(name=name)}")
        raise NovalineError([found])
    close = nearest(name, functions)
    known = ", ".join(functions) or "none"
    hint = f"did you mean {close!r}?" if close else f"functions at the top of the file: {known}"
    message = f"the file defines no function {name}"
    raise NovalineError([source.finding("own-function", message, ast.Module([], []), hint=hint)])


def _names(node: ast.stmt) -> set[str]:
    """The names that a statement binds: by assignment, import or a class."""
    match node:
        case ast.Assign(targets=targets):
            return {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {(each.asname or each.name).partition(".")[0] for each in names}
        case _:
            return set()


def _kind(source: Source, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Finding]:
    if isinstance(function, ast.AsyncFunctionDef):
        message = f"{function.name} is an async function; a reward is an ordinary one"
        yield source.finding("own-function", message, function, hint="write `def`, and wait inside")
    for node in _within(function):
        if isinstance(node, ast.Yield | ast.YieldFrom):
            message = f"{function.name} yields; a reward returns one score for one rollout"
            yield source.finding("own-function", message, node, hint="write `return`")
            break


def _within(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function's own body, without those of functions in it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield node
            yield from _within(node)


def _parameters(source: Source, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Finding]:
    taken = function.args
    positional = [*taken.posonlyargs, *taken.args]
    hint = f"write {_FORM.format(name=function.name)}, with {_IMPORT}"
    if not positional:
        message = f"{function.name} takes no rollout: its first parameter is what is scored"
        yield source.finding("own-parameter", message, function, hint=hint)
        return
    first = positional[0]
    if first.annotation is None:
        message = f"the first parameter, {first.arg}, has no type: it is the rollout that is scored"
        yield source.finding("own-parameter", message, first, hint=f"write {first.arg}: Rollout, with {_IMPORT}")
    elif {name for name, _ in _union(first.annotation, _imported(source.tree))} - _ROLLOUT:
        message = f"the first parameter, {first.arg}, is {ast.unparse(first.annotation)}, not Rollout"
        yield source.finding("own-parameter", message, first.annotation, hint=hint)
    for each in taken.posonlyargs[1:]:
        message = f"{each.arg} can be given by position only, and options are given by name"
        yield source.finding("own-parameter", message, each, hint="move the `/` in front of it")
    if taken.vararg is not None:
        message = f"*{taken.vararg.arg} takes what is never given: the rollout comes alone, options by name"
        yield source.finding("own-parameter", message, taken.vararg, hint="name the options, or take **options")


def _answer(source: Source, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Finding]:
    hint = "write `-> float`, `-> Score` or `-> float | Score`"
    if function.returns is None:
        message = f"{function.name} does not say what it answers"
        yield source.finding("own-answer", message, function, hint=hint)
        return
    for name, node in _union(function.returns, _imported(source.tree)):
        if name in _ANSWERS:
            continue
        if name == "None":
            hint = "for a rollout that cannot be scored, raise Unscorable: it gets the declared fallback"
        elif name == "bool":
            hint = "true and false are no scores: write float(…), and `-> float`"
        message = f"{function.name} answers {ast.unparse(node)}, and a reward is a float or a Score"
        yield source.finding("own-answer", message, node, hint=hint)


def _union(annotation: ast.expr, imported: Mapping[str, str]) -> Iterator[tuple[str, ast.expr]]:
    """The types of a union, each by its full name where the file's imports tell it."""
    match annotation:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _union(left, imported)
            yield from _union(right, imported)
        case ast.Constant(value=str() as text):
            try:
                inner = ast.parse(text, mode="eval").body
            except SyntaxError:
                yield text, annotation
                return
            yield from ((name, annotation) for name, _ in _union(inner, imported))
        case ast.Constant(value=None):
            yield "None", annotation
        case ast.Subscript(value=of, slice=inner) if _full(of, imported) in ("typing.Union", "typing.Optional"):
            for each in inner.elts if isinstance(inner, ast.Tuple) else [inner]:
                yield from _union(each, imported)
            if _full(of, imported) == "typing.Optional":
                yield "None", annotation
        case _:
            yield _full(annotation, imported), annotation


def _full(node: ast.expr, imported: Mapping[str, str]) -> str:
    """`Rollout` as `novaline.rewards.Rollout`, when the file imports it from there."""
    head, _, rest = ast.unparse(node).partition(".")
    return imported.get(head, head) + (f".{rest}" if rest else "")


def _imported(tree: ast.Module) -> dict[str, str]:
    """Name in the file → what it was imported as."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                head = each.name.partition(".")[0]
                found[each.asname or head] = each.name if each.asname else head
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    return found
