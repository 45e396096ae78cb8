"""ROUGE-L: F-measure of the longest sequence of words that answer and reference have in common, in order, with gaps.

Words are runs of letters and digits, without case and without stemming; sentences are not told apart. A text in a
script that writes no spaces is one word a run. Of several right answers the nearest counts.
Source: Lin, ROUGE: A Package for Automatic Evaluation of Summaries (2004), section 3, with beta = 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from novaline.rewards.contract import Reward, Rollout, Score, Unscorable
from novaline.rewards.library.references import FIELD_DOC, texts_of
from novaline.rewards.library.token_f1 import shares
from novaline.rewards.library.words import plain_words


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set on ROUGE-L."""

    reference_field: str = field(default="", metadata={"doc": FIELD_DOC})


def reward(options: Options) -> Reward:
    """See the module. The measures are `precision` and `recall`."""

    def score(rollout: Rollout) -> Score:
        expected = [words for text in texts_of(rollout, options.reference_field) if (words := plain_words(text))]
        if not expected:
            raise Unscorable("the reference holds no words")
        said = plain_words(rollout.answer)
        found = (shares(longest_common(said, words), len(said), len(words)) for words in expected)
        f1, precision, recall = max(found)
        return Score(f1, {"precision": precision, "recall": recall})

    return score


def longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence.

    Bit by bit in one whole number, so that 20,000 words on either side take a moment. Source: Hyyrö, Bit-Parallel
    LCS-length Computation Revisited (2004).
    """
    shared = set(one) & set(other)
    one, other = sorted(([word for word in words if word in shared] for words in (one, other)), key=len)
    places: dict[str, int] = {}
    for at, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << at
    everywhere = (1 << len(one)) - 1
    row = everywhere
    for word in other:
        here = row & places.get(word, 0)
        row = ((row + here) | (row - here)) & everywhere
    return len(one) - row.bit_count()
