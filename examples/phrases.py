"""The phrase notation of the examples, and dice that fall the same way on every machine.

A phrase is plain text with two marks: `(a|b|)` is a choice, the last one of which is empty here, and `<product>` is a
slot that is filled from a list of values. Parentheses without a bar are just parentheses. Choices do not nest.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
import yaml

Split = Literal["train", "validation", "eval"]
T = TypeVar("T")

_CHOICE = re.compile(r"\(([^()|]*(?:\|[^()|]*)+)\)")
_SLOT = re.compile(r"<([a-z_]+)>")
_SHORT_FORMS = {"please": "pls", "Please": "Pls", "you": "u", "because": "cuz", "thanks": "thx", "Thanks": "Thx"}


class Dice:
    """Reproducible chance: the same seed gives the same sequence in every Python version.

    Built on `Random.random()` alone, the one method whose sequence the standard library promises to keep.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - example data, not cryptography

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        return int(self._random.random() * limit)

    def chance(self, probability: float) -> bool:
        """True with the given probability, 0 to 1."""
        return self._random.random() < probability

    def pick(self, values: Sequence[T]) -> T:
        """One of the values, all equally likely."""
        return values[self.below(len(values))]

    def pick_some(self, values: Sequence[T], count: int) -> list[T]:
        """`count` different values in random order; all of them if there are fewer."""
        return self.shuffled(values)[:count]

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """All values in random order (Fisher and Yates)."""
        deck = list(values)
        for last in range(len(deck) - 1, 0, -1):
            other = self.below(last + 1)
            deck[last], deck[other] = deck[other], deck[last]
        return deck


Slots = Mapping[str, Callable[[Dice], str]]


def expand(phrase: str, *, dice: Dice, slots: Slots) -> str:
    """The phrase with each choice made and each slot filled; two slots of the same name get different values.

    Raises KeyError for a slot that has no values.
    """
    chosen = _CHOICE.sub(lambda match: dice.pick(match.group(1).split("|")), phrase)
    used: set[str] = set()

    def fill(match: re.Match[str]) -> str:
        value = slots[match.group(1)](dice)
        for _ in range(50):
            if value not in used:
                break
            value = slots[match.group(1)](dice)
        used.add(value)
        return value

    return _tidy(_SLOT.sub(fill, chosen))


def with_typos(text: str, *, dice: Dice, count: int) -> str:
    """The text with up to `count` of its longer, lower-case words misspelled as fingers do."""
    words = text.split(" ")
    places = [place for place, word in enumerate(words) if word.isalpha() and word.islower() and len(word) >= 5]
    for place in dice.pick_some(places, count):
        words[place] = _misspelled(words[place], dice)
    return " ".join(words)


def with_short_forms(text: str) -> str:
    """The text as people type it on a phone: "pls", "u", "thx"."""
    return re.sub(r"[A-Za-z]+", lambda match: _SHORT_FORMS.get(match.group(), match.group()), text)


def normalised(text: str) -> str:
    """Letters and digits only, in lower case: what two texts have in common when they are one."""
    return " ".join(re.findall(r"[a-z0-9]+", text.casefold()))


def read_phrases(path: Path, kind: type[T]) -> T:
    """The phrase file as the given type. Raises ValueError that names the file if it has another shape."""
    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), kind)
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {error}") from error


def one_of(values: Sequence[str]) -> Callable[[Dice], str]:
    """A slot that is filled from a list."""
    return lambda dice: dice.pick(values)


def _tidy(text: str) -> str:
    text = re.sub(r"[ \t]+", " ", text).strip()
    text = re.sub(r" ([,.?!;])", r"\1", text)
    text = re.sub(r"\b([Aa]) (?=[AEIO])", r"\1n ", text)
    return text[:1].upper() + text[1:]


def _misspelled(word: str, dice: Dice) -> str:
    place = 1 + dice.below(len(word) - 2)  # the first and the last letter mostly survive
    match dice.below(3):
        case 0:
            return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        case 1:
            return word[:place] + word[place + 1 :]
        case _:
            return word[:place] + word[place] + word[place:]
