"""The names of one run: its id, its execution, its folder."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_LONGEST = 63  # SageMaker's limit for a job name, which is the tightest of those that a run id passes into
_RUN = re.compile(r"[a-zA-Z0-9](-?[a-zA-Z0-9])*")


def run_id(name: str, *, created: datetime, content: str) -> str:
    """`<name>-<UTC yyyymmdd-hhmmss>-<6 hex of content>`, at most 63 of `[a-zA-Z0-9-]`; the name is cut to fit.

    `content` is the hex digest of what the run is made of, so two runs of one second differ when their content does.
    """
    tail = f"-{created.astimezone(UTC):%Y%m%d-%H%M%S}-{content[:6]}"
    head = re.sub(r"[^a-zA-Z0-9]+", "-", name)[: _LONGEST - len(tail)].strip("-")
    return f"{head or 'run'}{tail}"


def is_run_id(text: str) -> bool:
    """Whether `text` can be the id of a run."""
    return len(text) <= _LONGEST and _RUN.fullmatch(text) is not None


def execution_arn(state_machine_arn: str, run: str) -> str:
    """The execution that carries a run: executions are named by the run's id."""
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{run}"


def run_prefix(run: str) -> str:
    """The run's folder in the artifact bucket, as a key prefix with its slash."""
    return f"runs/{run}/"
