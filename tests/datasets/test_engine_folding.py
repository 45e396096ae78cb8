"""Texts fold alike when only case, spaces and punctuation differ; their keys are then the same at every place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novaline.datasets.engine.folding import WHOLE, Place, folded, folded_hash, folded_hashes, place_for

ALIKE = [
    ("Where is my order?", "where is my  order"),
    ("I can't log in!", "I cant log in"),
    ("Straße  und Größe…", "STRASSE UND GRÖSSE"),
    ("well-known, so to say", "well known so to say"),
    ("in 1999, 20 people came.", "in 1999, 20 people came"),
    ("what is 2 + 2", "what is 2+2"),
    ("from 10 - 20 x", "from 10-20 x"),
]
DIFFERENT = [
    ("what is 3 + 2", "what is 3 - 2"),
    ("what is 1.5", "what is 15"),
    ("add 1 2", "add 12"),
    ("great 🙂", "great 🙁"),
    ("3 \u00d7 2 is", "3 \u00f7 2 is"),
    ("x = y", "x y"),
    ("take 2 - 2", "take 2 2"),
    ("10 $ please", "10 € please"),
    ("it is -5 degrees", "it is 5 degrees"),
    ("C# or what", "C or what"),
    ("???", "!!!"),
    ("", "?"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_case_spaces_and_punctuation_do_not_count(one, other):
    assert folded(one) == folded(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_numbers_signs_and_emoji_do(one, other):
    assert folded(one) != folded(other)


PIECES = st.sampled_from(["Please: ", "please", "the text", " é", "É", "1", "+", "-", "!", "\n", "\0", "abc", "…", "ß"])
TEXTS = st.lists(PIECES, max_size=14).map("".join)
PLACES = st.one_of(
    st.just(WHOLE), st.builds(Place, shared=st.lists(PIECES, max_size=3).map("".join), at_end=st.booleans())
)


@settings(max_examples=400)
@given(TEXTS, TEXTS, PLACES, st.sampled_from(["Please: the text", ""]), st.sampled_from(["abc!", "…"]))
def test_what_folds_alike_has_the_same_key_at_any_place(one, other, place, before, after):
    for first, second in ((one, other), (one, one.upper()), (one, f" {one}!"), (one, one.replace("-", " "))):
        texts = [before + first + after, before + second + after]
        keys = place.keys(texts)
        if folded(texts[0]) == folded(texts[1]):
            assert keys[0] == keys[1]


@pytest.mark.parametrize("place", [Place(), Place(at_end=True), Place(shared="a"), Place(shared="z", at_end=True)])
def test_much_punctuation_before_what_differs_hides_nothing(place):
    letters = "bcdefghijklmnopqrstuvwxy" * 2
    keys = place.keys([f"a{'! ' * 50}{letters}{'?' * 90}z", f"a {letters} z", f"a {letters[::-1]} z"])
    assert keys[0] == keys[1] != keys[2]


@given(st.lists(TEXTS, max_size=5), PLACES)
def test_texts_have_the_same_keys_together_and_alone(texts, place):
    assert list(place.keys(texts)) == [place.keys([text])[0] for text in texts]
    assert list(folded_hashes(texts)) == [folded_hash(text) for text in texts]


def test_a_place_is_where_texts_differ():
    names = [f"{number * 7919:x} and then some more words to fill the line" for number in range(300)]
    assert place_for(names) == Place()
    template = "Classify this message into one of the intents that are listed below:\n"
    assert place_for([template + name for name in names]) == Place(shared=template)
    closing = "\nAnswer with one label and nothing else, please, in lower case."
    ending = [f"{'the same beginning of all '}{'x' * (number % 3)}{name[:8]}" for number, name in enumerate(names)]
    both = [f"{template}{text}{closing}" for text in ending]
    keys = place_for(both).keys(both)
    assert len(set(keys)) > 0.9 * len(both)
    same = [
        "the same beginning, long enough " * 4 + str(index) + " the same end, long enough " * 4 for index in range(300)
    ]
    alternating = [text if index % 2 else "And " + text + "!" for index, text in enumerate(same)]
    assert place_for(alternating) == WHOLE
