"""Regular expressions in time linear in the text, so that no answer can hold a batch up.

Python's own engine tries one way after the other, and `(a+)+b` on thirty letters a takes minutes. Here all ways are
followed at once, through states that are made when they are first met. What cannot be matched so is refused when the
pattern is read: back-references, looking ahead and behind, atomic groups, possessive repeats.
Source: Cox, Regular Expression Matching Can Be Simple And Fast (2007); the syntax is that of Python's `re`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Test = Callable[[str], bool]

_MOST_NODES: Final = 2_000
"""How large a pattern may become when its counted repeats are written out."""
_MOST_MOVES: Final = 50_000
"""How many moves are remembered before all are forgotten, so that memory stays bounded."""
_CATEGORIES: Final[dict[str, Test]] = {
    "DIGIT": str.isdecimal,
    "SPACE": str.isspace,
    "WORD": lambda char: char.isalnum() or char == "_",
}


class WrongPattern(ValueError):
    """The pattern is none, or cannot be matched in linear time; the message says which part and what to do."""


@dataclass(frozen=True, slots=True)
class _Node:
    """One place in a pattern: takes a character (`test`), stands somewhere (`at`), or parts into several ways."""

    ways: tuple[int, ...]
    test: Test | None = None
    at: str = ""


@dataclass(slots=True)
class _State:
    """Everywhere in the pattern that one can be after some text that ended in `before`."""

    places: frozenset[int]
    before: str
    moves: dict[str, _State | None] = field(default_factory=dict)
    """By the next character; None: found."""


class Matcher:
    """A pattern, read."""

    def __init__(
        self, nodes: Sequence[_Node], start: int, *, multi_line: bool, whole: bool, before_break: bool
    ) -> None:
        self._nodes = nodes
        self._before_break = before_break
        self._multi_line = multi_line
        self._whole = whole
        self._again = frozenset() if whole else frozenset({start})
        self._start = start
        self._states: dict[tuple[frozenset[int], str], _State] = {}
        self._remembered = 0

    def matches(self, text: str) -> bool:
        """Whether the pattern matches somewhere in the text, or the whole of it if it was read so."""
        state = self._state(frozenset({self._start}), "")
        for char in text[:-1]:
            following = state.moves.get(char, state)
            if following is state and char not in state.moves:
                following = self._moved(state, char, last=False)
                self._remember(state, char, following)
            if following is None:
                return True
            state = following
        if text:
            following = self._moved(state, text[-1], last=True)
            if following is None:
                return True
            state = following
        return self._found(self._reached(state, "", last=True))

    def _state(self, places: frozenset[int], before: str) -> _State:
        """The state, the same one for the same places; only what `^` and `\\b` ask of a character is told apart."""
        key = (places, before)
        if key not in self._states:
            self._states[key] = _State(places, before)
        return self._states[key]

    def _remember(self, state: _State, char: str, following: _State | None) -> None:
        if self._remembered >= _MOST_MOVES:
            for one in self._states.values():
                one.moves.clear()
            self._states.clear()
            self._remembered = 0
        state.moves[char] = following
        self._remembered += 1

    def _moved(self, state: _State, char: str, *, last: bool) -> _State | None:
        """Where one is after this character; None when the pattern has been found before it."""
        reached = self._reached(state, char, last=last)
        if not self._whole and self._found(reached):
            return None
        nodes = (self._nodes[place] for place in reached)
        taken = frozenset(way for node in nodes if node.test is not None and node.test(char) for way in node.ways)
        return self._state(taken | self._again, "\n" if char == "\n" else "w" if _CATEGORIES["WORD"](char) else "x")

    def _found(self, reached: Iterable[int]) -> bool:
        return any(not self._nodes[place].ways for place in reached)

    def _reached(self, state: _State, following: str, *, last: bool) -> set[int]:
        """All places that can be reached without taking a character."""
        reached: set[int] = set()
        open_places = list(state.places)
        while open_places:
            place = open_places.pop()
            if place in reached:
                continue
            reached.add(place)
            node = self._nodes[place]
            if node.test is None and (not node.at or self._stands(node.at, state.before, following, last=last)):
                open_places += node.ways
        return reached

    def _stands(self, at: str, before: str, following: str, *, last: bool) -> bool:
        """Whether a place between two characters is what `^`, `$`, `\\A`, `\\Z`, `\\b` or `\\B` ask for."""
        if at == "BEGINNING_STRING" or (at == "BEGINNING" and not self._multi_line):
            return before == ""
        if at == "BEGINNING":
            return before in ("", "\n")
        if at == "END_STRING":
            return following == ""
        if at == "END":
            return following == "" or (following == "\n" and (self._multi_line or (last and self._before_break)))
        word_ends = (before == "w") != (following != "" and _CATEGORIES["WORD"](following))
        return word_ends if at == "BOUNDARY" else not word_ends


def read_pattern(
    pattern: str,
    *,
    whole: bool = False,
    ignore_case: bool = False,
    multi_line: bool = False,
    dot_all: bool = False,
    before_break: bool = True,
) -> Matcher:
    """The pattern, ready to match anywhere in a text or, if `whole`, all of it. Raises WrongPattern.

    `before_break`: whether `$` also stands before a line break that ends the text, as in Python and not in JSON Schema.
    """
    flags = (re.IGNORECASE * ignore_case) | (re.MULTILINE * multi_line) | (re.DOTALL * dot_all)
    try:
        parsed: Any = importlib.import_module("re._parser").parse(pattern, flags)
    except (re.error, RecursionError, OverflowError) as problem:
        raise WrongPattern(f"is no regular expression: {problem}") from problem
    reader = _Reader(parsed.state.flags)
    nodes_end = reader.add(_Node(()))
    start = reader.sequence(parsed, nodes_end)
    multi_line = bool(reader.flags & re.MULTILINE)
    return Matcher(reader.nodes, start, multi_line=multi_line, whole=whole, before_break=before_break)


class _Reader:
    """Writes a parsed pattern out as nodes, from its end to its start."""

    def __init__(self, flags: int) -> None:
        self.nodes: list[_Node] = []
        self.flags = flags

    def add(self, node: _Node) -> int:
        """Raises WrongPattern when the pattern becomes too large."""
        if len(self.nodes) >= _MOST_NODES:
            raise WrongPattern(f"is too large: written out, it has more than {_MOST_NODES:,} places; repeat less often")
        self.nodes.append(node)
        return len(self.nodes) - 1

    def sequence(self, items: Iterable[tuple[object, Any]], following: int) -> int:
        """Where the items begin that lead to `following`."""
        for kind, value in reversed(list(items)):
            following = self._item(str(kind), value, following)
        return following

    def _item(self, kind: str, value: Any, following: int) -> int:  # noqa: ANN401  # whatever re's parser gives
        if kind in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            return self.add(_Node((following,), test=self._test(kind, value)))
        if kind == "AT":
            return self.add(_Node((following,), at=str(value).removeprefix("AT_")))
        if kind == "BRANCH":
            return self.add(_Node(tuple(self.sequence(branch, following) for branch in value[1])))
        if kind == "SUBPATTERN" and not value[1] and not value[2]:
            return self.sequence(value[3], following)
        if kind in ("MAX_REPEAT", "MIN_REPEAT"):
            return self._repeat(value[0], value[1], value[2], following)
        if kind == "SUBPATTERN":
            raise WrongPattern("sets flags for a part of it; set them for the whole")
        words = kind.lower().replace("_", " ")
        raise WrongPattern(f"holds what cannot be matched in linear time ({words}); write it without")

    def _repeat(self, least: int, most: Any, item: Any, following: int) -> int:  # noqa: ANN401  # re's MAXREPEAT
        if str(most) == "MAXREPEAT":
            loop = self.add(_Node((following,)))
            body = self.sequence(item, loop)
            self.nodes[loop] = _Node((body, following))
            following = loop
        else:
            for _ in range(min(most, _MOST_NODES + 1) - least):
                following = self.add(_Node((self.sequence(item, following), following)))
        for _ in range(min(least, _MOST_NODES + 1)):
            before, following = following, self.sequence(item, following)
            if following == before:
                break  # nothing, however often it is repeated
        return following

    def _test(self, kind: str, value: Any) -> Test:  # noqa: ANN401  # whatever re's parser gives
        if kind == "ANY":
            return (lambda _: True) if self.flags & re.DOTALL else (lambda char: char != "\n")
        parts = value if kind == "IN" else [(kind.removeprefix("NOT_"), value)]
        negated = kind == "NOT_LITERAL" or (kind == "IN" and str(value[0][0]) == "NEGATE")
        tests = [self._part(str(name), one) for name, one in parts if str(name) != "NEGATE"]
        spellings = _spellings if self.flags & re.IGNORECASE else _as_is
        return lambda char: any(test(one) for one in spellings(char) for test in tests) != negated

    def _part(self, name: str, value: Any) -> Test:  # noqa: ANN401  # whatever re's parser gives
        if name == "LITERAL":
            wanted = chr(value)
            return lambda char: char == wanted
        if name == "RANGE":
            low, high = chr(value[0]), chr(value[1])
            return lambda char: low <= char <= high
        category = str(value).removeprefix("CATEGORY_")
        plain = _CATEGORIES[category.removeprefix("NOT_")]
        ascii_only = bool(self.flags & re.ASCII)
        within: Test = (lambda char: char.isascii() and plain(char)) if ascii_only else plain
        return (lambda char: not within(char)) if category.startswith("NOT_") else within


def _as_is(char: str) -> tuple[str, ...]:
    return (char,)


def _spellings(char: str) -> tuple[str, ...]:
    return (char, char.lower(), char.upper())
