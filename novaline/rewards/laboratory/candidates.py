"""Answers whose worth is known: the reference in several forms, and answers that are worse than it.

A model may say the right thing in many ways, and a reward wants one or several of them. So the reference is written in
each form, and the form that scores best stands for "a right answer" in everything that follows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from novaline.rewards.laboratory.rows import Row
from novaline.rewards.laboratory.samples import Answer

Maker = Callable[[int], Answer | None]
"""The answer to the row of that index; None where such an answer cannot be made of it."""

_VALUE_KEYS: Final = ("answer", "label", "class", "category", "intent", "solution", "value", "result", "text")
_SHORTEST_CUT: Final = 4
"""Half of a shorter text is no answer cut short but another one."""
_NO_TOOL: Final = "That needs no tool."
REFUSAL: Final = "I am sorry, but I cannot say that."


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a right answer: how the reference becomes text, and what stands around it."""

    name: str
    base: str
    wrap: str = "{}"
    upper: bool = False

    def of(self, reference: object) -> Answer | None:
        """The reference in this form; None where it has none."""
        found = BASES[self.base](reference)
        if found is None or found.calls:
            return found if self.wrap == "{}" and not self.upper else None
        quoted = self.wrap.startswith('{"')
        inner = json.dumps(found.text, ensure_ascii=False) if quoted else found.text
        text = self.wrap.replace("{}", inner)
        if self.upper:
            text = text.upper()
            return None if text == found.text else Answer(text)
        return Answer(text)


def _text(reference: object) -> Answer | None:
    if isinstance(reference, str):
        return Answer(reference)
    if isinstance(reference, int | float | bool):
        return Answer(json.dumps(reference))
    return None


def _value(reference: object) -> Answer | None:
    """The one value of an object that is the answer itself: `{"label": "refund", "why": …}`."""
    if not isinstance(reference, Mapping):
        return None
    for key in _VALUE_KEYS:
        if key in reference:
            return _text(reference[key])
    return _text(next(iter(reference.values()))) if len(reference) == 1 else None


def _json(reference: object) -> Answer | None:
    if isinstance(reference, Mapping | list):
        return Answer(json.dumps(reference, ensure_ascii=False))
    return None


def _calls(reference: object) -> Answer | None:
    """A reference that is a call, or several, or names them under a usual key, as calls."""
    if isinstance(reference, str) and reference.lstrip()[:1] in ("{", "["):
        try:
            reference = json.loads(reference)
        except (ValueError, RecursionError):
            return None
    if isinstance(reference, Mapping):
        for key in ("tool_calls", "calls", "function_calls"):
            if isinstance(reference.get(key), list):
                reference = reference[key]
                break
        else:
            reference = [reference]
    if not isinstance(reference, list):
        return None
    found = [call for call in map(_call, reference) if call is not None]
    return Answer("", tuple(found)) if found and len(found) == len(reference) else None


def _calls_or_words(reference: object) -> Answer | None:
    """The calls, or the words where none is asked for: rows that need a tool stand among rows that need none."""
    if isinstance(reference, list) and not reference:
        return Answer(_NO_TOOL)
    return _calls(reference) or _text(reference)


