from types import SimpleNamespace

import pytest
from fake_aws import refusal

from novaline.findings import NovalineError
from novaline.runs.job_logs import JobLogs, keep_logs
from novaline.runs.jobs import RunJob

JOB = RunJob(name="sft", base_name="intents-sft-1", trains=True, instance_count=1, usd_per_hour=None)


class Logs:
    """CloudWatch Logs with some streams: name → (when it began, lines); gives two lines an answer."""

    def __init__(self, streams):
        self.streams = streams
        self.refuse = None

    def get_paginator(self, operation):
        assert operation == "describe_log_streams"
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, *, logGroupName, logStreamNamePrefix):  # noqa: N803 - CloudWatch's names
        assert logGroupName == "/aws/sagemaker/TrainingJobs"
        if self.refuse:
            raise refusal(self.refuse)
        for name, (began, _) in self.streams.items():
            if name.startswith(logStreamNamePrefix):
                yield {"logStreams": [{"logStreamName": name, "creationTime": began}]}

    def get_log_events(self, *, logGroupName, logStreamName, startFromHead, nextToken="f/0"):  # noqa: N803 - likewise
        assert startFromHead
        lines = self.streams[logStreamName][1]
        first = int(nextToken.partition("/")[2])
        given = lines[first : first + 2]
        events = [{"timestamp": 1_000 * number, "message": text} for number, text in enumerate(given, first)]
        return {"events": events, "nextForwardToken": f"f/{first + len(given)}"}


def test_all_attempts_and_hosts_are_read_in_the_order_in_which_they_began():
    logs = Logs(
        {
            "intents-sft-1-r1-d0/algo-1-9": (9, ["again"]),
            "intents-sft-1-r0-d0/algo-1-5": (5, ["one", "two", "three"]),
            "other/algo-1-1": (1, ["not ours"]),
        }
    )
    lines = list(JobLogs(logs, JOB).new_lines())
    assert [line.text for line in lines] == ["one", "two", "three", "again"]
    assert lines[2].as_json() == {
        "at": "1970-01-01T00:00:02.000Z",
        "stream": "intents-sft-1-r0-d0/algo-1-5",
        "text": "three",
    }


def test_a_second_look_gives_only_what_is_new():
    logs = Logs({"intents-sft-1-r0-d0/algo-1-5": (5, ["one"])})
    reader = JobLogs(logs, JOB)
    assert [line.text for line in reader.new_lines()] == ["one"]
    assert list(reader.new_lines()) == []
    logs.streams["intents-sft-1-r0-d0/algo-1-5"][1].extend(["two", "three", "four"])
    assert [line.text for line in reader.new_lines()] == ["two", "three", "four"]


def test_following_ends_with_the_run_and_loses_no_last_line():
    logs = Logs({"intents-sft-1-r0-d0/algo-1-5": (5, ["one"])})
    looks = iter([False, False, True])

    def sleep(_):
        logs.streams["intents-sft-1-r0-d0/algo-1-5"][1].append("more")

    found = JobLogs(logs, JOB).follow(lambda: next(looks), sleep=sleep)
    assert [line.text for line in found] == ["one", "more", "more"]


def test_following_bears_a_lost_connection_and_no_refusal():
    logs = Logs({"intents-sft-1-r0-d0/algo-1-5": (5, ["one"])})
    logs.refuse = "ThrottlingException"

    def sleep(_):
        logs.refuse = None

    assert [line.text for line in JobLogs(logs, JOB).follow(lambda: True, sleep=sleep)] == ["one"]
    logs.refuse = "AccessDeniedException"
    with pytest.raises(NovalineError, match="looking for the logs of sft"):
        list(JobLogs(logs, JOB).follow(lambda: True, sleep=sleep))


def test_where_no_job_has_ever_run_there_is_nothing_to_read():
    logs = Logs({})
    logs.refuse = "ResourceNotFoundException"
    assert list(JobLogs(logs, JOB).new_lines()) == []


def test_the_log_of_each_job_that_wrote_one_is_kept_in_a_file(tmp_path):
    logs = Logs({"intents-sft-1-r0-d0/algo-1-5": (5, ["one", "two", "three"])})
    other = RunJob(
        name="holdout-base", base_name="intents-holdout-base-1", trains=False, instance_count=1, usd_per_hour=None
    )
    keep_logs(logs, [JOB, other], tmp_path / "jobs")
    assert {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "jobs").iterdir()} == {
        "sft.log": "one\ntwo\nthree\n"
    }
