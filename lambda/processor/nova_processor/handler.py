"""The Lambda: an event of an evaluation in, its answer out. Which metrics is in `processor.json` beside the code."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Protocol

from novaline.rewards.deadline import Deadline
from novaline.rewards.processing.processor import Answer, Processor, load_processor, process
from novaline.rewards.processing.settings import deployed_processor


class Context(Protocol):
    """What Lambda's runtime tells of the invocation, as far as it matters here."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation is cut off."""
        ...


def handler(event: object, context: Context | None) -> Answer:
    """Answers one event, whatever it is; see `process`. Raises only what loading `processor.json` raises."""
    deadline = Deadline(context.get_remaining_time_in_millis() / 1000) if context is not None else None
    return process(event, ready_processor(), log=log, deadline=deadline)


@functools.cache
def ready_processor() -> Processor:
    """What `processor.json` describes, loaded once per process. Raises what loading it raises."""
    return load_processor(deployed_processor())


def log(line: Mapping[str, object]) -> None:
    """One line of JSON, which Lambda passes on as it is."""
    print(json.dumps(line))  # noqa: T201  # Lambda logs what is printed
