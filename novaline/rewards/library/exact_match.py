"""1 when the answer is the reference, character for character, else 0; space around either does not count.

As `exact_match` of Nova's evaluations, which is HELM's. A reference that is a list names several right answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from novaline.rewards.contract import Reward, Rollout, Score, Unscorable
from novaline.rewards.library.references import FIELD_DOC, texts_of


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set on an exact match."""

    reference_field: str = field(default="", metadata={"doc": FIELD_DOC})


def reward(options: Options) -> Reward:
    """See the module."""

    def score(rollout: Rollout) -> Score:
        expected = {text.strip() for text in texts_of(rollout, options.reference_field)} - {""}
        if not expected:
            raise Unscorable("the reference is empty")
        return Score(float(rollout.answer.strip() in expected))

    return score
