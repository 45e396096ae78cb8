"""A job's log in CloudWatch Logs, and its final metrics in CloudWatch, both written under the execution role."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from novaline.rehearsal.sagemaker.failures import JobFailure

GROUP = "/aws/sagemaker/TrainingJobs"
_FLUSH_SECONDS = 0.5
_MOST_EVENTS = 1_000  # of one PutLogEvents; CloudWatch takes up to 10,000


class JobLog:
    """Collects lines and sends them in batches. A refusal fails the job, stricter than AWS, which then logs nothing."""

    def __init__(self, logs: Any, *, job: str, started: datetime) -> None:  # noqa: ANN401 - a boto3 client
        self._logs = logs
        self.stream = f"{job}/algo-1-{int(started.timestamp())}"
        self._waiting: list[dict[str, Any]] = []
        self._sent = time.monotonic()

    def open(self) -> None:
        """Make the group, if it is missing, and the stream. Raises JobFailure."""
        try:
            found = self._logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=self.stream)
        except ClientError as error:
            if error.response["Error"].get("Code") != "ResourceNotFoundException":
                raise JobFailure.denied("opening the log", error) from error
            found = {}
            self._create(self._logs.create_log_group, logGroupName=GROUP)
        if not found.get("logStreams"):
            self._create(self._logs.create_log_stream, logGroupName=GROUP, logStreamName=self.stream)

    def note(self, text: str) -> None:
        """Add a line, to be sent with the next ones."""
        self._waiting.append({"timestamp": int(time.time() * 1000), "message": text})

    def line(self, text: str) -> None:
        """Add a line, and send what waits from time to time. Raises JobFailure."""
        self.note(text)
        if time.monotonic() - self._sent > _FLUSH_SECONDS or len(self._waiting) >= _MOST_EVENTS:
            self.flush()

    def flush(self) -> None:
        """Send what waits. Raises JobFailure."""
        waiting, self._waiting = self._waiting, []
        self._sent = time.monotonic()
        if not waiting:
            return
        try:
            self._logs.put_log_events(logGroupName=GROUP, logStreamName=self.stream, logEvents=waiting)
        except ClientError as error:
            raise JobFailure.denied("writing the log", error) from error

    @staticmethod
    def _create(create: Any, **names: str) -> None:  # noqa: ANN401 - a method of a boto3 client
        try:
            create(**names)
        except ClientError as error:
            if error.response["Error"].get("Code") != "ResourceAlreadyExistsException":
                raise JobFailure.denied("opening the log", error) from error


def put_metrics(cloudwatch: Any, metrics: Mapping[str, float], *, job: str, at: datetime) -> None:  # noqa: ANN401 - a boto3 client
    """Publish a job's final metrics. Raises JobFailure on a refusal."""
    data = [
        {"MetricName": name, "Value": value, "Timestamp": at, "Dimensions": [{"Name": "TrainingJobName", "Value": job}]}
        for name, value in metrics.items()
    ]
    try:
        if data:
            cloudwatch.put_metric_data(Namespace=GROUP, MetricData=data)
    except ClientError as error:
        raise JobFailure.denied("publishing metrics", error) from error
