"""Pictures inside of rows: what a data URI holds, as far as its first bytes tell.

The limits are those that AWS's data-preparation pages give for pictures of training rows.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.media import FORMATS, shown

MOST_BYTES = 10 * 1024 * 1024
LEAST_PIXELS = 25
"""Of each edge."""

_HEADER_BYTES = 64 * 1024
_JPEG_WITHOUT_SIZE = frozenset({0xC4, 0xC8, 0xCC})


def image_flaws(uri: str, place: str) -> Iterator[Flaw]:
    """What is wrong with a picture's data URI (`data:image/png;base64,…`); `place` is its path."""
    head, _, encoded = uri.partition(",")
    media_type, _, encoding = head.removeprefix("data:").partition(";")
    kind, _, name = media_type.partition("/")
    if not head.startswith("data:") or kind != "image" or encoding != "base64":
        hint = 'write "data": "data:image/png;base64,…"'
        message = "an image is a data URI of base64"
        yield Flaw("image-data", message, hint=hint, detail=f"found {shown(uri)} at {place}")
        return
    if name not in FORMATS["image"]:
        message = f"the format of an image is one of {', '.join(FORMATS['image'])}"
        yield Flaw("media-format", message, detail=f"found {shown(name)} at {place}")
    try:
        data = binascii.a2b_base64(encoded, strict_mode=True)
    except (binascii.Error, ValueError) as problem:
        yield Flaw("image-data", "an image's data is not base64", detail=f"{problem}, at {place}")
        return
    found = _format(data)
    if found is None:
        message = f"an image's data is none of {', '.join(FORMATS['image'])}"
        yield Flaw(
            "image-data", message, detail=f"found bytes that begin with {data[:4].hex() or 'nothing'} at {place}"
        )
        return
    if found != name and name in FORMATS["image"]:
        message = "an image's data is of another format than its data URI says"
        yield Flaw("media-format-differs", message, "warning", detail=f"found {found}, named {name}, at {place}")
    if len(data) > MOST_BYTES:
        message = f"an image is larger than {MOST_BYTES >> 20} MB, AWS's limit for training rows"
        yield Flaw("image-too-large", message, "warning", detail=f"found {len(data):,} bytes at {place}")
    edges = pixels(data)
    if edges is not None and min(edges) < LEAST_PIXELS:
        message = f"an image is smaller than {LEAST_PIXELS} x {LEAST_PIXELS}, AWS's limit for training rows"
        yield Flaw("image-too-small", message, "warning", detail=f"found {edges[0]} x {edges[1]} at {place}")


def pixels(data: bytes) -> tuple[int, int] | None:
    """Width and height of a GIF, JPEG, PNG or WebP picture; None where its first bytes do not tell."""
    try:
        match _format(data):
            case "png":
                return struct.unpack_from(">II", data, 16)
            case "gif":
                return struct.unpack_from("<HH", data, 6)
            case "jpeg":
                return _jpeg(data)
            case "webp":
                return _webp(data)
            case _:
                return None
    except (struct.error, IndexError):  # cut short
        return None


def _format(data: bytes) -> str | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """From the first start-of-frame segment (ITU-T T.81, B.2.2)."""
    place = 2
    while place < min(len(data), _HEADER_BYTES) and data[place] == 0xFF:
        marker = data[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _JPEG_WITHOUT_SIZE:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return width, height
        place += 2 + max(2, struct.unpack_from(">H", data, place + 2)[0])
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    """From the first chunk: lossy, lossless or extended (RFC 9649)."""
    match data[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            bits = struct.unpack_from("<I", data, 21)[0]
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        case _:
            return None
