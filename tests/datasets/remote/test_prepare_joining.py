"""Pieces become the parts of an upload: all bytes once and in order, in parts that S3 takes."""

import random

import pytest

from novaline.datasets.remote import prepare_joining
from novaline.datasets.remote.prepare_joining import LEAST_BYTES, MOST_COPIED, Carried, Copied, uploads

MIB = 1 << 20


def flat(parts):
    """The slices of the parts in order, those that touch each other as one."""
    found = []
    for part in parts:
        for piece in (part.slice,) if isinstance(part, Copied) else part.slices:
            if found and found[-1][0] == piece.key and found[-1][2] == piece.start:
                found[-1] = (piece.key, found[-1][1], piece.end)
            else:
                found.append((piece.key, piece.start, piece.end))
    return found


def size(part):
    return part.slice.size if isinstance(part, Copied) else sum(piece.size for piece in part.slices)


@pytest.mark.parametrize("seed", range(200))
def test_all_bytes_are_there_once_and_in_order_and_no_part_but_the_last_is_too_small(seed):
    chance = random.Random(seed)
    sizes = [chance.choice((1, 50, 99, 100, 101, 150, 199, 200, 1000, 5000)) for _ in range(chance.randrange(1, 30))]
    pieces = [(f"piece {number}", size) for number, size in enumerate(sizes)]
    parts = list(uploads(pieces, least=100))
    assert flat(parts) == [(key, 0, size) for key, size in pieces]
    assert all(size(part) >= 100 for part in parts[:-1])
    assert all(size(part) < 200 for part in parts if isinstance(part, Carried))


def test_large_pieces_are_copied_and_none_of_their_bytes_is_carried():
    parts = list(uploads([("a", 20 * MIB), ("b", 6 * MIB), ("c", LEAST_BYTES)]))
    assert [type(part) for part in parts] == [Copied, Copied, Copied]


def test_small_pieces_take_no_more_of_the_next_than_they_lack():
    small, copied = uploads([("a", 1 * MIB), ("b", 100 * MIB)])
    assert size(small) == LEAST_BYTES
    assert copied.slice.range == f"bytes={4 * MIB}-{100 * MIB - 1}"


def test_a_piece_beyond_what_one_copy_takes_is_copied_in_equal_parts():
    parts = list(uploads([("a", 2 * MOST_COPIED + 1)]))
    assert [size(part) // MIB for part in parts] == [682, 682, 682]


def test_five_thousand_pieces_fit_into_one_upload():
    sizes = [LEAST_BYTES - 1 if number % 2 else 300 * MIB for number in range(5_000)]
    assert sum(1 for _ in uploads([(str(number), size) for number, size in enumerate(sizes)])) <= 10_000


def test_no_bytes_are_no_parts():
    assert list(uploads([])) == []
    assert prepare_joining.LEAST_BYTES == 5 * MIB
