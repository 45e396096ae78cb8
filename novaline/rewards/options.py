"""Options of a reward, read from what people write: every mistake is found, with its path.

A reward's options are a frozen dataclass; a field's type says what is taken, its metadata ``{"doc": …}`` what it
means. What types cannot say, a method ``problems()`` does, once the types are right.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

T = TypeVar("T")
_WORDS: Final = {str: "text", bool: "true or false", int: "a whole number", float: "a number", object: "anything"}


@dataclass(frozen=True, slots=True)
class OptionProblem:
    """One mistake in the options of a reward."""

    path: str
    """Where, seen from the options: `labels[2]`, `rewards.tone.options.words`; empty for the options as a whole."""
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"options.{self.path}" if self.path else "options"
        return f"{place}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class WrongOptions(ValueError):
    """The options do not fit the reward; `problems` holds everything that is wrong with them."""

    def __init__(self, problems: Sequence[OptionProblem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Option:
    """One option, described for people."""

    name: str
    takes: str
    default: object
    required: bool
    doc: str


def described(options_class: type) -> list[Option]:
    """What can be set, in the order of the dataclass."""
    hints = typing.get_type_hints(options_class)
    return [
        Option(
            name=one.name,
            takes=_expected(hints[one.name]),
            default=None if _required(one) else _default(one),
            required=_required(one),
            doc=str(one.metadata.get("doc", "")),
        )
        for one in dataclasses.fields(options_class)
    ]


def read_options(options_class: type[T], given: object) -> tuple[T | None, list[OptionProblem]]:
    """The options in what was given, or None and what is wrong with it."""
    if not isinstance(given, Mapping):
        return None, [OptionProblem("", f"options are a mapping of names to values, not {_found(given)}")]
    hints = typing.get_type_hints(options_class)
    known = {one.name: one for one in dataclasses.fields(options_class)}  # type: ignore[arg-type]  # a dataclass
    problems = [_unknown(name, known) for name in given if name not in known]
    values: dict[str, Any] = {}
    for name, one in known.items():
        if name not in given:
            if _required(one):
                problems.append(OptionProblem(name, "is missing", f"give {_expected(hints[name])}"))
            continue
        found, value = _read(hints[name], given[name], name)
        problems += found
        values[name] = value
    if problems:
        return None, problems
    options = options_class(**values)
    check = getattr(options, "problems", None)
    problems = list(check()) if check is not None else []
    return (None, problems) if problems else (options, [])


def _unknown(name: object, known: Mapping[str, object]) -> OptionProblem:
    import difflib  # noqa: PLC0415  # only a mistake needs it, and a cold start does not

    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}" if known else "it takes none"
    return OptionProblem(str(name), "is no option of this reward", hint)


def _required(one: dataclasses.Field[Any]) -> bool:
    return one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING


def _default(one: dataclasses.Field[Any]) -> object:
    return one.default_factory() if one.default_factory is not dataclasses.MISSING else one.default


_Read = tuple[list[OptionProblem], object]
"""The problems of one value, and the value as the options hold it."""


def _read(wanted: Any, given: object, path: str) -> _Read:  # noqa: ANN401  # a type hint
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        return _read_one_of(arguments, wanted, given, path)
    if origin is tuple and isinstance(given, list | tuple):
        return _all(((f"{path}[{at}]", arguments[0], one) for at, one in enumerate(given)), tuple)
    if isinstance(origin, type) and issubclass(origin, Mapping) and _named_values(given):
        values = typing.cast("Mapping[str, object]", given)
        problems, read = _all(((f"{path}.{name}", arguments[1], one) for name, one in values.items()), list)
        return problems, dict(zip(values, typing.cast("list[object]", read), strict=True))
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        options, problems = read_options(wanted, given)
        return [below(path, problem) for problem in problems], options
    fits = any(given == one and type(given) is type(one) for one in arguments) if origin is typing.Literal else None
    if fits is None:
        fits = origin is None and _fits(wanted, given)
    return ([], given) if fits else ([_mismatch(wanted, given, path)], None)


def _read_one_of(choices: Sequence[Any], wanted: Any, given: object, path: str) -> _Read:  # noqa: ANN401  # a type hint
    """The value as the first type that takes it; else what is wrong deeper inside, when it is of the right kind."""
    attempts = [_read(one, given, path) for one in choices]
    fitting = [attempt for attempt in attempts if not attempt[0]]
    deeper = [attempt for attempt in attempts if any(problem.path != path for problem in attempt[0])]
    return (fitting or deeper or [([_mismatch(wanted, given, path)], None)])[0]


def _named_values(given: object) -> bool:
    return isinstance(given, Mapping) and all(isinstance(name, str) for name in given)


def below(path: str, problem: OptionProblem) -> OptionProblem:
    """The same problem, seen from what holds these options under `path`."""
    joint = "." if problem.path and not problem.path.startswith("[") else ""
    return dataclasses.replace(problem, path=f"{path}{joint}{problem.path}")


def _all(items: Iterator[tuple[str, Any, object]], gathered: type[list[object]] | type[tuple[object, ...]]) -> _Read:
    read = [_read(wanted, one, path) for path, wanted, one in items]
    return [problem for problems, _ in read for problem in problems], gathered(value for _, value in read)


def _fits(wanted: object, given: object) -> bool:
    if wanted is object:
        return True
    if wanted is type(None):
        return given is None
    if wanted is float:
        return not isinstance(given, bool) and isinstance(given, int | float) and math.isfinite(given)
    return type(given) is wanted


def _mismatch(wanted: object, given: object, path: str) -> OptionProblem:
    return OptionProblem(path, f"is {_found(given)}, expected {_expected(wanted)}")


def _found(given: object) -> str:
    if given is None:
        return "empty"
    if isinstance(given, str):
        return repr(given if len(given) <= 60 else given[:57] + "...")
    if isinstance(given, bool):
        return str(given).lower()
    return "a list" if isinstance(given, list | tuple) else "a mapping" if isinstance(given, Mapping) else repr(given)


def _expected(wanted: Any) -> str:  # noqa: ANN401  # a type hint
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_expected(one) for one in arguments if one is not type(None))
    if origin is typing.Literal:
        return " or ".join(str(one) for one in arguments)
    if origin is tuple:
        return f"a list ({_expected(arguments[0])} each)"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a mapping (of names to: {_expected(arguments[1])})"
    return _WORDS.get(wanted, "a mapping")
