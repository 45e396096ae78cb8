"""Why a line is no JSON, in words that say what to do: the decoder's own name the byte, and not the mistake."""

from __future__ import annotations

import json
import re

import msgspec

from novaline.datasets.flaws import Flaw

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for a line that it does not take."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_UTF8_HINT = "save the file as UTF-8"
_NOT_UTF8 = Flaw("not-utf-8", "the line is not UTF-8 text", hint=_UTF8_HINT)
_WIDE = Flaw("not-utf-8", "the file is UTF-16 or UTF-32 text, not UTF-8", hint=_UTF8_HINT)
_PACKED = Flaw(
    "not-lines", "the file is compressed, or no text at all", hint="name it .gz or .zst if it is such a file"
)
_ARRAY = Flaw(
    "not-lines",
    "the file begins with `[`: a dataset is no JSON list",
    hint="write one JSON object on each line (JSONL), without brackets and commas between them",
)
_OLD_ENDS = Flaw(
    "not-lines",
    "the file's lines end with carriage returns alone, so that all of it is one line",
    hint="end each line with a newline (LF)",
)
_MARK = Flaw(
    "byte-order-mark",
    "the line starts with a byte order mark",
    hint="files that have one each were put together: take it out",
)
_OPENED = Flaw("not-lines", "the object goes on over several lines", hint="write each JSON object on one line (JSONL)")
_TOO_DEEP = Flaw("too-deep", "the row is nested too deeply to be read")
_NO_NUMBER = Flaw("not-a-number", "NaN and Infinity are no JSON", hint="leave the field out, or write a number")
_RAW_CONTROL = Flaw(
    "control-character", "a text holds a raw control character, which JSON wants escaped", hint="write \\n, \\t, …"
)
_HALF = Flaw(
    "lone-surrogate",
    "a text holds half of a character (a lone surrogate)",
    hint="it was cut in the middle: take it out",
)
_REPEATED_KEY = Flaw(
    "repeated-key",
    "an object holds a key twice, of which readers take one or the other",
    hint="keep one of them",
)
_NOT_JSON_HINT = "every line is one JSON object; of a table, `novaline data prepare` makes such lines"

_BYTE = re.compile(r"\(byte (\d+)\)")
_PATH = re.compile(r" - at `\$.*", re.DOTALL)
_NAN = re.compile(rb"-?(NaN|Infinity)|[Nn]an|[Ii]nf")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_BETWEEN = re.compile(rb"[\]}]\r[\[{]")
_KEY = re.compile(rb'"\s*:')
_WIDE_STARTS = (b"\xff\xfe", b"\xfe\xff", b"{\0", b"\0{", b"\0\0\0{", b"\0\0\xfe\xff")
"""Byte order marks of UTF-16 and UTF-32, and the character with which a row begins."""
_TRAILING = "trailing characters"
_SHOWN_KEY = 60


def file_flaw(first: bytes) -> Flaw | None:
    """What makes every line of a file unreadable, if its unreadable first line shows it."""
    if first.startswith(_WIDE_STARTS):
        return _WIDE
    if first[:2] == b"\x1f\x8b" or first[:4] in (b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PAR1"):
        return _PACKED
    if first.lstrip()[:1] == b"[":
        return _ARRAY
    return _OLD_ENDS if _BETWEEN.search(first) else None


def line_flaw(problem: Exception, line: bytes) -> tuple[Flaw, int | None]:
    """Why a line is no JSON, and the byte column (from 1) where that shows; `problem` is one of UNREADABLE."""
    if isinstance(problem, RecursionError):
        return _TOO_DEEP, None
    if isinstance(problem, UnicodeDecodeError) or not _is_utf8(line):
        return _NOT_UTF8, None
    if line.startswith(BYTE_ORDER_MARK):
        return _MARK, 1
    if line.strip() == b"{":
        return _OPENED, None
    return _syntax_flaw(problem, line)


def _syntax_flaw(problem: Exception, line: bytes) -> tuple[Flaw, int | None]:
    match = _BYTE.search(str(problem))
    place = int(match[1]) if match else None
    if place is not None and _TRAILING in str(problem):
        place -= 1  # of these the decoder names the byte behind the first one
    if place is not None and place < len(line):
        if line[place] < 0x20 and line[place] not in b"\n\r":
            return _RAW_CONTROL, place + 1
        if _NAN.match(line, place) or _NAN.match(line, max(0, place - 1)):
            return _NO_NUMBER, place + 1
    if _SURROGATE.search(line) and ("surrogate" in str(problem) or place is None):
        return _HALF, None
    what = _PATH.sub("", _BYTE.sub("", str(problem))).strip().rstrip(":").removeprefix("JSON is malformed: ")
    flaw = Flaw("unreadable-json", f"the line is not JSON: {what[:1].lower()}{what[1:]}", hint=_NOT_JSON_HINT)
    return flaw, len(line) + 1 if place is None else place + 1


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
    return key_flaw(repeated[0]) if repeated else None


def key_flaw(key: str) -> Flaw:
    """What is wrong with an object that holds this key twice."""
    known = _REPEATED_KEY
    return Flaw(known.code, known.message, known.severity, known.hint, detail=f"found `{key[:_SHOWN_KEY]}` twice")


def may_repeat_keys(line: bytes) -> bool:
    """Whether a line of JSON may hold a key twice: decoded and written again it has fewer keys.

    Raises one of UNREADABLE.
    """
    again = msgspec.json.encode(msgspec.json.decode(line))
    return len(_KEY.findall(line)) != len(_KEY.findall(again))


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
