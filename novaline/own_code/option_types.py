"""Whether an option's value is of the type that a function's definition names. Read, never executed.

Values come from YAML or JSON: texts, numbers, true and false, nothing, lists and mappings. A list is taken for a tuple,
since neither has one. Types that only their own module knows are not judged.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Final

_PLAIN: Final[Mapping[str, Callable[[object], bool]]] = {
    "str": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "None": lambda value: value is None,
    **dict.fromkeys(("dict", "Dict", "Mapping"), lambda value: isinstance(value, Mapping)),
    **dict.fromkeys(
        ("list", "List", "tuple", "Tuple", "Sequence", "Collection", "Iterable"),
        lambda value: isinstance(value, list | tuple),
    ),
}


def fits(value: object, annotation: ast.expr) -> bool:
    """Whether the value is of that type, as far as the annotation tells; True where it does not."""
    match annotation:
        case ast.Constant(value=str() as text):
            try:
                return fits(value, ast.parse(text, mode="eval").body)
            except SyntaxError:
                return True
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return fits(value, left) or fits(value, right)
        case ast.Subscript(value=of, slice=inner):
            return _fits_generic(value, _last(of), inner.elts if isinstance(inner, ast.Tuple) else [inner])
        case _:
            name = _last(annotation)
            return name not in _PLAIN or _PLAIN[name](value)


def _fits_generic(value: object, of: str, inner: Sequence[ast.expr]) -> bool:
    """Of `list[str]`, `dict[str, float]`, `Literal["a", "b"]`: the outer type, and what is in it."""
    if of in ("Union", "Optional"):
        return any(fits(value, each) for each in inner) or (of == "Optional" and value is None)
    if of == "Literal":
        known = [each.value for each in inner if isinstance(each, ast.Constant)]
        return len(known) < len(inner) or any(value == each and type(value) is type(each) for each in known)
    if of not in _PLAIN:
        return True
    return _PLAIN[of](value) and all(fits(each, of_type) for each, of_type in _parts(value, of, inner))


def _parts(value: object, of: str, inner: Sequence[ast.expr]) -> list[tuple[object, ast.expr]]:
    """What is in a value, each with the type that it should be of."""
    if isinstance(value, Mapping):
        return [(each, inner[-1]) for each in value.values()]
    assert isinstance(value, list | tuple), "a plain type takes no others in brackets"
    if of not in ("tuple", "Tuple") or (len(inner) > 1 and _last(inner[1]) == "..."):
        return [(each, inner[0]) for each in value]
    never = ast.Name("None")  # of a tuple with too few or too many, which no value in it can mend
    return list(zip(value, inner, strict=True)) if len(value) == len(inner) else [("", never)]


def _last(node: ast.expr) -> str:
    """`Sequence` of `collections.abc.Sequence`."""
    text = ast.unparse(node)
    return text if text == "..." else text.rpartition(".")[2]
