"""How datasets are cut into parts."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.datasets.engine.files import PART_BYTES as PART_BYTES_OF_LOCAL_FILES
from novaline.datasets.remote.parts import (
    GRAIN_BYTES,
    MOST_PARTS,
    MOST_RANGES,
    PART_BYTES,
    SourceRefused,
    StoredFile,
    chosen,
    cut,
    list_of,
    part_bytes_for,
    parts_of,
)

URI = "s3://data/sets"


def file(key, size=10):
    return StoredFile(key=key, version=f"v-{key}", size=size)


@given(st.lists(st.integers(0, 400), max_size=30), st.integers(1, 150))
def test_the_parts_cover_every_byte_of_every_file_once_and_in_order(sizes, part_bytes):
    files = [file(f"{number}.jsonl", size) for number, size in enumerate(sizes)]
    ranges = [item for part in cut(files, part_bytes=part_bytes) for item in part.ranges]
    for number, stored in enumerate(files):
        own = [item for item in ranges if item.file == number]
        assert own[0].start == 0
        assert own[-1].end == stored.size
        assert all(before.end == after.start for before, after in pairwise(own))
        assert {(item.key, item.version, item.size) for item in own} == {(stored.key, stored.version, stored.size)}
    assert [item.file for item in ranges] == sorted(item.file for item in ranges)


@given(st.lists(st.integers(0, 400), max_size=30), st.integers(1, 150))
def test_no_part_is_larger_than_asked_and_parts_are_numbered(sizes, part_bytes):
    parts = list(cut([file(str(number), size) for number, size in enumerate(sizes)], part_bytes=part_bytes))
    assert [part.number for part in parts] == list(range(len(parts)))
    for part in parts:
        assert sum(item.end - item.start for item in part.ranges) <= part_bytes


def test_many_small_files_share_a_part_until_its_description_would_grow_too_large():
    parts = list(cut([file(str(number), 1) for number in range(MOST_RANGES + 1)]))
    assert [len(part.ranges) for part in parts] == [MOST_RANGES, 1]
    longest = [file("k" * 1024, 1) for _ in range(MOST_RANGES)]
    assert len(list_of(cut(longest))) < 256 * 1024


def test_large_objects_are_cut_where_the_engine_cuts_local_files():
    assert GRAIN_BYTES == PART_BYTES_OF_LOCAL_FILES
    sizes = [5, 3 * PART_BYTES + 77, GRAIN_BYTES + 1]
    for part_bytes in (PART_BYTES, PART_BYTES + 1, GRAIN_BYTES):
        for part in cut([file(str(number), size) for number, size in enumerate(sizes)], part_bytes=part_bytes):
            for item in part.ranges:
                assert item.start % GRAIN_BYTES == 0
                assert item.last or item.end % GRAIN_BYTES == 0


def test_an_empty_file_is_a_range_of_nothing_so_that_somebody_tells_about_it():
    (part,) = cut([file("empty.jsonl", 0)])
    assert [(item.start, item.end, item.last) for item in part.ranges] == [(0, 0, True)]


def test_a_range_knows_whether_the_object_ends_there():
    assert [item.last for part in cut([file("a", 30)], part_bytes=20) for item in part.ranges] == [False, True]


def test_the_list_of_parts_reads_back_as_it_was_written():
    parts = tuple(cut([file("a", 30), file("ü\n.jsonl", 5)], part_bytes=20))
    written = list_of(parts)
    assert written.count(b"\n") == len(parts)
    assert parts_of(written) == parts


def test_of_very_many_bytes_the_parts_grow_and_not_their_number():
    assert part_bytes_for(10) == PART_BYTES
    total = 3 * MOST_PARTS * PART_BYTES + 1
    assert -(-total // part_bytes_for(total)) <= MOST_PARTS


def test_a_source_is_an_object_of_exactly_that_name_or_the_lines_below_a_folder():
    found = [file("sets/a.jsonl"), file("sets/b.csv"), file("sets/c/d.jsonl"), file("sets-too/e.jsonl")]
    assert [item.key for item in chosen(found, source=URI, prefix="sets")] == ["sets/a.jsonl", "sets/c/d.jsonl"]
    assert [item.key for item in chosen(found, source=URI, prefix="sets/c/d.jsonl")] == ["sets/c/d.jsonl"]
    assert len(chosen(found, source=URI, prefix="")) == 3


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("nowhere", "there is nothing at"),
        ("tables", "none of the 1 objects below"),
        ("tables/b.csv", "no .jsonl by its name"),
    ],
)
def test_a_source_of_which_nothing_can_be_read_is_refused_with_what_is_there(prefix, message):
    with pytest.raises(SourceRefused, match=message):
        chosen([file("tables/b.csv")], source=f"s3://data/{prefix}", prefix=prefix)
