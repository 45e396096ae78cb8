"""Names of a run's jobs and models: unique, deterministic, within AWS's limits."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

_LONGEST_JOB_NAME = 63
_ATTEMPT_SUFFIX = len("-r99-d999")
"""What the workflow appends for each retry and redrive; a job's name is never free again."""


def content_hash(content: Mapping[str, object]) -> str:
    """SHA-256, in hex, over the content as canonical JSON."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def plain(name: str) -> str:
    """The name in SageMaker's alphabet: letters and digits with single dashes between them."""
    return re.sub(r"[^a-zA-Z0-9]+", "-", name).strip("-")


def job_base_name(*, name: str, job: str, run: str, digest: str) -> str:
    """`<name>-<job>-<8 hex>`, with room for the attempt's suffix.

    The eight digits are of the job's content and of the run's id, so that two runs never collide.
    """
    own = hashlib.sha256(f"{digest}:{run}".encode()).hexdigest()[:8]
    tail = f"-{plain(job)}-{own}"
    head = plain(name)[: _LONGEST_JOB_NAME - _ATTEMPT_SUFFIX - len(tail)].strip("-")
    return f"{head}{tail}" if head else tail.removeprefix("-")


def custom_model_name(*, name: str, digest: str) -> str:
    """`<name>-<8 hex>`, within Bedrock's 63 characters: each model of a run has a name of its own."""
    return f"{name[:54].rstrip('-_')}-{digest[:8]}"


def run_name(*, name: str, job: str) -> str:
    """`run.name` of a recipe, which names a folder in the job's output: at most 34 characters, as the launcher cuts."""
    head = plain(name)[: 34 - len(job) - 1].strip("-")
    return f"{head}-{job}" if head else job
