"""How far a training job is, read from what it writes to CloudWatch Logs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_LOSS = re.compile(r"(?:reduced_train_loss|train_loss|loss)\W{1,4}([0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)")
_STEP = re.compile(r"(?:global_step|\bstep)\W{1,4}([0-9]+)(?:\s*(?:/|of)\s*([0-9]+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPoint:
    """One point of the loss curve. `steps` is the total, where the log says it."""

    step: int | None
    steps: int | None
    loss: float | None

    def in_words(self) -> str:
        """`step 40 of 100, loss 1.273`."""
        step = "" if self.step is None else f"step {self.step}" + (f" of {self.steps}" if self.steps else "")
        loss = "" if self.loss is None else f"loss {self.loss:.3f}"
        return ", ".join(part for part in (step, loss) if part)


def training_point(line: str) -> TrainingPoint | None:
    """What a log line says about step and loss; None when it says neither."""
    loss, step = _LOSS.search(line), _STEP.search(line)
    if loss is None and step is None:
        return None
    return TrainingPoint(
        step=int(step[1]) if step else None,
        steps=int(step[2]) if step and step[2] else None,
        loss=float(loss[1]) if loss else None,
    )


def latest_point(logs: CloudWatchLogsClient, job: str) -> TrainingPoint | None:
    """The newest point of the newest attempt of a job whose name starts with `job`.

    None while there is no log yet, or none may be read: progress is a courtesy and stops nothing.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - the command line must start without it

    try:
        streams = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=job, limit=50)["logStreams"]
        if not streams:
            return None
        newest = max(streams, key=lambda stream: (stream.get("creationTime", 0), stream["logStreamName"]))
        events = logs.get_log_events(
            logGroupName=LOG_GROUP, logStreamName=newest["logStreamName"], startFromHead=False, limit=50
        )["events"]
    except (BotoCoreError, ClientError):
        return None
    points = (training_point(str(event.get("message", ""))) for event in reversed(events))
    return next((point for point in points if point is not None), None)
