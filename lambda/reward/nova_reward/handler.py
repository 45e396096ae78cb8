"""The Lambda: a batch of rollouts in, their scores out. Which scoring is set when the function is deployed."""

from __future__ import annotations

import json
import os

from nova_reward.contract import SampleAnswer, Score, answer_of, batch_of, id_of, rollout_of
from nova_reward.scoring import SCORINGS, Scoring


def handler(event: object, context: object) -> list[SampleAnswer]:
    """Scores every sample of the batch by the scoring that the variable SCORING names.

    Same ids, same order, same count, finite numbers. A sample that cannot be scored gets reward 0 and the measure
    `unscorable`, and a line in the log; the others keep theirs. Raises NotABatch for an event that is no array.
    """
    return score_batch(event, scoring=SCORINGS[os.environ["SCORING"]])


def score_batch(event: object, *, scoring: Scoring) -> list[SampleAnswer]:
    """The answer to a batch; see `handler`."""
    return [_score(sample, id_of(sample, position), scoring) for position, sample in enumerate(batch_of(event))]


def _score(sample: object, sample_id: object, scoring: Scoring) -> SampleAnswer:
    try:
        score = scoring(rollout_of(sample))
        return answer_of(sample_id, Score(score.reward, {**score.measures, "unscorable": 0.0}))
    except Exception as problem:  # whatever one sample does, the batch of a paid job goes on
        print(json.dumps({"unscorable": sample_id, "reason": f"{type(problem).__name__}: {problem}"}, default=str))  # noqa: T201  # Lambda logs what is printed
        return answer_of(sample_id, Score(0.0, {"unscorable": 1.0}))
