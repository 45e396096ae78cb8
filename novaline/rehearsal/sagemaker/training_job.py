"""A training job as DescribeTrainingJob shows it: what was asked for, and where it stands."""

import math
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

JobStatus = Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped"]
_LONGEST_REASON = 1_024
_SECRETS_OF_THE_REQUEST = ("Tags",)  # asked for with ListTags, not shown by Describe

MESSAGES = {
    "Starting": "Preparing the instances",
    "Pending": "Waiting for capacity and the image",
    "Downloading": "Downloading input data",
    "Training": "The stand-in is at work",
    "Uploading": "Uploading what the container left",
    "Stopping": "Stopping the training job",
    "Stopped": "The training job was stopped",
    "MaxRuntimeExceeded": "The training job ran longer than its MaxRuntimeInSeconds",
    "Completed": "The training job is completed",
}


class TrainingJob:
    """The state of one job; every change and every view is under one lock."""

    def __init__(self, request: Mapping[str, Any], *, arn: str, now: datetime) -> None:
        self.request = dict(request)
        self.name: str = request["TrainingJobName"]
        self.arn = arn
        self._lock = threading.Lock()
        self._created = self._modified = now
        self._started: datetime | None = None
        self._ended: datetime | None = None
        self._status: JobStatus = "InProgress"
        self._secondary = "Starting"
        self._reason: str | None = None
        self._metrics: list[dict[str, Any]] = []
        self._transitions: list[dict[str, Any]] = []
        self._enter("Starting", now, None)

    @property
    def status(self) -> JobStatus:
        """TrainingJobStatus."""
        with self._lock:
            return self._status

    def move(self, secondary: str, now: datetime, message: str | None = None) -> None:
        """Enter the next secondary status of a job that runs; does nothing once a stop was asked for."""
        with self._lock:
            if self._status == "InProgress":
                self._enter(secondary, now, message)
                if secondary == "Downloading":
                    self._started = now

    def ask_to_stop(self, now: datetime) -> bool:
        """Enter Stopping; False if the job is not in progress."""
        with self._lock:
            if self._status != "InProgress":
                return False
            self._status = "Stopping"
            self._enter("Stopping", now, None)
            return True

    def end(self, status: JobStatus, secondary: str, now: datetime, *, reason: str | None = None) -> None:
        """Enter a final status."""
        with self._lock:
            self._status = status
            self._reason = reason[:_LONGEST_REASON] if reason else None
            self._ended = now
            self._enter(secondary, now, reason)
            self._transitions[-1]["EndTime"] = now

    def record(self, metrics: Mapping[str, float], now: datetime) -> None:
        """Keep the final metrics (at most 40, as the API shows)."""
        with self._lock:
            self._metrics = [
                {"MetricName": name, "Value": value, "Timestamp": now} for name, value in list(metrics.items())[:40]
            ]

    def describe(self) -> dict[str, Any]:
        """The response of DescribeTrainingJob."""
        with self._lock:
            shown = {name: value for name, value in self.request.items() if name not in _SECRETS_OF_THE_REQUEST}
            output = self.request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
            shown |= self._summary()
            shown |= {
                # AWS names the archive whether or not the container left one there; Nova's leaves output.tar.gz only.
                "ModelArtifacts": {"S3ModelArtifacts": f"{output}/{self.name}/output/model.tar.gz"},
                "SecondaryStatusTransitions": [dict(transition) for transition in self._transitions],
                "EnableManagedSpotTraining": self.request.get("EnableManagedSpotTraining", False),
                "EnableNetworkIsolation": self.request.get("EnableNetworkIsolation", False),
                "EnableInterContainerTrafficEncryption": self.request.get(
                    "EnableInterContainerTrafficEncryption", False
                ),
            }
            if self._started:
                shown["TrainingStartTime"] = self._started
            if self._started and self._ended:
                seconds = max(1, math.ceil((self._ended - self._started).total_seconds()))
                shown |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
            if self._reason:
                shown["FailureReason"] = self._reason
            if self._metrics:
                shown["FinalMetricDataList"] = list(self._metrics)
            return shown

    def summary(self) -> dict[str, Any]:
        """The job's entry in ListTrainingJobs."""
        with self._lock:
            return self._summary()

    def _summary(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "TrainingJobName": self.name,
            "TrainingJobArn": self.arn,
            "CreationTime": self._created,
            "LastModifiedTime": self._modified,
            "TrainingJobStatus": self._status,
            "SecondaryStatus": self._secondary,
        }
        return shown | ({"TrainingEndTime": self._ended} if self._ended else {})

    def _enter(self, secondary: str, now: datetime, message: str | None) -> None:
        if self._transitions:
            self._transitions[-1]["EndTime"] = now
        self._secondary = secondary
        self._modified = now
        text = message or MESSAGES.get(secondary, secondary)
        self._transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": text})
