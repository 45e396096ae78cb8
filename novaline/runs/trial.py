"""What the trial of a reward function came to, in a line: the record of the workflow's state *Try reward*."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from novaline.findings import NovalineError
from novaline.runs.status import read_json

if TYPE_CHECKING:
    from novaline.requests.resources import Resources
    from novaline.runs.clients import Clients

_SHOWN = {"reference": "right", "wrong": "wrong", "empty": "empty"}


def trial_in_words(clients: Clients, resources: Resources, run: str, stage: str) -> str:
    """The line for a stage of a run; empty where its folder does not tell (now), since nothing depends on it."""
    try:
        record = read_json(clients, resources, run, f"trial/{stage}.json")
    except NovalineError:
        return ""
    return "" if record is None else in_words(record)


def in_words(record: Mapping[str, Any]) -> str:
    """`right 1, wrong 0, empty 0`: mean scores by kind of answer, and whether worse ones are preferred.

    The workflow goes on with a reward that prefers wrong answers; whoever watches it shall see that in time.
    """
    means = {kind: float(value) for kind, value in (record.get("mean_scores") or {}).items() if kind in _SHOWN}
    words = ", ".join(f"{shown} {means[kind]:.3g}" for kind, shown in _SHOWN.items() if kind in means)
    right = means.get("reference")
    others = [value for kind, value in means.items() if kind != "reference"]
    if right is not None and others and right < max(others):
        words += ": it pays worse answers more"
    return words
