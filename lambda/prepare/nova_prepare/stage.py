"""One stage out of a claim, with the checkpoint that it starts from in its request and its recipe. Pure functions."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

CHECKPOINT_TOKEN = "__CHECKPOINT__"  # noqa: S105 - a place holder in a recipe, no secret
"""Stands in a recipe template where the checkpoint's URI goes; known only after the stage before has trained."""


class StageNotReady(Exception):
    """The stage cannot be trained; the message says what it lacks."""


def find(claim: Mapping[str, Any], *, stage: str) -> tuple[Mapping[str, Any], str]:
    """(the stage's entry in the claim, the name of the next stage or "")."""
    names = [entry["name"] for entry in claim["stages"]]
    if stage not in names:
        msg = f"the claim has no stage {stage}; it has {', '.join(names)}"
        raise StageNotReady(msg)
    place = names.index(stage)
    return claim["stages"][place], names[place + 1] if place + 1 < len(names) else ""


def checkpoint_for(entry: Mapping[str, Any], *, checkpoints: Mapping[str, str]) -> str | None:
    """The checkpoint of the stage that this one starts from; None for one that starts from no other stage.

    ``checkpoints`` maps the stages that have trained to the escrow URIs of what they made.
    """
    if not entry["job"].get("open"):
        return None
    before = entry.get("start", "base")
    if before not in checkpoints:
        found = f"those of {', '.join(checkpoints)}" if checkpoints else "none"
        msg = f"the stage {entry['name']} starts from {before}, whose checkpoint is not there; there are {found}"
        raise StageNotReady(msg)
    return checkpoints[before]


def fill_request(job: Mapping[str, Any], *, checkpoint: str | None) -> dict[str, Any]:
    """The job's request with the checkpoint in every parameter that was left open for it."""
    request = copy.deepcopy(dict(job["request"]))
    for path in job.get("open", {}):
        *parents, leaf = path.split(".")
        node = request
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = checkpoint
    return request


def fill_recipe(template: str, *, checkpoint: str, stage: str) -> str:
    """The recipe with the checkpoint in its place. The template must hold the token exactly once."""
    found = template.count(CHECKPOINT_TOKEN)
    if found != 1:
        msg = f"the recipe template of stage {stage} holds {CHECKPOINT_TOKEN} {found} times, expected once"
        raise StageNotReady(msg)
    return template.replace(CHECKPOINT_TOKEN, checkpoint)
