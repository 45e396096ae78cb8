"""A reward function: the Lambda that scores rollouts while a model is trained by reinforcement."""

from __future__ import annotations

from nova_constructs.scoring_function import ScoringFunction


class RewardFunction(ScoringFunction):
    """Scores batches of rollouts as `reward.json` declares it. Event and answer: `novaline.rewards.contract`."""

    _folder = "reward"
