"""However a file is cut into blocks and ranges, every line is read once, whole, and known by its place."""

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.datasets.engine import blocks as blocks_module
from novaline.datasets.engine.blocks import line_blocks

CONTENT = st.lists(st.binary(max_size=30), max_size=12).map(b"\n".join)


def lines_of(content, start=0, end=None, **options):
    """(offset, line without its newline) of every line that a range gives."""
    found = []
    for block in line_blocks(io.BytesIO(content), start, end, **options):
        data, offset = bytes(block.view), block.offset
        assert data.endswith(b"\n")
        assert len(data) == block.length
        for line in data[:-1].split(b"\n"):
            found.append((offset, line))
            offset += len(line) + 1
    return found


def all_lines(content):
    found, offset = [], 0
    for line in content.removesuffix(b"\n").split(b"\n") if content else []:
        found.append((offset, line))
        offset += len(line) + 1
    return found


@given(CONTENT, st.integers(1, 40))
def test_blocks_of_any_size_hold_all_lines_once(content, size):
    assert lines_of(content, size=size) == all_lines(content)


@given(CONTENT, st.integers(1, 40), st.lists(st.integers(1, 300), max_size=4), st.sampled_from([None, 7, 50]))
def test_ranges_that_cover_a_file_cover_each_line_once(content, size, cuts, part):
    edges = [0, *sorted({cut for cut in cuts if cut < len(content)})]
    found = []
    for start, end in zip(edges, [*edges[1:], None], strict=True):
        found += lines_of(content, start, end, size=size, part=part)
    assert found == all_lines(content)


@given(CONTENT, st.integers(1, 20), st.integers(1, 40))
def test_a_block_holds_lines_of_one_part_only(content, size, part):
    assert lines_of(content, size=size, part=part) == all_lines(content)
    for block in line_blocks(io.BytesIO(content), size=size, part=part):
        ends = [index for index, byte in enumerate(bytes(block.view)[:-1]) if byte == ord("\n")]
        starts = [block.offset, *(block.offset + end + 1 for end in ends)]
        assert len({start // part for start in starts}) == 1


@given(CONTENT, st.integers(1, 40))
def test_all_bytes_are_told_in_their_order(content, size):
    digest = hashlib.sha256()
    sizes = sum(block.size for block in line_blocks(io.BytesIO(content), size=size, read=digest.update))
    assert (sizes, digest.hexdigest()) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_line_that_is_too_long_is_skipped_and_its_beginning_is_shown(monkeypatch):
    monkeypatch.setattr(blocks_module, "LONGEST_LINE", 100)
    content = b"one\n" + b"x" * 5000 + b"\nthree\n"
    digest = hashlib.sha256()
    found = [
        (block.offset, block.size, block.too_long, bytes(block.view))
        for block in line_blocks(io.BytesIO(content), size=16, read=digest.update)
    ]
    assert [each[:3] for each in found] == [(0, 4, False), (4, 5001, True), (5005, 6, False)]
    assert found[1][3].strip(b"x") == b"\n"
    assert 100 < len(found[1][3]) < 200
    assert (found[0][3], found[2][3]) == (b"one\n", b"three\n")
    assert digest.hexdigest() == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("end", [3, 4, 5])
def test_a_line_belongs_to_the_range_of_its_first_byte(end):
    assert lines_of(b"one\ntwo\n", 0, end) == ([(0, b"one")] if end < 5 else [(0, b"one"), (4, b"two")])
