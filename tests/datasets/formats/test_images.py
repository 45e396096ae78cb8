"""Pictures inside of rows: format and edges are read from their first bytes, however few there are."""

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.datasets.formats.images import MOST_BYTES, image_flaws, pixels

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", 640, 480)
GIF = b"GIF87a" + struct.pack("<HH", 640, 480)
JPEG_START = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(10)
JPEG = JPEG_START + b"\xff\xc4\x00\x05abc" + b"\xff\xc2\x00\x11\x08" + struct.pack(">HH", 480, 640) + bytes(9)
LOSSY = b"RIFF\0\0\0\0WEBPVP8 " + bytes(10) + struct.pack("<HH", 640, 480)
LOSSLESS = b"RIFF\0\0\0\0WEBPVP8L" + bytes(4) + b"\x2f" + struct.pack("<I", 639 | 479 << 14)
EXTENDED = b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")
ALL = {"png": PNG, "gif": GIF, "jpeg": JPEG, "lossy": LOSSY, "lossless": LOSSLESS, "extended": EXTENDED}


def uri(data, kind="png"):
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize("name", ALL)
def test_the_edges_of_a_picture_are_read(name):
    assert pixels(ALL[name]) == (640, 480)


@pytest.mark.parametrize("name", ALL)
def test_a_picture_that_is_cut_short_is_no_exception(name):
    for length in range(len(ALL[name])):
        pixels(ALL[name][:length])


@given(st.binary(max_size=64), st.sampled_from(list(ALL.values())))
def test_any_bytes_behind_a_signature_are_no_exception(tail, start):
    pixels(start[:16] + tail)
    list(image_flaws(uri(start[:12] + tail), "images[0].data"))


def test_a_jpeg_whose_segments_never_end_is_left_alone():
    assert pixels(b"\xff\xd8" + b"\xff\xe0\x00\x00" * 100_000) is None


def test_a_jpeg_of_the_oldest_kind_has_edges_and_other_files_of_chunks_are_no_pictures():
    assert pixels(JPEG.replace(b"\xff\xc2", b"\xff\xc0")) == (640, 480)
    for other in (b"RIFF\0\0\0\0WAVEVP8X", LOSSY.replace(b"RIFF", b"RIFX")):
        assert [flaw.code for flaw in image_flaws(uri(other + bytes(20)), "p")] == ["image-data"]


def test_a_picture_within_the_limits_has_no_flaw():
    assert list(image_flaws(uri(PNG), "p")) == []
    assert list(image_flaws(uri(PNG + bytes(MOST_BYTES - len(PNG))), "p")) == []


def test_a_picture_beyond_the_limits_is_told_with_its_size():
    (large,) = image_flaws(uri(PNG + bytes(MOST_BYTES)), "p")
    assert (large.code, large.severity) == ("image-too-large", "warning")
    (small,) = image_flaws(uri(PNG[:16] + struct.pack(">II", 640, 24)), "p")
    assert (small.code, small.severity, small.detail) == ("image-too-small", "warning", "found 640 x 24 at p")
