"""Repeats are found alike in plain Python and with numpy, in memory and through files."""

from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novaline.datasets.engine import fast_repeats, stores
from novaline.datasets.engine import repeats as repeats_module
from novaline.datasets.engine.fast_repeats import FastRecordStore, KeyStore
from novaline.datasets.engine.repeats import RecordStore, Repeats, plain_repeats

# A row is its prompt (whose folding is its tens), its system text, its answer, and some further bytes.
ROWS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 1), st.integers(0, 2), st.integers(0, 1)), max_size=40)


def records_of(rows):
    """The records of rows in lines 1, 2, 3 …, whose bytes are all that they are."""
    numbers = array("Q")
    for line, (prompt, system, answer, more) in enumerate(rows, 1):
        whole = ((prompt * 2 + system) * 3 + answer) * 2 + more
        numbers.extend((1000 + prompt // 10, prompt, system, answer, whole, line))
    return numbers


def counts(found):
    return [(each.count, each.first) for each in (found.rows, found.answers, found.prompts)]


@settings(max_examples=200)
@given(ROWS)
def test_plain_python_and_numpy_find_the_same(rows):
    records = records_of(rows)
    with FastRecordStore() as store:
        store.add(records.tobytes(), lines=0)
        assert counts(store.repeats()) == counts(plain_repeats(records))


def test_each_line_is_told_once_with_the_line_that_it_repeats():
    rows = [(11, 0, 1, 0), (11, 0, 1, 0), (11, 0, 2, 0), (12, 0, 1, 0), (11, 1, 2, 0), (11, 0, 1, 1), (25, 0, 1, 0)]
    found = plain_repeats(records_of(rows))
    assert counts(found) == [(1, [(2, 1)]), (1, [(3, 1)]), (1, [(4, 1)])]


def test_only_the_first_lines_are_kept_and_all_are_counted():
    found = plain_repeats(records_of([(11, 0, 1, 0)] * 100))
    assert counts(found) == [(99, [(line, 1) for line in range(2, 7)]), (0, []), (0, [])]


@pytest.mark.parametrize(("few", "bucket_bytes"), [(20_000, 1 << 16), (10, 1 << 16), (10, 64), (0, 1)])
def test_parts_are_put_together_whatever_is_kept_in_memory(monkeypatch, few, bucket_bytes):
    monkeypatch.setattr(repeats_module, "FEW", few)
    monkeypatch.setattr(stores, "_BUCKET_BYTES", bucket_bytes)
    rows = [(number % 29 + 1, number % 2, number % 3, 0) for number in range(200)]
    whole = plain_repeats(records_of(rows))
    with RecordStore() as store:
        for start in range(0, 200, 7):
            store.add(records_of(rows[start : start + 7]).tobytes(), lines=start)
        assert counts(store.repeats()) == counts(whole)


def test_nothing_repeats_where_there_is_nothing():
    with RecordStore() as store:
        assert store.repeats() == Repeats()


@settings(max_examples=100)
@given(st.lists(st.integers(0, 40), max_size=200), st.integers(1, 50), st.sampled_from([1 << 22, 300, 0]))
def test_lines_whose_key_another_line_has_are_marked(keys, part, waiting):
    with pytest.MonkeyPatch.context() as patch, KeyStore() as store:
        patch.setattr(fast_repeats, "_MOST_WAITING", waiting)
        for start in range(0, len(keys), part):
            store.add(array("Q", keys[start : start + part]).tobytes())
        bits = store.shared()
    marked = [] if bits is None else np.flatnonzero(np.unpackbits(bits, bitorder="little")).tolist()
    assert marked == [index for index, key in enumerate(keys) if key and keys.count(key) > 1]
