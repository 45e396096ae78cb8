"""F1 of the words that answer and reference share, from 0 to 1: partial credit for the right words in any order.

As SQuAD counts: words without case, punctuation and articles, each as often as both have it. Of several right answers
the nearest counts. Source: Rajpurkar et al., SQuAD, and its evaluation script.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from novaline.rewards.contract import Reward, Rollout, Score, Unscorable
from novaline.rewards.library.references import FIELD_DOC, texts_of
from novaline.rewards.library.words import quasi_words


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set on a token F1."""

    reference_field: str = field(default="", metadata={"doc": FIELD_DOC})


def reward(options: Options) -> Reward:
    """See the module. The measures are `precision` and `recall`."""

    def score(rollout: Rollout) -> Score:
        expected = [words for text in texts_of(rollout, options.reference_field) if (words := quasi_words(text))]
        if not expected:
            raise Unscorable("the reference holds no words")
        said = quasi_words(rollout.answer)
        f1, precision, recall = max(shares(_common(said, words), len(said), len(words)) for words in expected)
        return Score(f1, {"precision": precision, "recall": recall})

    return score


def shares(common: int, said: int, expected: int) -> tuple[float, float, float]:
    """F1, precision and recall of so many common words."""
    if not common:
        return 0.0, 0.0, 0.0
    precision, recall = common / said, common / expected
    return 2 * precision * recall / (precision + recall), precision, recall


def _common(said: Sequence[str], expected: Sequence[str]) -> int:
    return (Counter(said) & Counter(expected)).total()
