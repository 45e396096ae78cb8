"""How far a training job is, read from what it writes to CloudWatch Logs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_NUMBER = r"[^\w-]{1,4}(-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)"
_LOSS = re.compile(r"(?:reduced_train_loss|train_loss|loss)" + _NUMBER)
_REWARD = re.compile(r"(?:critic/rewards/mean|train_rm_score)" + _NUMBER)
_STEP = re.compile(r"(?:global_step|\bstep)\W{1,4}([0-9]+)(?:\s*(?:/|of)\s*([0-9]+))?", re.IGNORECASE)
_EVENTS = 200
"""The newest lines of a log that are looked at: many steps, one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPoint:
    """One point of the curve. `steps` is the total and `seconds_left` the time to it, where the log shows them."""

    step: int | None
    steps: int | None
    loss: float | None
    reward: float | None = None
    steps_per_minute: float | None = None

    @property
    def seconds_left(self) -> float | None:
        """The steps that are left at the pace of the newest ones."""
        if self.step is None or self.steps is None or not self.steps_per_minute:
            return None
        return max(0, self.steps - self.step) * 60 / self.steps_per_minute

    def in_words(self) -> str:
        """`step 40 of 100, loss 1.273, 12 steps a minute, 5 min left`."""
        parts = []
        if self.step is not None:
            parts.append(f"step {self.step}" + (f" of {self.steps}" if self.steps else ""))
        if self.reward is not None:
            parts.append(f"mean reward {self.reward:.3f}")
        if self.loss is not None:
            parts.append(f"loss {self.loss:.3f}")
        if self.steps_per_minute:
            pace = self.steps_per_minute
            parts.append(f"{pace:,.0f} steps a minute" if pace >= 10 else f"{pace:.2g} steps a minute")
        if self.seconds_left:
            parts.append(f"{_rough(self.seconds_left)} left")
        return ", ".join(parts)


def training_point(line: str) -> TrainingPoint | None:
    """What a log line says about step, loss and reward; None when it says nothing of the kind."""
    loss, reward, step = _LOSS.search(line), _REWARD.search(line), _STEP.search(line)
    if loss is None and reward is None and step is None:
        return None
    return TrainingPoint(
        step=int(step[1]) if step else None,
        steps=int(step[2]) if step and step[2] else None,
        loss=float(loss[1]) if loss else None,
        reward=float(reward[1]) if reward else None,
    )


def newest_point(events: Sequence[Mapping[str, Any]]) -> TrainingPoint | None:
    """The newest point of a log's events, oldest first as CloudWatch gives them, with the pace of those before it."""
    found = [(event.get("timestamp"), training_point(str(event.get("message", "")))) for event in events]
    points = [(at, point) for at, point in found if point is not None]
    if not points:
        return None
    stepped = [(at, point.step) for at, point in points if at is not None and point.step is not None]
    newest = points[-1][1]
    if len(stepped) < 2:
        return newest
    (began, first), (ended, last) = stepped[0], stepped[-1]
    minutes = (ended - began) / 60_000
    return replace(newest, steps_per_minute=(last - first) / minutes) if minutes > 0 and last > first else newest


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
            logGroupName=LOG_GROUP, logStreamName=newest["logStreamName"], startFromHead=False, limit=_EVENTS
        )["events"]
    except (BotoCoreError, ClientError):
        return None
    return newest_point(events)


def _rough(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
