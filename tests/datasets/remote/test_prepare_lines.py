"""Ranges of an object have the batches of the whole: the same rows, the same numbers, the same company."""

import io
import random

import pytest

from novaline.datasets.readers import json_lines
from novaline.datasets.readers.json_lines import read_json_lines
from novaline.datasets.remote import prepare_lines
from novaline.datasets.remote.parts import Range
from novaline.datasets.remote.prepare_lines import LineRange, shifted

BLOCK = 64
PIECES = (
    b'{"a": 1}',
    b'{"a": "%s"}' % (b"x" * 90),
    b"",
    b"  ",
    b"no json",
    b"[1, 2]",
    b'{"b": "\xc3\xa9"}',
    b"\xff",
    b"7",
)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    for module in (json_lines, prepare_lines):
        monkeypatch.setattr(module, "BLOCK_BYTES", BLOCK)
        monkeypatch.setattr(module, "LONGEST_LINE", 4 * BLOCK)
    monkeypatch.setattr(prepare_lines, "_FIRST_LOOK", 16)


def told(batches):
    """What a batch is to who reads it, without batches of nothing."""
    found = [(list(batch.numbers), batch.rows, batch.unreadable) for batch in batches]
    return [batch for batch in found if batch[0] or batch[2]]


def flat(batches):
    """All numbers with their rows, and all that nobody can read."""
    rows = [pair for numbers, rows, _ in batches for pair in zip(numbers, rows, strict=True)]
    return rows, [bad for _, _, unreadable in batches for bad in unreadable]


def of_ranges(content, size):
    """The batches of all ranges, each with the lines of those before it."""
    found, before = [], 0
    for start in range(0, max(len(content), 1), size):
        end = min(len(content), start + size)
        piece = Range(file=0, key="a.jsonl", version="1", start=start, end=end, size=len(content))
        lines = LineRange(io.BytesIO(content), piece, source="a")
        found += [shifted(batch, before) for batch in lines.batches()]
        before += lines.lines
    return told(found)


def whole(content):
    return told(read_json_lines(io.BufferedReader(io.BytesIO(content), BLOCK), source="a"))


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("blocks", [1, 2, 5])
def test_ranges_at_blocks_have_the_very_batches_of_the_whole(seed, blocks):
    chance = random.Random(seed)
    ends = (b"\n", b"\r\n") if seed % 3 else (b"\n",)
    lines = [chance.choice(PIECES) + chance.choice(ends) for _ in range(chance.randrange(80))]
    content = b"".join(lines) + chance.choice((b"", b'{"last": 1}'))
    if seed % 5 == 0:
        content = b"\xef\xbb\xbf" + content
    assert of_ranges(content, blocks * BLOCK) == whole(content)


@pytest.mark.parametrize(
    "longest", [0, 1, 63, 64, 65, 4 * BLOCK - 1, 4 * BLOCK, 4 * BLOCK + 1, 5 * BLOCK, 9 * BLOCK + 7]
)
@pytest.mark.parametrize("before", [0, 1, 50, 64, 130])
@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_a_line_that_is_too_long_is_told_once_by_one_range(longest, before, blocks):
    row = b'{"a": "' + b"x" * longest + b'"}\n'
    content = b"1" * before + b"\n" + row + b'{"b": 1}\n' * 40
    assert flat(of_ranges(content, blocks * BLOCK)) == flat(whole(content))


def test_a_file_that_is_one_line_without_an_end_is_told_as_the_whole_tells_it():
    for size in (1, BLOCK, 4 * BLOCK, 4 * BLOCK + 1, 20 * BLOCK + 3):
        content = b"x" * size
        assert of_ranges(content, BLOCK) == whole(content), size


@pytest.mark.parametrize("seed", range(20))
def test_ranges_elsewhere_have_the_same_rows_with_the_same_numbers(seed):
    chance = random.Random(seed)
    content = b"".join(chance.choice(PIECES) + b"\n" for _ in range(60))
    assert flat(of_ranges(content, chance.randrange(3, 200))) == flat(whole(content))
