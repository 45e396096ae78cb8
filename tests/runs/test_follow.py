import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from fake_aws import RESOURCES, T0, FakeS3, FakeStates, refusal

from novaline.findings import NovalineError
from novaline.runs.follow import Follower
from novaline.runs.status import run_status
from novaline.runs.steps import Board
from novaline.runs.trial import in_words, trial_in_words

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
    Follower(board=board, logs=LOGS, training_jobs=["job"], spending=spending).follow(looks)
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


def test_the_trial_of_a_reward_tells_what_it_came_to_once_it_is_over():
    story = [(second, "enter", state) for second, state in enumerate(("Admit", "Prepare stage", "Try reward", "Train"))]
    states = FakeStates(story=story, described={"status": "RUNNING"}, known=["r"])
    clients = SimpleNamespace(states=states, s3=FakeS3())
    training = run_status(clients, RESOURCES, "r", now=T0 + timedelta(seconds=9), stages=["rft"])
    board = Board(clock=lambda: 0.0)
    words = {"rft": "right 1, wrong 0"}
    Follower(board=board, logs=LOGS, training_jobs=["job"], trial=words.__getitem__).follow([training])
    details = {step.title: step.detail for step in board.steps}
    assert (details["Admit"], details["Try the reward function of rft"]) == ("", "right 1, wrong 0")


@pytest.mark.parametrize(
    ("means", "words"),
    [
        ({"reference": 1.0, "wrong": 0.0, "empty": -0.25}, "right 1, wrong 0, empty -0.25"),
        ({"reference": 0.0, "wrong": 1.0, "empty": 0.0}, "right 0, wrong 1, empty 0: it pays worse answers more"),
        ({"reference": 0.5, "wrong": 0.0, "empty": 0.75}, "right 0.5, wrong 0, empty 0.75: it pays worse answers more"),
        ({"empty": 0.5}, "empty 0.5"),
        ({}, ""),
    ],
)
def test_a_trial_in_words_says_when_worse_answers_are_paid_more(means, words):
    assert in_words({"mean_scores": means}) == words


def test_a_trial_that_cannot_be_read_now_is_no_reason_to_stop_watching():
    class Refuses:
        def get_object(self, **_):
            raise refusal("AccessDenied")

    assert trial_in_words(SimpleNamespace(s3=Refuses()), RESOURCES, "r", "rft") == ""
    assert trial_in_words(SimpleNamespace(s3=FakeS3()), RESOURCES, "r", "rft") == ""


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


def test_of_several_stages_the_one_that_trains_tells_its_steps():
    story = [
        *((0, "enter", state) for state in ("Admit", "Prepare stage", "Train")),
        *((3, "enter", state) for state in ("Another stage?", "Prepare stage", "Train")),
    ]
    states = FakeStates(story=story, described={"status": "RUNNING"}, known=["r"])
    seen = []

    def streams(**asked):
        seen.append(asked["logStreamNamePrefix"].rstrip("-"))
        return {"logStreams": []}

    board = Board(clock=lambda: 0.0)
    logs = SimpleNamespace(describe_log_streams=streams)
    found = run_status(SimpleNamespace(states=states, s3=FakeS3()), RESOURCES, "r", now=T0, stages=("sft", "rft"))
    Follower(board=board, logs=logs, training_jobs=["job-of-sft", "job-of-rft"]).follow([found])
    assert [step.title for step in board.steps] == ["Admit", "Prepare sft", "Train sft", "Prepare rft", "Train rft"]
    assert [name.partition("-r0")[0] for name in seen] == ["job-of-sft", "job-of-rft"]
