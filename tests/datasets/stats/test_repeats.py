"""Repeats: those that a plain count finds, however the rows are spread over buckets and files."""

import tracemalloc
from collections import Counter, defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from novaline.datasets.stats import repeats as room
from novaline.datasets.stats.repeats import RepeatFinder

# A row is its prompt, its answer and a rest that only the row's bytes show.
ROWS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3), st.integers(0, 2)), max_size=150)


def found_in(rows, batch=7):
    with RepeatFinder() as finder:
        for start in range(0, len(rows), batch):
            part = rows[start : start + batch]
            finder.add(
                prompts=[hash(f"prompt {row[0]}") for row in part],
                rows=[hash(row) for row in part],
                answers=[hash(f"answer {row[1]}") for row in part],
                lines=range(start + 1, start + 1 + len(part)),
            )
        return finder.repeats()


@given(ROWS)
@settings(max_examples=200)
def test_what_repeats_is_what_a_plain_count_finds(rows):
    found = found_in(rows)
    prompts, answers = Counter(row[0] for row in rows), defaultdict(set)
    for row in rows:
        answers[row[0]].add(row[1])
    contradicting = {prompt for prompt, different in answers.items() if len(different) > 1}
    assert found.rows == len(rows) - len(set(rows))
    assert found.prompts == len(rows) - len(prompts)
    assert found.contradictions == len(contradicting)
    assert found.contradicting == sum(prompts[prompt] for prompt in contradicting)
    most = sorted((count for count in Counter(rows).values() if count > 1), reverse=True)[:5]
    assert [group.rows for group in found.worst_rows] == most
    for group in found.worst_rows:
        same = [line for line, row in enumerate(rows, 1) if row == rows[group.lines[0] - 1]]
        assert (group.rows, list(group.lines)) == (len(same), same[:3])
    for group in found.worst_contradictions:
        told = [rows[line - 1] for line in group.lines]
        assert len({row[0] for row in told}) == 1
        assert len({row[1] for row in told}) == len(told) >= 2
        assert group.rows == prompts[told[0][0]]


def test_files_find_what_memory_finds(monkeypatch):
    rows = [(number % 700, number % 3, number % 5) for number in range(3000)]
    in_memory = found_in(rows)
    monkeypatch.setattr(room, "_BUCKET_BYTES", 64)
    monkeypatch.setattr(room, "_BATCH", 50)
    assert found_in(rows) == in_memory
    assert in_memory.prompts == 2300


def peak(rows):
    tracemalloc.start()
    with RepeatFinder() as finder:
        for start in range(0, rows, 1000):
            hashes = [hash(str(number)) for number in range(start, start + 1000)]
            finder.add(prompts=hashes, rows=hashes, answers=hashes, lines=range(start, start + 1000))
        assert finder.repeats().rows == 0
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_memory_does_not_grow_with_the_rows():
    small, large = peak(150_000), peak(600_000)
    assert large < 1.3 * small
    assert large < 16e6
