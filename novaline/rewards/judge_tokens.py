"""How many tokens a judge reads and writes for one sample, estimated from its rubric and the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from novaline.rewards.judging.models import routes
from novaline.rewards.judging.question import Case, Grading, Marks, converse_request
from novaline.rewards.kinds import KINDS
from novaline.rewards.library import judge
from novaline.rewards.options import read_options
from novaline.rewards.sizing import Tokens

CHARACTERS_PER_TOKEN = 4
"""Of English text; no tokenizer of Nova's is public."""


@dataclass(frozen=True, slots=True)
class Question:
    """What one sample puts before the judge."""

    task: str
    answer: str
    reference: object


def judges_in(function: str, options: Mapping[str, object]) -> list[judge.Options]:
    """The options of every judge that a declared reward asks, in any depth of a composition."""
    return [found for each in _judges(function, options) if (found := read_options(judge.Options, each)[0]) is not None]


def tokens_of(options: judge.Options, questions: Sequence[Question]) -> Tokens:
    """The tokens of one verdict: what is read on average, what is written at most."""
    grading = Grading(
        model=options.model,
        rubric=options.rubric,
        lowest=options.scale[0],
        highest=options.scale[1],
        max_tokens=options.max_tokens,
        temperature=float(options.temperature),
        most_characters=options.most_characters,
    )
    marks = Marks.fresh()
    cases = [Case(each.task, each.answer, each.reference if options.reference else None) for each in questions]
    read = fmean(_characters(converse_request(case, grading, marks)) for case in cases) / CHARACTERS_PER_TOKEN
    return Tokens(read=read, written=options.max_tokens)


def model_name(model: str) -> str:
    """The model as the price book calls it: `nova-pro` for `us.amazon.nova-pro-v1:0`."""
    name = routes(model)[0].partition(".")[2].partition(":")[0]
    base, _, version = name.rpartition("-v")
    return base if base and version.isdigit() else name


def _characters(request: Mapping[str, object]) -> int:
    """The texts of a request; its form is not counted."""
    return sum(len(text) for text in _texts([request.get("system"), request.get("messages")]))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from [value["text"]] if isinstance(value.get("text"), str) else []
        for name, one in value.items():
            yield from _texts(one) if name != "text" else ()
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _judges(function: str, options: object) -> Iterator[Mapping[str, object]]:
    if not isinstance(options, Mapping):
        return
    if function == "judge":
        yield options
    elif function in KINDS:
        for one in options.values():
            yield from _within(one)


def _within(value: object) -> Iterator[Mapping[str, object]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("function"), str):
            yield from _judges(value["function"], value.get("options"))
        else:
            for one in value.values():
                yield from _within(one)
