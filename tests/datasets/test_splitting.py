"""The split is a pure function of the question: it never moves an example, keeps its shares, and splits no twins."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.datasets import splitting
from novaline.datasets.engine.folding import folded
from novaline.datasets.splitting import Shares, Splitter, StraddleWatch, Survey, fold, hashes
from novaline.findings import UsageProblem

SHARES = Shares.parse("80/10/10")


def split_of(texts, splitter, labels=None):
    return list(splitter.assign(hashes(map(fold, texts), seed=splitter.seed), labels))


def surveyed(texts, labels, shares=SHARES, *, seed=0, like=None):
    survey = Survey()
    for start in range(0, len(texts), 7):
        survey.add(hashes(map(fold, texts[start : start + 7]), seed=seed), labels[start : start + 7])
    return survey.splitter(shares, seed=seed, like=like)


# ---- folding -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is my order?", "  where is MY order"),
        ("It\u2019s 5 o'clock", "its 5 oclock"),
        ("Café au lait", "cafe au lait"),
        ("ﬁne", "FINE"),
        ("Straße", "STRASSE"),
    ],
)
def test_texts_that_differ_in_case_punctuation_spaces_and_accents_fold_alike(one, other):
    assert fold(one) == fold(other)


def test_what_is_all_punctuation_is_told_apart():
    assert len({fold(text) for text in ("?", "??", "…", "")}) == 4


@given(text=st.text(), changes=st.randoms(use_true_random=False))
def test_what_the_validator_takes_for_one_question_folds_alike(text, changes):
    other = "".join(
        char.upper()
        if changes.random() < 0.3 and char.upper().lower() == char
        else char + changes.choice(["", "", "!", " "])
        for char in text
    )
    if folded(text) == folded(other):
        assert fold(text) == fold(other)


def test_folding_and_hashing_are_what_they_were_because_splits_hang_on_them():
    texts = ["Where is my order?", "Café, s'il vous plaît!", "注文はどこですか", "???"]
    assert [fold(text).decode() for text in texts] == ["whereismyorder", "cafesilvousplait", "注文はとこてすか", "???"]
    assert [f"{number:016x}" for number in hashes(map(fold, texts), seed=0).tolist()] == FROZEN


FROZEN = ["617b36501ffce6db", "7bf4b91561e185b8", "32fd030f4676ade2", "d6a951a29432061d"]


# ---- shares ------------------------------------------------------------------------------------------------------


def test_shares_name_their_splits():
    assert Shares.parse("80/10/10").names == ("train", "validation", "test")
    assert Shares.parse("9/1").names == ("train", "validation")


@pytest.mark.parametrize(
    "text", ["80", "80/20/0/0", "a/b", "0/50/50", "100/0", "80/-10/30", "80.5/19.5", "", "1" * 40 + "/1"]
)
def test_what_is_no_split_is_wrong_usage(text):
    with pytest.raises(UsageProblem):
        Shares.parse(text)


@given(st.lists(st.integers(1, 99), min_size=2, max_size=3), st.integers(0, 400))
def test_counts_add_up_and_leave_no_split_empty_where_there_are_enough(parts, rows):
    counts = Shares(parts=tuple(parts)).counts(rows)
    assert sum(counts) == rows
    assert all(counts) or rows < len(parts)
    exact = [rows * part / sum(parts) for part in parts]
    assert all(abs(count - share) < len(parts) for count, share in zip(counts, exact, strict=True))


# ---- allotting ---------------------------------------------------------------------------------------------------

TEXTS = [f"question number {number}" for number in range(20_000)]


def test_the_shares_are_kept():
    splits = split_of(TEXTS, Splitter(shares=SHARES, seed=0))
    assert [round(splits.count(split) / len(TEXTS), 2) for split in range(3)] == [0.8, 0.1, 0.1]


def test_an_example_stays_whatever_else_is_there_and_in_whatever_order():
    splitter = Splitter(shares=SHARES, seed=0)
    alone = dict(zip(TEXTS, split_of(TEXTS, splitter), strict=True))
    other = random.Random(1).sample(TEXTS, 500) + [f"another {number}" for number in range(500)]
    assert all(alone.get(text, split) == split for text, split in zip(other, split_of(other, splitter), strict=True))


def test_another_seed_is_another_split():
    one, other = (split_of(TEXTS, Splitter(shares=Shares.parse("1/1"), seed=seed)) for seed in (0, 1))
    assert 0.48 < sum(a == b for a, b in zip(one, other, strict=True)) / len(TEXTS) < 0.52


def test_near_duplicates_never_straddle():
    splitter = Splitter(shares=Shares.parse("1/1/1"), seed=0)
    assert split_of(TEXTS, splitter) == split_of([f"  {text.upper()} !!" for text in TEXTS], splitter)


# ---- stratifying -------------------------------------------------------------------------------------------------


def test_every_label_has_its_shares_exactly():
    labels = [f"label {number % 200}" for number in range(len(TEXTS))]
    splits = split_of(TEXTS, surveyed(TEXTS, labels), labels)
    for label in set(labels):
        own = [split for split, each in zip(splits, labels, strict=True) if each == label]
        assert [own.count(split) for split in range(3)] == [80, 10, 10]


def test_the_order_of_rows_does_not_matter():
    labels = [f"label {number % 7}" for number in range(1000)]
    pairs = list(zip(TEXTS[:1000], labels, strict=True))
    shuffled = random.Random(2).sample(pairs, len(pairs))
    one, other = (surveyed([text for text, _ in each], [label for _, label in each]) for each in (pairs, shuffled))
    assert one == other


def test_a_question_with_two_labels_is_in_one_split():
    labels = [f"label {number % 40}" for number in range(2000)]
    texts = [*TEXTS[:2000], *(text.upper() for text in TEXTS[:400])]
    labels += [f"label {(number + 1) % 40}" for number in range(400)]
    splitter = surveyed(texts, labels)
    splits = split_of(texts, splitter, labels)
    assert splits[:400] == splits[2000:]
    alone = Splitter(shares=SHARES, seed=0, strata=splitter.strata)
    assert split_of(TEXTS[:400], alone, labels[:400]) != split_of(TEXTS[:400], alone, labels[2000:])


def test_a_split_begins_at_its_cut():
    import numpy as np

    (cut,) = Shares.parse("1/1").cuts
    found = np.array([cut - 1, cut], dtype=np.uint64)
    assert list(Splitter(shares=Shares.parse("1/1"), seed=0).assign(found)) == [0, 1]


def test_rows_that_come_later_move_none_when_split_alike():
    labels = [f"label {number % 40}" for number in range(2000)]
    first = surveyed(TEXTS[:2000], labels)
    before = split_of(TEXTS[:2000], first, labels)
    again = Splitter.from_json(first.as_json())
    more = [*TEXTS[:4000]]
    more_labels = labels + [f"label {number % 50}" for number in range(2000)]
    assert split_of(more, surveyed(more, more_labels, like=again), more_labels)[:2000] == before
    moved = split_of(more, surveyed(more, more_labels), more_labels)[:2000]
    assert moved != before, "nothing would have moved anyway"


def test_beyond_the_surveys_limit_labels_are_split_by_chance(monkeypatch):
    monkeypatch.setattr(splitting, "MOST_SURVEYED", 100)
    survey = Survey()
    survey.add(hashes(map(fold, TEXTS[:200]), seed=0), ["a", "b"] * 100)
    assert not survey.complete
    assert survey.splitter(SHARES, seed=0) == Splitter(shares=SHARES, seed=0)


@given(st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=30), st.sampled_from(["80/10/10", "1/1", "98/1/1"]))
def test_cuts_give_every_split_its_count(numbers, text):
    shares = Shares.parse(text)
    cuts = splitting._cuts(sorted(numbers), shares)
    found = [sum(number >= cut for cut in cuts) for number in numbers]
    assert tuple(found.count(split) for split in range(len(shares.parts))) == shares.counts(len(numbers))


# ---- straddling --------------------------------------------------------------------------------------------------


def test_questions_in_several_splits_are_counted_once_each():
    watch = StraddleWatch()
    assert watch.count() == 0
    watch.add(hashes([b"a", b"b", b"a", b"a"], seed=0), [0, 1, 1, 2])
    watch.add(hashes([b"c", b"b", b"c"], seed=0), [0, 1, 2])
    assert watch.count() == 2
