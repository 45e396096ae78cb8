"""1 when the answer is JSON that fits a schema, and agrees with the reference as far as is asked for; else 0.

`compare: equal` asks for the reference itself, `fields` gives the share of fields that are right, `none` looks at the
schema only. Compared as JSON: order of members, space and 5 against 5.0 do not matter; true is not 1. A field is what
is no object and no list itself; fields beyond those of the reference count as wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from novaline.rewards.contract import Reward, Rollout, Score, Unscorable
from novaline.rewards.library.json_schema import read_schema
from novaline.rewards.library.json_text import NoJson, json_in, parsed
from novaline.rewards.library.json_values import same
from novaline.rewards.library.references import part_of
from novaline.rewards.options import OptionProblem, below


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set on a JSON answer."""

    schema: Mapping[str, object] | None = field(
        default=None, metadata={"doc": "a JSON Schema that the answer must fit; an unknown keyword is refused"}
    )
    compare: Literal["equal", "fields", "none"] = field(
        default="equal", metadata={"doc": "equal to the reference, the share of its fields that are right, or neither"}
    )
    place: Literal["alone", "fence", "anywhere"] = field(
        default="fence",
        metadata={
            "doc": "where the JSON stands: it is the answer; or in its one code fence or answer tags; or anywhere"
        },
    )
    reference_field: str = field(
        default="", metadata={"doc": "the field of the reference to compare with; without it, all of the reference"}
    )

    def problems(self) -> Iterable[OptionProblem]:
        """A schema that cannot be kept, or nothing to keep."""
        if self.schema is not None:
            for problem in read_schema(self.schema).problems:
                yield below("schema", problem)
        elif self.compare == "none":
            yield OptionProblem("", "ask for nothing", "give a schema, or compare with the reference")


def reward(options: Options) -> Reward:
    """See the module. The measures are `parsed` (the answer is JSON) and `valid` (it fits the schema)."""
    schema = None if options.schema is None else read_schema(options.schema)

    def score(rollout: Rollout) -> Score:
        expected = None if options.compare == "none" else _expected(rollout, options.reference_field)
        try:
            found = json_in(rollout.answer, options.place)
        except NoJson:
            return Score(0.0, {"parsed": 0.0, "valid": 0.0})
        valid = schema is None or schema.fits(found)
        if not valid:
            agreed = 0.0
        elif options.compare == "none":
            agreed = 1.0
        else:
            agreed = float(same(found, expected)) if options.compare == "equal" else _share(found, expected)
        return Score(agreed, {"parsed": 1.0, "valid": float(valid)})

    return score


def _expected(rollout: Rollout, field: str) -> object:
    """The reference as JSON; one that is text is read as JSON when it is that."""
    reference = part_of(rollout, field)
    if not isinstance(reference, str):
        return reference
    try:
        return parsed(reference)
    except NoJson:
        return reference


def _share(found: object, expected: object) -> float:
    """The share of fields in either that both have with the same value."""
    right, here = dict(_fields(expected, ())), dict(_fields(found, ()))
    if not right:
        raise Unscorable("the reference has no fields")
    agreed = sum(1 for path, value in right.items() if path in here and same(here[path], value))
    return agreed / len(right.keys() | here.keys())


def _fields(value: object, path: tuple[object, ...]) -> Iterator[tuple[tuple[object, ...], object]]:
    """Everything that is no object and no list, or an empty one, by its place."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not inside or not value:
        yield path, value
    for name, one in inside:
        yield from _fields(one, (*path, name))
