"""1 when the answer settles on the label of the reference, else 0.

The label may stand alone (`HQ`, `HQ.`), in JSON, in answer tags, in a box, behind `Answer:` or `the label is`. Case,
quotes, and the choice among space, `_` and `-` do not matter; `5` equals `5.0`. Thoughts in `<think>` tags or the like
are no part of the answer.

With `labels`, the label may stand anywhere in what the answer says (`The answer is HQ, because …`), and an answer that
names several settles on none: guessing all of them earns nothing. A label that it denies (`not HQ`, `HQ is wrong`),
asks about (`HQ?`), or copies from the prompt with the words around it, is not named; and reasoning may name others if
the last line is the label and nothing else. Without `labels`, what is marked last counts, or else the last line.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final

from novaline.rewards.contract import Reward, Rollout, Score, Unscorable
from novaline.rewards.library.json_text import NoJson, parsed
from novaline.rewards.library.marks import fenced, marked, spoken
from novaline.rewards.library.mentions import Prompt, mentioned
from novaline.rewards.library.references import FIELD_DOC, USUAL_FIELDS, texts_of
from novaline.rewards.options import OptionProblem

_EDGES: Final = (
    " \t\r\n\"'`*.,;:!?()[]{}<>|$~\\"
    "\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb\u2013\u2014\u2022\u3001\u3002\u300c\u300d\u3010\u3011"
)
_HIDDEN: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_BEGINNING: Final = re.compile(r"[ \t]*(?:[#>]{1,6}|[-*+\u2022]|\d{1,2}[.)])[ \t]+")
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
        answer = _plain(spoken(rollout.answer))
        said = _said(answer)
        if known:
            found = _settled(said or [answer], Prompt(rollout.prompt, words_of), known, widths)
        else:
            found = words_of(said[-1] if said else _last_line(answer))
        right = bool(found) and found in expected
        return Score(float(right), {"marked": float(bool(said)), "found": float(bool(found))})

    return score


def words_of(text: str) -> Words:
    """The words of a label, without what people and models vary: case, quotes, separators, zeros of a number."""
    found: list[str] = []
    for piece in _plain(text).split():
        bare = piece.strip(_EDGES)
        number = _number(bare)
        if number is not None:
            found.append(number)
        else:
            found += [word for part in re.split(r"[_-]+", bare) if (word := part.strip(_EDGES).casefold())]
    return tuple(found)


def _plain(text: str) -> str:
    """The text without what is not seen, and with characters that look alike as one."""
    if "\\_" in text:
        text = text.replace("\\_", "_")  # as Markdown writes it
    if text.isascii():
        return text
    for _ in range(2):  # folding case makes new characters that look alike
        text = unicodedata.normalize("NFKC", _HIDDEN.sub("", text))
    return text


def _said(answer: str) -> list[str]:
    """What the answer marks as its answer: as JSON, or by words and tags."""
    whole = _label_in_json(answer)
    if whole is not None:
        return [whole]
    return [_label_in_json(one) or one for one in marked(answer)]


def _settled(said: Sequence[str], prompt: Prompt, known: frozenset[Words], widths: Sequence[int]) -> Words:
    """The one label that all of this names, or nothing when it names none, or several."""
    named: set[Words] = set()
    for text in said:
        words = words_of(text)
        if words in known:
            named.add(words)
            continue
        last = words_of(_last_line(text))
        if last in known and {line for line in map(words_of, text.splitlines()) if line in known} == {last}:
            named.add(last)
        else:
            named |= mentioned(text, words_of, prompt, known, widths)
        if len(named) > 1:
            break
    return named.pop() if len(named) == 1 else ()


def _last_line(answer: str) -> str:
    """The last line that says something."""
    line = next((line for line in reversed(answer.splitlines()) if line.strip(_EDGES)), "")
    return _BEGINNING.sub("", line, count=1) if line[:1] in " \t#>-*+\u20220123456789" else line


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
        found = parsed(body)
    except NoJson:
        return None
    if not isinstance(found, dict):
        return None
    values = [found[name] for name in USUAL_FIELDS if name in found] or (
        list(found.values()) if len(found) == 1 else []
    )
    label = values[0] if values else None
    return label if isinstance(label, str) else json.dumps(label) if isinstance(label, bool | int | float) else None
