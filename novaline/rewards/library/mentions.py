"""Which labels a text names in its sentences: what it denies, asks about, or copies from the prompt is not named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

Words = tuple[str, ...]
WordsOf = Callable[[str], Words]

_DENIALS: Final = frozenset({
    "not", "no", "never", "neither", "nor", "cannot", "without", "hardly", "barely", "scarcely", "nothing", "none",
    "unlike", "except", "excluding", "non", "un", "lack", "lacks", "lacking", "isnt", "wasnt", "dont", "doesnt",
    "didnt", "cant", "wont", "wouldnt", "shouldnt",
})  # fmt: skip
_PAIRED: Final = frozenset({
    ("rather", "than"), ("other", "than"), ("instead", "of"), ("far", "from"), ("anything", "but"), ("all", "but"),
    ("opposed", "to"), ("away", "from"), ("short", "of"),
})  # fmt: skip
_DENIED_WITHIN: Final = 6  # words before a label: `I would not call this an HQ`
_VERBS: Final = frozenset({
    "is", "was", "are", "be", "does", "seems", "looks", "would", "could", "should", "can", "may", "might", "must",
    "will",
})  # fmt: skip
_WRONG: Final = _DENIALS | {
    "wrong", "incorrect", "false", "unlikely", "inappropriate", "impossible", "inaccurate",
}  # fmt: skip
_NEW_THOUGHT: Final = frozenset({"but", "so", "hence", "thus", "therefore", "because", "since", "however", "yet"})
_ENDS: Final = ".,;:!?\n"
_APART: Final = re.compile(r"[\u2013\u2014()\[\]]|(?<=[^\W\d_])[:=](?=\S)")
_AROUND: Final = 4  # words beside a label that are copied from the prompt together with it
_FEWEST: Final = 3  # words of an answer that is found in the prompt as a whole


@dataclass(slots=True)
class _Word:
    text: str
    end: str = ""
    """What ends a part of the sentence behind it."""


class Prompt:
    """The words of a prompt, read when they are first asked for."""

    def __init__(self, text: str, words_of: WordsOf) -> None:
        self._text = text
        self._words_of = words_of
        self._words: Words | None = None
        self._runs: dict[int, frozenset[Words]] = {}

    def has(self, words: Words, start: int, end: int) -> bool:
        """Whether `words[start:end]` stand in the prompt beside the same words as here."""
        if self._words is None:
            self._words = self._words_of(self._text)
        if _FEWEST <= len(words) <= len(self._words) and words in self._all(len(words)):
            return True
        length = min(end - start + _AROUND, len(self._words))
        if length <= end - start or length > len(words):
            return False
        runs = self._all(length)
        first, last = max(0, end - length), min(start, len(words) - length)
        return any(words[at : at + length] in runs for at in range(first, last + 1))

    def _all(self, length: int) -> frozenset[Words]:
        """All runs of so many words."""
        words = self._words or ()
        if length == len(words):
            return frozenset({words})
        if length not in self._runs:
            self._runs[length] = frozenset(words[at : at + length] for at in range(len(words) - length + 1))
        return self._runs[length]


def mentioned(
    text: str, words_of: WordsOf, prompt: Prompt, known: frozenset[Words], widths: Sequence[int]
) -> set[Words]:
    """The labels that a text names, the longest at each place, without those that it denies."""
    found: set[Words] = set()
    denied: set[Words] = set()
    sentence = list(_sentence(text, words_of))
    words = tuple(word.text for word in sentence)
    denial = -_DENIED_WITHIN - 1  # where the last one stands that still holds
    at = 0
    while at < len(words):
        label = next((label for width in widths if (label := words[at : at + width]) in known), ())
        end = at + (len(label) or 1)
        if not label:
            denial = at if _denies(words, at) else -_DENIED_WITHIN - 1 if words[at] in _NEW_THOUGHT else denial
        elif at - denial <= _DENIED_WITHIN or _denied_behind(sentence, end):
            denied.add(label)
        elif sentence[end - 1].end != "?" and label not in found and not prompt.has(words, at, end):
            found.add(label)
        at = end
        if sentence[at - 1].end:
            denial = -_DENIED_WITHIN - 1
    return found - denied


def _sentence(text: str, words_of: WordsOf) -> Iterator[_Word]:
    """The words of a text, and where parts of its sentences end."""
    for line in text.splitlines():
        last = None
        for piece in _APART.sub(_set_apart, line).split():
            end = piece.rstrip("\"'`*_)]}>\u201d\u2019")[-1:]
            end = end if end in _ENDS else ""
            words = words_of(piece)
            if not words:
                if last is not None:
                    last.end = last.end or end or ("," if piece in ("-", "\u2013", "\u2014") else "")
                continue
            for word in words[:-1]:
                yield _Word(word)
            last = _Word(words[-1], end)
            yield last
        if last is not None:
            last.end = last.end or "\n"


def _set_apart(found: re.Match[str]) -> str:
    return f"{found[0]} " if found[0] in ":=" else f" {found[0]} "


def _denies(words: Words, at: int) -> bool:
    word = words[at].replace("\u2019", "'")
    if words[at + 1 : at + 2] in (("doubt",), ("question",)):
        return False  # `without doubt`, `no question`
    return word in _DENIALS or word.endswith("n't") or (at > 0 and (words[at - 1], word) in _PAIRED)


def _denied_behind(sentence: Sequence[_Word], end: int) -> bool:
    """Whether the words behind a label deny it: `HQ is not …`, `HQ would be wrong`, `HQ: no`."""
    ended = sentence[end - 1].end
    if ended == ":":
        behind = sentence[end : end + 1]
        return any(word.text in ("no", "false", "wrong", "incorrect") and bool(word.end) for word in behind)
    if ended:
        return False
    for place, word in enumerate(sentence[end : end + 3]):
        plain = word.text.replace("\u2019", "'")
        if place == 0 and plain not in _VERBS:
            return plain.endswith("n't")
        if plain in _WRONG or plain.endswith("n't"):
            return True
        if word.end:
            return False
    return False
