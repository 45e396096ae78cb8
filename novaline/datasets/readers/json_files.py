"""JSON files that are one value: a list of rows, or an object whose keys hold such lists. Read element by element."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NoReturn

from novaline.datasets.readers.batches import RecordBatch, in_batches
from novaline.findings import NovalineError, nearest

_BLOCK_BYTES = 1 << 18
_LONGEST_ELEMENT = 64 << 20
_SHOWN_KEY = 60
_LINES_HINT = "for one JSON value a line say `--kind jsonl`"
_LISTS_HINT = "rows are the elements of a list: the file's own, or under a key of its object and no deeper"
_IN_NUMBERS = frozenset("0123456789+-.eE")
_SPACE = re.compile(r"[ \t\r\n]*")


def read_json(stream: BinaryIO, *, source: str, select: Sequence[str] = ()) -> Iterator[RecordBatch]:
    """The rows of the list, or of the lists under the selected keys in the file's order; numbered across them.

    An object with one list needs no selection. Raises NovalineError for a file of another form, with its place.
    """
    return in_batches(_Document(stream, source).rows(select), source=source)


class _Document:
    """A window of text that moves over the file; what was read is forgotten."""

    def __init__(self, stream: BinaryIO, source: str) -> None:
        self._stream = stream
        self._source = source
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._passed = 0  # characters that were forgotten
        self._ended = False
        self._scan = json.JSONDecoder(parse_constant=self._constant, object_pairs_hook=self._object).raw_decode

    def rows(self, select: Sequence[str]) -> Iterator[object]:
        opening = self._next()
        if opening == "[":
            if select:
                self._refuse("the file is a list, so there is no key to select", hint="leave out --select")
            self._at += 1
            yield from self._elements()
        elif opening == "{":
            self._at += 1
            yield from self._members(select)
        else:
            self._refuse("expected a list of rows, or an object of such lists")
        if self._next():
            self._refuse("something follows the file's value", hint=_LINES_HINT)

    def _members(self, select: Sequence[str]) -> Iterator[object]:
        """The rows under the selected keys. Without a selection: under the only key that holds a list."""
        lists: list[str] = []
        taken: set[str] = set()
        while self._next() != "}":
            key = self._value()
            if not isinstance(key, str) or self._next() != ":":
                self._refuse("expected a key and a colon")
            self._at += 1
            if self._next() == "[":
                self._at += 1
                lists.append(key)
                wanted = key in select if select else len(lists) == 1
                taken.add(key)
                for element in self._elements():
                    if wanted:
                        yield element
            else:
                self._value()
            self._comma_or("}", "expected a comma or the object's end")
        self._at += 1
        if not select and len(lists) > 1:
            self._several(lists)
        absent = [key for key in select if key not in taken]
        if not lists and self._next():
            self._refuse("the file holds several values", hint=_LINES_HINT)
        if absent or not lists:
            self._no_such(absent, lists)

    def _elements(self) -> Iterator[object]:
        while self._next() != "]":
            yield self._value()
            self._comma_or("]", "expected a comma or the list's end")
        self._at += 1

    def _comma_or(self, end: str, expected: str) -> None:
        """Passes over a comma, behind which something must follow; the end may stand in its place."""
        found = self._next()
        if found == ",":
            self._at += 1
            if self._next() == end:
                self._refuse(f"a comma stands before `{end}`", hint="take it out")
        elif found != end:
            self._refuse(expected)

    def _next(self) -> str:
        """The next character that is no space, without taking it; empty at the file's end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _value(self) -> object:
        """The value that begins here."""
        self._next()
        while True:
            try:
                value, end = self._scan(self._text, self._at)
            except json.JSONDecodeError as problem:
                if len(self._text) - self._at <= _LONGEST_ELEMENT and self._more():
                    continue
                self._at = min(problem.pos, len(self._text))
                self._refuse(
                    "the JSON breaks off" if self._ended and self._at >= len(self._text) else "this is no JSON"
                )
            except RecursionError:
                self._refuse("the value is nested too deeply")
            except ValueError:  # the interpreter reads no longer ones
                self._refuse("a number has too many digits")
            whole = end < len(self._text) and self._text[end] not in _IN_NUMBERS
            if whole or not self._more():  # a number at the window's end may go on
                self._at = end
                return value

    def _more(self) -> bool:
        """Reads on, at least as much again as is held: a long element is tried few times. False at the file's end."""
        if self._ended:
            return False
        held = self._text[self._at :]
        self._passed += self._at
        block = self._stream.read(max(_BLOCK_BYTES, len(held)))
        self._ended = not block
        try:
            text = self._decode.decode(block, final=self._ended)
        except UnicodeDecodeError as problem:
            hint = "save the file as UTF-8"
            raise NovalineError.of(
                "not-utf-8", f"the file is not UTF-8: {problem.reason}", file=self._source, hint=hint
            ) from None
        self._text, self._at = held + text, 0
        return True

    def _object(self, items: list[tuple[str, object]]) -> dict[str, object]:
        """An object. Refuses one with a key twice, of which one value would be lost."""
        made = dict(items)
        if len(made) < len(items):
            names = [key for key, _ in items]
            twice = next(key for place, key in enumerate(names) if key in names[:place])
            self._refuse(f"an object holds the key {twice[:_SHOWN_KEY]!r} twice", hint="keep one of them")
        return made

    def _constant(self, name: str) -> NoReturn:
        self._refuse(f"{name} is no JSON")

    def _several(self, keys: Sequence[str]) -> NoReturn:
        message = f"the file holds several lists: {', '.join(keys)}"
        hint = f"say which with `--select {keys[0]}`; the option may be repeated"
        raise NovalineError.of("which-rows", message, file=self._source, hint=hint)

    def _no_such(self, absent: Sequence[str], lists: Sequence[str]) -> NoReturn:
        there = f"there is {', '.join(lists)}" if lists else "it holds none"
        what = f"no list is under the key {', '.join(map(repr, absent))}" if absent else "expected a list of rows"
        close = nearest(absent[0], lists) if absent else None
        hint = f"did you mean {close}?" if close else None if lists else _LISTS_HINT
        raise NovalineError.of("which-rows", f"{what}; {there}", file=self._source, hint=hint)

    def _refuse(self, what: str, *, hint: str | None = None) -> NoReturn:
        at = self._passed + self._at + 1
        excerpt = self._text[self._at : self._at + 60].split("\n")[0]
        shown = f", at {excerpt!r}" if excerpt else ""
        raise NovalineError.of("unreadable-json", f"{what} (character {at:,}{shown})", file=self._source, hint=hint)
