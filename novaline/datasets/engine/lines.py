"""One line of a dataset at a time: what it says, and everything that is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.misfits import shape_flaw
from novaline.datasets.formats.reserved import reserved_flaws
from novaline.datasets.formats.spec import Columns, FastShape, FormatSpec, RuleContext, View

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for a line that it does not take."""

BLANK = Flaw("blank-line", "a line is blank; every line is one JSON object", hint="remove it")
BOM = Flaw("byte-order-mark", "the file starts with a byte order mark", hint="save it as UTF-8 without BOM")
NOT_UTF8 = Flaw("not-utf-8", "the line is not UTF-8 text", hint="save the file as UTF-8")
_UTF16 = Flaw("not-utf-8", "the file is UTF-16 text, not UTF-8", hint="save the file as UTF-8")
_PACKED = Flaw(
    "not-lines", "the file is compressed, or no text at all", hint="name it .gz or .zst if it is such a file"
)
_ARRAY = Flaw(
    "not-lines",
    "the file begins with `[`: a dataset is no JSON list",
    hint="write one JSON object on each line (JSONL), without brackets and commas between them",
)
_OPENED = Flaw("not-lines", "the object goes on over several lines", hint="write each JSON object on one line (JSONL)")
_TOO_DEEP = Flaw("too-deep", "the row is nested too deeply to be read")
_NO_NUMBER = Flaw("not-a-number", "NaN and Infinity are no JSON", hint="leave the field out, or write a number")
_RAW_CONTROL = Flaw(
    "control-character", "a text holds a raw control character, which JSON wants escaped", hint="write \\n, \\t, …"
)
_CONTROL = Flaw(
    "control-character",
    "a text holds a control character",
    "warning",
    hint="a tokenizer reads it as noise: take it out",
)
_REPLACEMENT = Flaw(
    "replacement-character",
    "a text holds U+FFFD, which stands for what could not be read: it lost characters before",
    "warning",
    hint="make the file again from its source with the right encoding",
)
_MARK_INSIDE = Flaw(
    "byte-order-mark-inside", "a text holds a byte order mark (U+FEFF)", "warning", hint="nobody sees it: take it out"
)
_REPEATED_KEY = Flaw(
    "repeated-key",
    "an object holds a key twice, of which readers take one or the other",
    hint="keep one of them",
)
_NOT_JSON_HINT = "every line is one JSON object; of a table, `novaline data prepare` makes such lines"

_BYTE = re.compile(r"\(byte (\d+)\)")
_NAN = re.compile(rb"-?(NaN|Infinity)|[Nn]an|[Ii]nf")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_KEY = re.compile(rb'"\s*:')


class LineReader:
    """Reads single lines in one format."""

    def __init__(self, spec: FormatSpec[Any], context: RuleContext) -> None:
        self.spec = spec
        self._context = context
        self.fast: list[tuple[FastShape[Any], msgspec.json.Decoder[Any]]] = [
            (shape, msgspec.json.Decoder(shape.type)) for shape in spec.fast
        ]
        self._full = msgspec.json.Decoder(spec.full)

    def fast_row(self, line: bytes) -> tuple[int, Any] | None:
        """The row and the number of the fast shape that it has; None when it has none."""
        for number, (_, decoder) in enumerate(self.fast):
            try:
                return number, decoder.decode(line)
            except UNREADABLE:
                continue
        return None

    def full_row(self, line: bytes) -> Any:  # noqa: ANN401 - the format's own class
        """The row in its full shape. Raises one of UNREADABLE."""
        return self._full.decode(line)

    def rules(self, row: Any) -> Iterator[Flaw]:  # noqa: ANN401 - the format's own class
        """Everything that the format's rules find wrong with a row."""
        return self.spec.flaws(row, self._context)

    def says(self, line: bytes) -> View | Columns | None:
        """What a line says; None when it is no row."""
        fast = self.fast_row(line)
        if fast is not None:
            return self.fast[fast[0]][0].columns([fast[1]])
        try:
            return self.spec.view(self.full_row(line))
        except UNREADABLE:
            return None

    def text_flaws(self, line: bytes) -> Iterator[Flaw]:
        """Reserved words and control characters in the texts of a line that is a row."""
        try:
            texts = self.spec.view(self.full_row(line)).texts
        except UNREADABLE:
            return
        if self.spec.reserved_words is not None:
            yield from reserved_flaws(texts, self.spec.reserved_words)
        yield from _character_flaws(texts)

    def unreadable(self, problem: Exception, line: bytes, *, first: bool) -> tuple[Flaw, int | None, bool]:
        """Why a line is no row, the byte column where that shows, and whether the whole file is something else.

        `first` says that it is the first line of its file.
        """
        whole = _flaw_of_the_file(line) if first else None
        if whole is not None:
            return whole, None, True
        if isinstance(problem, msgspec.ValidationError):
            return shape_flaw(self.spec, problem, line), None, False
        if isinstance(problem, RecursionError):
            return _TOO_DEEP, None, False
        if isinstance(problem, UnicodeDecodeError) or not _is_utf8(line):
            return NOT_UTF8, None, False
        if line.strip() == b"{":
            return _OPENED, None, False
        return (*_broken_json(problem, line), False)


