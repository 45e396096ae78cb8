"""The kinds of reward that the library has, by the names that an environment uses."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from novaline.rewards.contract import Reward
from novaline.rewards.options import Option, OptionProblem, WrongOptions, described, read_options


@dataclass(frozen=True, slots=True)
class Kind:
    """One reward of the library. Its `module` holds the dataclass `Options` and `reward(options) -> Reward`."""

    name: str
    module: str
    summary: str
    needs_reference: bool = True
    calls_model: bool = False


class UnknownKind(ValueError):
    """The library has no such reward; the message names the nearest."""


_ALL: Final = (
    Kind("classification", "classification", "1 when the answer settles on the reference's label"),
    Kind("exact-match", "exact_match", "1 when the answer is the reference, character for character"),
    Kind("quasi-exact-match", "quasi_exact_match", "as exact-match, without case, punctuation, articles, extra spaces"),
    Kind("number", "number", "1 when the answer's number is the reference's: 5 = 5.0, 1,000 = 1e3, units, tolerance"),
    Kind("json", "json_answer", "1 when the answer is JSON that fits a schema, or agrees with the reference"),
    Kind("function-call", "function_call", "1 when exactly the right tools are called, with the right arguments"),
    Kind("pattern", "pattern", "1 when a regular expression matches the answer", needs_reference=False),
    Kind("token-f1", "token_f1", "F1 of the words that answer and reference share"),
    Kind("rouge-l", "rouge_l", "F-measure of the longest common subsequence of words"),
    Kind("length", "length", "1 within a band of lengths, falling to 0 outside", needs_reference=False),
    Kind("format", "answer_format", "the share of rules of form that the answer keeps", needs_reference=False),
    Kind("weighted", "weighted", "several rewards, as a weighted sum, a product or the least", needs_reference=False),
    Kind("judge", "judge", "a model's verdict by a rubric", needs_reference=False, calls_model=True),
)
KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in _ALL}


def build(name: str, options: Mapping[str, object]) -> Reward:
    """The reward of that kind with these options. Raises UnknownKind and WrongOptions."""
    module = _module(name)
    read, problems = read_options(module.Options, options)
    if problems:
        raise WrongOptions(problems)
    return cast("Reward", module.reward(read))


def check_options(name: str, options: object) -> list[OptionProblem]:
    """Everything that is wrong with the options; empty when `build` would take them. Raises UnknownKind."""
    return read_options(_module(name).Options, options)[1]


def options_of(name: str) -> list[Option]:
    """What can be set on a reward of that kind. Raises UnknownKind."""
    return described(_module(name).Options)


def kind_named(name: str) -> Kind:
    """The kind of that name. Raises UnknownKind."""
    if name not in KINDS:
        import difflib  # noqa: PLC0415  # only a mistake needs it, and a cold start does not

        near = difflib.get_close_matches(name, KINDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(KINDS)}, or your own file:function"
        raise UnknownKind(f"{name!r} is no reward of the library: {hint}")
    return KINDS[name]


def _module(name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a module of the library: Options and reward
    return importlib.import_module(f"novaline.rewards.library.{kind_named(name).module}")
