"""The Lambda: a batch of rollouts in, their scores out. Which reward is in the file `reward.json` beside the code."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Mapping
from typing import Protocol

from novaline.rewards.contract import SampleAnswer
from novaline.rewards.deadline import Deadline
from novaline.rewards.embedded_metrics import metric_lines
from novaline.rewards.scoring import Scorer, score_batch
from novaline.rewards.settings import deployed_spec, load


class Context(Protocol):
    """What Lambda's runtime tells of the invocation, as far as it matters here."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation is cut off."""
        ...


def handler(event: object, context: Context | None) -> list[SampleAnswer]:
    """Scores every sample of the batch; same ids, same order, same count, finite numbers.

    A sample that cannot be scored, or not while there is time, gets the declared fallback and a line in the log; the
    others keep theirs. Raises NotABatch for an event that is no array, since no answer could fit it.
    """
    began = time.perf_counter()
    deadline = Deadline(context.get_remaining_time_in_millis() / 1000) if context is not None else None
    scorer = deployed_scorer()
    answers = score_batch(event, scorer, log=log, deadline=deadline)
    for line in metric_lines(scorer.name, answers, seconds=time.perf_counter() - began):
        log(line)
    return answers


@functools.cache
def deployed_scorer() -> Scorer:
    """What `reward.json` describes, loaded once per process. Raises what `load` and `deployed_spec` do."""
    return load(deployed_spec())


def log(line: Mapping[str, object]) -> None:
    """One line of JSON, which Lambda passes on as it is."""
    print(json.dumps(line))  # noqa: T201  # Lambda logs what is printed
