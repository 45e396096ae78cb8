"""1 when the answer settles on the label of the reference, else 0.

The label may stand alone (`HQ`, `HQ.`), in JSON, in answer tags, in a box, behind `Answer:` or `the label is`. Case,
quotes, and the choice among space, `_` and `-` do not matter; `5` equals `5.0`.

With `labels`, the label may stand anywhere in what the answer says (`The answer is HQ, because …`), and an answer that
names several settles on none: guessing all of them earns nothing. A label that it denies (`not HQ`), or that stands in
words copied from the prompt, is not named; and reasoning may name others if the last line is the label and nothing
else. Without `labels`, what is marked last counts,
or else the last line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final

from novaline.rewards.contract import Reward, Rollout, Score, Unscorable
from novaline.rewards.library.marks import fenced, marked
from novaline.rewards.library.references import FIELD_DOC, USUAL_FIELDS, texts_of
from novaline.rewards.options import OptionProblem

_EDGES: Final = " \t\r\n\"'`*.,;:!?()[]{}<>\u201c\u201d\u2018\u2019"
_DENIALS: Final = frozenset({"not", "no", "never", "neither", "nor", "cannot", "isn't", "wasn't", "don't", "doesn't"})
_DENIES_WITHIN: Final = 2  # words before a label: `not HQ`, `not an HQ`
_VERBS: Final = frozenset({("is",), ("was",), ("does",), ("isn't",), ("wasn't",), ("isn\u2019t",)})  # `HQ is not …`
_LONGEST_NUMBER: Final = 50

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set on a classification."""

    labels: tuple[str, ...] = field(
        default=(), metadata={"doc": "all labels there are; then the label may stand in a sentence, and alone at that"}
    )
    reference_field: str = field(default="", metadata={"doc": FIELD_DOC})

    def problems(self) -> Iterable[OptionProblem]:
        """Labels that are none, or that could not be told apart."""
        seen: dict[Words, int] = {}
        for at, label in enumerate(self.labels):
            words = words_of(label)
            if not words:
                yield OptionProblem(f"labels[{at}]", f"{label!r} holds no letter and no digit")
            elif words in seen:
                yield OptionProblem(f"labels[{at}]", f"{label!r} reads the same as labels[{seen[words]}]")
            seen.setdefault(words, at)
        if len(self.labels) == 1:
            yield OptionProblem("labels", "there is one label, expected at least two")


def reward(options: Options) -> Reward:
    """See the module. The measure `marked` tells whether the answer was marked, `found` whether there was one."""
    known = frozenset(words_of(label) for label in options.labels)
    widths = sorted({len(words) for words in known}, reverse=True)

    def score(rollout: Rollout) -> Score:
        expected = {words_of(text) for text in texts_of(rollout, options.reference_field)} - {()}
        if not expected:
            raise Unscorable("the reference holds no label")
        if known and not expected <= known:
            raise Unscorable("the reference is none of the labels")
        said = _said(rollout.answer)
        if known:
            found = _settled(said or [rollout.answer], rollout.prompt, known, widths)
        else:
            found = words_of(said[-1] if said else _last_line(rollout.answer))
        right = bool(found) and found in expected
        return Score(float(right), {"marked": float(bool(said)), "found": float(bool(found))})

    return score


def words_of(text: str) -> Words:
    """The words of a label, without what people and models vary: case, quotes, separators, zeros of a number."""
    found: list[str] = []
    for piece in text.split():
        bare = piece.strip(_EDGES)
        number = _number(bare)
        if number is not None:
            found.append(number)
        else:
            found += [word for part in re.split(r"[_-]+", bare) if (word := part.strip(_EDGES).casefold())]
    return tuple(found)


def _said(answer: str) -> list[str]:
    """What the answer marks as its answer: as JSON, or by words and tags."""
    whole = _label_in_json(answer)
    if whole is not None:
        return [whole]
    return [_label_in_json(one) or one for one in marked(answer)]


def _settled(said: Sequence[str], prompt: str, known: frozenset[Words], widths: Sequence[int]) -> Words:
    """The one label that all of this names, or nothing when it names none, or several."""
    named: set[Words] = set()
    for text in said:
        words = words_of(text)
        last = words_of(_last_line(text))
        if words in known:
            named.add(words)
        elif last in known and {line for line in map(words_of, text.splitlines()) if line in known} == {last}:
            named.add(last)
        else:
            named |= _mentioned(words, f" {' '.join(words_of(prompt))} ", known, widths)
    return named.pop() if len(named) == 1 else ()


def _mentioned(words: Words, prompt: str, known: frozenset[Words], widths: Sequence[int]) -> set[Words]:
    """The labels that a text names, the longest at each place, without those that it denies.

    One that stands beside the same words as in the prompt is copied, and not named: prompts hold words such as `alarm`.
    """
    found: set[Words] = set()
    denied: set[Words] = set()
    at = 0
    while at < len(words):
        width = next((width for width in widths if words[at : at + width] in known), 0)
        if width:
            label, after = words[at : at + width], words[at + width : at + width + 2]
            around = [*words[max(0, at - _DENIES_WITHIN) : at], *(after if after[:1] in _VERBS else after[:0])]
            if any(_plain(word) in _DENIALS for word in around):
                denied.add(label)
            elif f" {' '.join(words[max(0, at - 1) : at + width + 1])} " not in prompt:
                found.add(label)
        at += width or 1
    return found - denied


def _plain(word: str) -> str:
    return word.replace("\u2019", "'")


def _last_line(answer: str) -> str:
    """The last line that says something."""
    return next((line for line in reversed(answer.splitlines()) if line.strip(_EDGES)), "")


def _number(text: str) -> str | None:
    """A number as it is written shortest, or None."""
    if not 0 < len(text) <= _LONGEST_NUMBER or not text[-1].isdigit():
        return None
    try:
        number = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
    return f"{number.normalize():f}" if number.is_finite() and abs(number.adjusted()) < _LONGEST_NUMBER else None


def _label_in_json(text: str) -> str | None:
    """The label in an answer that is a JSON object, in a code fence or without."""
    fences = fenced(text)
    body = (fences[0][1] if len(fences) == 1 else text).strip()
    if not (body.startswith("{") and body.endswith("}")):
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    values = [found[name] for name in USUAL_FIELDS if name in found] or (
        list(found.values()) if len(found) == 1 else []
    )
    label = values[0] if values else None
    return label if isinstance(label, str) else json.dumps(label) if isinstance(label, bool | int | float) else None
