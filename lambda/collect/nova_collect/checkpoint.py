"""From a training job's output to an escrow checkpoint, and from that to the candidate's evaluation. Pure functions."""

from __future__ import annotations

import copy
import json
import re
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import IO, Any

CHECKPOINT_TOKEN = "__CHECKPOINT__"  # noqa: S105 - a place holder in a recipe, no secret
"""Stands in a recipe template where the checkpoint's URI goes; known only after training."""


class CheckpointMissing(Exception):
    """The training job ended without a checkpoint that can be used; the message says what was found instead."""


def read_manifest(archive: IO[bytes], *, name: str) -> dict[str, Any]:
    """The ``manifest.json`` inside a job's ``output.tar.gz``, read as a stream: logs and curves are passed over."""
    try:
        with tarfile.open(fileobj=archive, mode="r|gz") as tar:
            for member in tar:
                if PurePosixPath(member.name).name == "manifest.json" and member.isfile():
                    content = tar.extractfile(member)
                    if content is not None:
                        manifest: dict[str, Any] = json.loads(content.read())
                        return manifest
    except (tarfile.TarError, EOFError, OSError, ValueError) as problem:
        msg = f"{name} cannot be read: {problem}"
        raise CheckpointMissing(msg) from problem
    msg = f"{name} holds no manifest.json: the job wrote no checkpoint, although it ended as Completed"
    raise CheckpointMissing(msg)


def escrow_checkpoint(manifest: Mapping[str, Any], *, account: str, name: str) -> str:
    """The manifest's checkpoint URI, which must lie in this account's escrow bucket of SageMaker training jobs."""
    uri = manifest.get("checkpoint_s3_bucket")
    if not isinstance(uri, str) or not re.match(rf"s3://customer-escrow-{account}-smtj-[a-z0-9-]+/.+", uri):
        msg = (
            f"{name}: manifest.json names {uri!r} as its checkpoint; expected a URI under "
            f"s3://customer-escrow-{account}-smtj-…/ (checkpoint_s3_bucket)"
        )
        raise CheckpointMissing(msg)
    return uri


def fill_recipe(template: str, *, checkpoint: str) -> str:
    """The recipe with the checkpoint in its place. The template must hold the token exactly once."""
    found = template.count(CHECKPOINT_TOKEN)
    if found != 1:
        msg = f"the candidate's recipe template holds {CHECKPOINT_TOKEN} {found} times, expected once"
        raise CheckpointMissing(msg)
    return template.replace(CHECKPOINT_TOKEN, checkpoint)


def evaluation_jobs(evaluations: Sequence[Mapping[str, Any]], *, checkpoint: str) -> list[dict[str, Any]]:
    """One job for the base and one for the candidate of each evaluation, ready to be sent."""
    jobs = []
    for evaluation in evaluations:
        for subject in ("base", "candidate"):
            request = copy.deepcopy(dict(evaluation[subject]["request"]))
            if subject == "candidate":
                request["HyperParameters"] = {**request["HyperParameters"], "base_model_location": checkpoint}
            jobs.append(
                {
                    "evaluation": evaluation["name"],
                    "subject": subject,
                    "base_name": evaluation[subject]["base_name"],
                    "request": request,
                }
            )
    return jobs