def _call(document: object) -> Mapping[str, object] | None:
    function = document.get("function", document) if isinstance(document, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        return None
    arguments = function.get("arguments", function.get("parameters", function.get("input", {})))
    return {"name": function["name"], "arguments": arguments}


BASES: Final[Mapping[str, Callable[[object], Answer | None]]] = {
    "text": _text,
    "value": _value,
    "json": _json,
    "calls": _calls_or_words,
}
"""How a reference becomes an answer."""

_NAMES: Final = {"text": "as it stands", "value": "its value alone", "json": "as JSON", "calls": "as tool calls"}
_WRAPS: Final = (
    ("with a full stop", "{}.", False),
    ("in a sentence", "The answer is {}.", False),
    ("after a word", "Answer: {}", False),
    ("in capitals", "{}", True),
    ("in bold", "**{}**", False),
    ("on a line of its own, after others", "Let me go through this step by step.\n\n{}", False),
    ("in answer tags", "<answer>{}</answer>", False),
    ("in answer tags, after thoughts", "<think>Step by step.</think>\n<answer>{}</answer>", False),
    ("in a box", "\\boxed{{}}", False),
    ("in a code block", "```\n{}\n```", False),
    ("in JSON", '{"answer": {}}', False),
)


def forms(references: Sequence[object]) -> Iterator[Form]:
    """Every form that at least one reference can be written in, the plain ones first."""
    made = {base: [write(reference) for reference in references] for base, write in BASES.items()}
    bases = [base for base in BASES if any(made[base])]
    if not any(answer is not None and answer.calls for answer in made["calls"]):
        bases = [base for base in bases if base != "calls"]
    for base in bases:
        yield Form(_NAMES[base], base)
    words = [base for base in bases if base in ("text", "value")] or [base for base in bases if base == "json"]
    for base in words[:1]:
        for name, wrap, upper in _WRAPS:
            if not (name == "in JSON" and base == "json"):
                yield Form(name, base, wrap, upper)


@dataclass(frozen=True, slots=True)
class Right:
    """Right answers to the rows, in one form, and wrong ones of the same form."""

    rows: Sequence[Row]
    form: Form

    def right(self, index: int) -> Answer | None:
        """The right answer."""
        return self.form.of(self.rows[index].reference)

    def wrong(self, index: int) -> Answer | None:
        """Another row's right answer: the next one after half of the file that is another one."""
        own, count = self.right(index), len(self.rows)
        for step in range(count):
            other = self.right((index + count // 2 + step) % count)
            if other is not None and not _same(other, own):
                return other
        return None

    def cut(self, index: int) -> Answer | None:
        """The right answer, its second half lost."""
        found = self.right(index)
        if found is None:
            return None
        if found.calls:
            return Answer("", found.calls[: len(found.calls) // 2])
        plain = Form("", self.form.base).of(self.rows[index].reference)
        if plain is None or len(plain.text) < _SHORTEST_CUT:
            return None
        return Answer(plain.text[: len(plain.text) // 2])

    def empty(self, _index: int) -> Answer | None:
        """Nothing."""
        return Answer("")

    def refusal(self, _index: int) -> Answer | None:
        """A polite sentence without an answer."""
        return Answer(REFUSAL)


def labels_of(right: Right | None) -> list[str]:
    """The different right answers in words, the commonest first; none where they are calls or JSON."""
    if right is None or right.form.base not in ("text", "value"):
        return []
    found = [Form("", right.form.base).of(row.reference) for row in right.rows]
    counted = Counter(answer.text for answer in found if answer is not None)
    return [text for text, _ in counted.most_common()]


def same_answers(right: Right) -> list[Answer]:
    """What one and the same answer to every prompt can be: the one that is right most often, or no call of a tool."""
    labels = labels_of(right)
    if labels:
        common = replace(right.form, base="text").of(labels[0])
        return [] if common is None else [common]
    if right.form.base != "calls":
        return []
    found = [answer for index in range(len(right.rows)) if (answer := right.right(index)) is not None and answer.calls]
    counted = Counter(json.dumps(answer.calls, sort_keys=True) for answer in found)
    calls = [Answer("", tuple(json.loads(text))) for text, _ in counted.most_common(1)]
    return [Answer(_NO_TOOL), *calls]


def _same(one: Answer, other: Answer | None) -> bool:
    if other is None:
        return False
    return one.text.strip().casefold() == other.text.strip().casefold() and one.calls == other.calls


WORSE: Final = (
    ("wrong", "another row's answer"),
    ("cut", "the first half of the answer"),
    ("refusal", "a sentence without an answer"),
    ("empty", "an empty answer"),
)
"""Method of `Right` → what it makes, in words: each is worse than the right answer."""
