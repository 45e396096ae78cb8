"""The untrained stand-in: what a model might do that has read no training data.

Where the system text lists options (labels, intents, categories) it picks the one whose words overlap the query's;
otherwise it gives one polite, generic answer. It stands for the base model in a rehearsal and says nothing about Nova.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from novaline.rehearsal.learner.rows import Prompt

GENERIC_ANSWER = (
    "Thank you for your message. I am a stand-in for the base model in a rehearsal and know nothing about this; "
    "please ask again after customization."
)

_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+(?P<item>\S.*)$", re.MULTILINE)
_DESCRIPTION = re.compile(r"\s*(?::\s|\s[-\u2013\u2014]\s)")
_AFTER_COLON = re.compile(r":\s*(?P<items>[^:]+?)(?:\.(?=\s|$)|\n\s*\n|$)")
_SEPARATOR = re.compile(r"\s*(?:[,;|\n]|\bor\b|\band\b)\s*")
_QUOTED = re.compile(r"[`'\"\u201c\u2018](?P<item>[^`'\"\u201d\u2019\n]{1,60})[`'\"\u201d\u2019]")
_IDENTIFIER = re.compile(r"\b[A-Za-z]\w*_\w+\b")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")
# fmt: off
_STOP = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "by", "do", "for", "from", "i", "if", "in", "is",
    "it", "me", "my", "of", "on", "or", "so", "the", "this", "to", "was", "what", "with", "you",
))
# fmt: on


@dataclass(frozen=True, slots=True)
class _Option:
    answer: str
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Listed:
    """The options of one system text, ready to be compared with a query."""

    options: tuple[_Option, ...]
    with_stem: Mapping[str, tuple[int, ...]]  # positions of the options that have it
    weight: Mapping[str, float]  # the rarer a stem is among the options, the heavier
    length: tuple[float, ...]  # of each option, so that a long name has no advantage


class BaseStandIn:
    """Answers without ever having been trained. Deterministic and safe to share between threads."""

    description = "stand-in, untrained"

    def answer(self, prompts: Sequence[Prompt]) -> list[str]:
        """One answer per prompt."""
        return [zero_shot(prompt) for prompt in prompts]


def zero_shot(prompt: Prompt) -> str:
    """The listed option whose words fit the query best (the first of equals), else the generic answer."""
    listed = _listed(prompt.system)
    if not listed.options:
        return GENERIC_ANSWER
    scores: dict[int, float] = {}
    for stem in sorted(_stems(prompt.text) & listed.with_stem.keys()):
        for position in listed.with_stem[stem]:
            scores[position] = scores.get(position, 0.0) + listed.weight[stem] / listed.length[position]
    best = max(sorted(scores), key=scores.__getitem__, default=0)
    return listed.options[best].answer


def options_in(system: str) -> tuple[str, ...]:
    """The options that a system text lists, in its own spelling; empty when it lists none.

    Understood: bulleted or numbered lines; without these, the longest list of items after a colon, of quoted words, or
    of identifiers with an underscore.
    """
    return tuple(option.answer for option in _listed(system).options)


@lru_cache(maxsize=256)
def _listed(system: str) -> _Listed:
    bulleted = _as_options([match["item"] for match in _BULLET.finditer(system)])
    lists = [
        *(_SEPARATOR.split(match["items"]) for match in _AFTER_COLON.finditer(system)),
        [match["item"] for match in _QUOTED.finditer(system)],
        _IDENTIFIER.findall(system),
    ]
    options = bulleted or max((_as_options(items) for items in lists), key=len, default=())
    positions: dict[str, list[int]] = {}
    for position, option in enumerate(options):
        for stem in option.stems:
            positions.setdefault(stem, []).append(position)
    weight = {stem: math.log(1 + len(options) / len(having)) for stem, having in positions.items()}
    return _Listed(
        options=options,
        with_stem={stem: tuple(having) for stem, having in positions.items()},
        weight=weight,
        length=tuple(math.sqrt(sum(sorted(weight[stem] for stem in option.stems))) for option in options),
    )


def _as_options(items: Sequence[str]) -> tuple[_Option, ...]:
    """The items as options, or nothing when they are too few or too long to be a list of labels."""
    options: dict[str, _Option] = {}
    for item in items:
        name = _DESCRIPTION.split(item, maxsplit=1)[0].strip(" \t`'\"\u201c\u201d\u2018\u2019*.")
        if name and len(name) <= 60 and len(name.split()) <= 6:
            options.setdefault(name, _Option(name, _stems(item)))
    return tuple(options.values()) if len(options) >= 2 else ()


def _stems(text: str) -> frozenset[str]:
    words = (word.lower() for word in _WORD.findall(text))
    return frozenset(word.rstrip("s")[:6] for word in words if word not in _STOP)
