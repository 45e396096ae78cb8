import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from fake_aws import RESOURCES, T0, FakeS3, FakeStates

from novaline.findings import NovalineError
from novaline.runs.follow import Follower
from novaline.runs.status import run_status
from novaline.runs.steps import Board

LOGS = SimpleNamespace(
    describe_log_streams=lambda **_: {"logStreams": [{"logStreamName": "job-r0/algo-1", "creationTime": 1}]},
    get_log_events=lambda **_: {"events": [{"message": "step 3/9 loss 0.5"}]},
)
STORY = [(0, "enter", "Admit"), (1, "enter", "Train"), (5, "enter", "Compare"), (6, "enter", "Rejected")]


def look(length: int, **described):
    states = FakeStates(story=STORY[:length], described={"status": "RUNNING", **described}, known=["r"])
    return run_status(SimpleNamespace(states=states, s3=FakeS3()), RESOURCES, "r", now=T0 + timedelta(seconds=9))


def follow(*looks, spending=lambda: ""):
    board = Board(clock=lambda: 0.0)
    Follower(board=board, logs=LOGS, training_job="job", spending=spending).follow(looks)
    return [(step.title, step.outcome, step.detail, step.seconds) for step in board.steps]


def test_each_phase_is_a_step_with_the_time_that_aws_measured_and_training_tells_its_loss():
    ended = {
        "status": "SUCCEEDED",
        "stopDate": T0 + timedelta(seconds=7),
        "output": json.dumps({"status": "rejected"}),
    }
    assert follow(look(1), look(2), look(4, **ended)) == [
        ("Admit", "done", "", 1),
        ("Train", "done", "step 3 of 9, loss 0.500", 4),
        ("Gate", "done", "", 2),
    ]


def test_a_paid_phase_tells_what_was_spent_and_no_other_does():
    steps = follow(look(1), look(2), look(3), spending=lambda: "$1.20 so far")
    details = [detail for _, _, detail, _ in steps]
    assert details == ["", "step 3 of 9, loss 0.500, $1.20 so far", "Admit, Train, Compare"]


def test_the_phase_that_failed_says_why():
    ended = {"status": "FAILED", "stopDate": T0 + timedelta(seconds=3), "error": "Error", "cause": "no capacity"}
    assert follow(look(2, **ended))[-1] == ("Train", "failed", "Train: no capacity", 2)


def test_a_phase_that_has_failed_is_ended_when_the_reason_is_known():
    story = [*STORY[:2], (3, "enter", "Record failure")]
    states = FakeStates(story=story, described={"status": "RUNNING"}, known=["r"])
    recording = run_status(SimpleNamespace(states=states, s3=FakeS3()), RESOURCES, "r", now=T0)
    assert follow(recording)[-1][1] == "running"
    states.described = {"status": "FAILED", "stopDate": T0 + timedelta(seconds=4), "error": "E", "cause": "Train: no"}
    ended = run_status(SimpleNamespace(states=states, s3=FakeS3()), RESOURCES, "r", now=T0)
    assert follow(recording, ended)[-1] == ("Train", "failed", "Train: no", 2)


def test_a_run_without_a_sign_of_life_is_an_error():
    with pytest.raises(NovalineError, match="no sign of life"):
        follow()
