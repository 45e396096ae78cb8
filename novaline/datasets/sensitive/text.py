"""Bytes of JSON lines as the rules want to see them. Every byte stays in its place."""

from __future__ import annotations

import re

_SHORT_ESCAPE = re.compile(rb'\\[bfnrt"/\\]')
# `@` and `+`, spaces that do not break, and the typographers' spaces and hyphens, as encoders escape them.
_LONG_ESCAPE = re.compile(rb"(?<!\\)\\u(00[aA]0|00(?:40|2[bB])|20(?:0[0-9aA]|1[0-3]|2[fF]))")
_WIDE = re.compile(rb"\xc2\xa0|\xe2\x80[\x80-\x8a\x90-\x93\xaf]|\xe2\x88\x92|\xef\xbc\x8b")
_CHARACTERS = {b'\\"': b' "', b"\\/": b" /", b"\\\\": b" \\"}
PADDING = b"\x1a"
"""Fills the place before an `@` that was escaped, as what stands before it belongs to it. Never in JSON as it is."""

_DASHES, _PLUS = b"\xe2\x80\x90\xe2\x80\x91\xe2\x80\x92\xe2\x80\x93\xe2\x88\x92", b"\xef\xbc\x8b"


def unescaped(text: bytes) -> bytes:
    r"""The text with those escapes written out that would hide a value: `\u002B` is five spaces and a `+`."""
    return _LONG_ESCAPE.sub(_unescape, text) if b"\\" in text and b"\\u" in text else text


def flattened(chunk: bytes) -> bytes:
    """The chunk with short escapes, and typographers' spaces and dashes, as ASCII.

    An escape becomes a space and its character. One of a control character becomes line breaks, which end every value.
    """
    if b"\\" in chunk:
        chunk = _SHORT_ESCAPE.sub(lambda match: _CHARACTERS.get(match[0], b"\n\n"), chunk)
    return chunk if chunk.isascii() else _WIDE.sub(_narrow, chunk)


def _unescape(match: re.Match[bytes]) -> bytes:
    code = int(match[1], 16)
    character = bytes((code,)) if code in {0x2B, 0x40} else b"-" if 0x2010 <= code <= 0x2013 else b" "
    return character.rjust(6, PADDING if character == b"@" else b" ")


def _narrow(match: re.Match[bytes]) -> bytes:
    wide = match[0]
    character = b"+" if wide == _PLUS else b"-" if wide in _DASHES else b" "
    return character.rjust(len(wide))