def repeated_key(line: bytes) -> Flaw | None:
    """What is wrong with a line of JSON that repeats a key in an object; None when it does not, or is not read."""
    repeated: list[str] = []

    def pairs(items: list[tuple[str, object]]) -> None:
        if len({key for key, _ in items}) < len(items):
            names = [key for key, _ in items]
            repeated.append(next(key for index, key in enumerate(names) if key in names[:index]))

    try:
        json.loads(line, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return None
    if not repeated:
        return None
    known = _REPEATED_KEY
    return Flaw(known.code, known.message, known.severity, known.hint, detail=f"found `{repeated[0][:60]}` twice")


def may_repeat_keys(line: bytes) -> bool:
    """Whether a line of JSON may hold a key twice: decoded and written again it has fewer keys."""
    try:
        again = msgspec.json.encode(msgspec.json.decode(line))
    except UNREADABLE:
        return False
    return len(_KEY.findall(line)) != len(_KEY.findall(again))


def _character_flaws(texts: Sequence[str]) -> Iterator[Flaw]:
    for text in texts:
        control = _CONTROLS.search(text)
        if control is not None:
            detail = f"found U+{ord(control[0]):04X}"
            yield Flaw(_CONTROL.code, _CONTROL.message, _CONTROL.severity, _CONTROL.hint, detail=detail)
            break
    if any("\ufffd" in text for text in texts):
        yield _REPLACEMENT
    if any("\ufeff" in text for text in texts):
        yield _MARK_INSIDE


def _flaw_of_the_file(first: bytes) -> Flaw | None:
    """What makes every line of the file unreadable, if its unreadable first line shows it."""
    if first[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _UTF16
    if first[:2] == b"\x1f\x8b" or first[:4] == b"\x28\xb5\x2f\xfd" or first[:4] in (b"PK\x03\x04", b"PAR1"):
        return _PACKED
    return _ARRAY if first.lstrip()[:1] == b"[" else None


def _broken_json(problem: Exception, line: bytes) -> tuple[Flaw, int | None]:
    match = _BYTE.search(str(problem))
    place = int(match[1]) if match else None
    if place is not None and place < len(line):
        if line[place] < 0x20 and line[place] not in b"\n\r":
            return _RAW_CONTROL, place + 1
        if _NAN.match(line, place) or _NAN.match(line, max(0, place - 1)):
            return _NO_NUMBER, place + 1
    if _SURROGATE.search(line) and ("surrogate" in str(problem) or place is None):
        message = "a text holds half of a character (a lone surrogate)"
        return Flaw("lone-surrogate", message, hint="it was cut in the middle: take it out"), None
    what = _BYTE.sub("", str(problem)).strip().rstrip(":").removeprefix("JSON is malformed: ")
    flaw = Flaw("unreadable-json", f"the line is not JSON: {what[:1].lower()}{what[1:]}", hint=_NOT_JSON_HINT)
    return flaw, len(line) + 1 if place is None else place + 1


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
