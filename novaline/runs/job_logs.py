"""What the jobs of a run write to CloudWatch Logs, line by line, to the end or as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from novaline.findings import NovalineError
from novaline.runs.jobs import RunJob
from novaline.runs.problems import error_code, explained
from novaline.runs.training import LOG_GROUP

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line, the stream that holds it (`<job>/algo-<host>-<time>`), and when it was written."""

    at: datetime
    stream: str
    text: str

    def as_json(self) -> dict[str, str]:
        """The line as `novaline logs --json` prints it."""
        moment = self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"at": moment, "stream": self.stream, "text": self.text}


class JobLogs:
    """The logs of one job of a run, all attempts and hosts; remembers what it has given already."""

    def __init__(self, logs: CloudWatchLogsClient, job: RunJob) -> None:
        self._logs = logs
        self._job = job
        self._read: dict[str, str] = {}  # stream → where the next look begins

    def new_lines(self) -> Iterator[LogLine]:
        """What was written since the last look, stream by stream in the order in which these began.

        Nothing while the job has not begun to write. Raises NovalineError when the logs may not be read.
        """
        for stream in self._streams():
            yield from self._lines(stream)

    def follow(
        self, ended: Callable[[], bool], *, interval: float = 5.0, sleep: Callable[[float], None] = time.sleep
    ) -> Iterator[LogLine]:
        """Lines as they come, until `ended` says that no more will. A lost connection is borne, a refusal is not."""
        over = False
        while not over:
            try:
                over = ended()
                yield from self.new_lines()
            except NovalineError as problem:
                if problem.findings[0].code not in {"no-connection", "throttled"}:
                    raise
                over = False
            if not over:
                sleep(interval)

    def _streams(self) -> list[str]:
        found: list[tuple[int, str]] = []
        try:
            with explained(f"looking for the logs of {self._job.name}"):
                pages = self._logs.get_paginator("describe_log_streams").paginate(
                    logGroupName=LOG_GROUP, logStreamNamePrefix=self._job.base_name
                )
                for page in pages:
                    found += [(one.get("creationTime", 0), one["logStreamName"]) for one in page["logStreams"]]
        except NovalineError as problem:
            cause = problem.__cause__
            if isinstance(cause, Exception) and error_code(cause) == "ResourceNotFoundException":
                return []  # no training job has ever run here
            raise
        return [name for _, name in sorted(found)]

    def _lines(self, stream: str) -> Iterator[LogLine]:
        while True:
            place: Any = {"nextToken": self._read[stream]} if stream in self._read else {}
            with explained(f"reading the log {stream}"):
                answer = self._logs.get_log_events(
                    logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True, **place
                )
            for event in answer["events"]:
                at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                yield LogLine(at=at, stream=stream, text=event["message"])
            token = answer["nextForwardToken"]
            if token == self._read.get(stream):  # the same token says that there is no more
                return
            self._read[stream] = token


def keep_logs(logs: CloudWatchLogsClient, jobs: Iterable[RunJob], folder: Path) -> None:
    """Writes what each job wrote into `<job>.log` in the folder, which is made; one that wrote nothing gets no file.

    Raises NovalineError when the logs may not be read.
    """
    for job in jobs:
        lines = [line.text for line in JobLogs(logs, job).new_lines()]
        if lines:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{job.name}.log").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
