"""1 when answer and reference have the same words in the same order, else 0.

Case, ASCII punctuation, the articles a, an and the, and runs of space do not count: `quasi_exact_match` of Nova's
evaluations, which is HELM's. A reference that is a list names several right answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from novaline.rewards.contract import Reward, Rollout, Score, Unscorable
from novaline.rewards.library.references import FIELD_DOC, texts_of
from novaline.rewards.library.words import quasi_words


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set on a quasi-exact match."""

    reference_field: str = field(default="", metadata={"doc": FIELD_DOC})


def reward(options: Options) -> Reward:
    """See the module."""

    def score(rollout: Rollout) -> Score:
        expected = [words for text in texts_of(rollout, options.reference_field) if (words := quasi_words(text))]
        if not expected:
            raise Unscorable("the reference holds no words")
        return Score(float(quasi_words(rollout.answer) in expected))

    return score
