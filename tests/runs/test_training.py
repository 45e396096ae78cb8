from types import SimpleNamespace

import pytest
from fake_aws import refusal

from novaline.runs.training import latest_point, newest_point, training_point


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("step 40/100 reduced_train_loss=1.2734 lr=1e-05", "step 40 of 100, loss 1.273"),
        ("global_step: 7, reduced_train_loss: 2.5e-1", "step 7, loss 0.250"),
        ("{'loss': 0.5, 'step': 3}", "step 3, loss 0.500"),
        ("Epoch 1: step 12 of 60", "step 12 of 60"),
        ("step 3/40 [critic/rewards/mean=0.5123, critic/rewards/max=1.0]", "step 3 of 40, mean reward 0.512"),
        ("step:7 - critic/rewards/mean:-2.5e-2 - actor/lr:1e-06", "step 7, mean reward -0.025"),
        ("step 8/60 critic/rewards/mean=0.4375 lr=1e-06", "step 8 of 60, mean reward 0.438"),
        ("global_step=2, train_rm_score: -1.5", "step 2, mean reward -1.500"),
    ],
)
def test_step_loss_and_reward_are_read_from_the_lines_that_training_writes(line, words):
    assert training_point(line).in_words() == words


@pytest.mark.parametrize("line", ["", "Downloading data", "loss of connection", "next steps: none"])
def test_other_lines_say_nothing(line):
    assert training_point(line) is None


def test_the_newest_line_of_the_newest_attempt_counts():
    asked = []

    def get_log_events(**request):
        asked.append(request["logStreamName"])
        return {"events": [{"message": "step 1 loss 2.0"}, {"message": "step 2 loss 1.0"}, {"message": "saving"}]}

    streams = [
        {"logStreamName": "job-r1-d0/algo-1-2", "creationTime": 2},
        {"logStreamName": "job-r0-d0/algo-1-1", "creationTime": 1},
    ]
    logs = SimpleNamespace(describe_log_streams=lambda **_: {"logStreams": streams}, get_log_events=get_log_events)
    assert latest_point(logs, "job").in_words() == "step 2, loss 1.000"
    assert asked == ["job-r1-d0/algo-1-2"]


def test_a_log_that_is_not_there_or_not_allowed_stops_nothing():
    def refuse(**_):
        raise refusal("ResourceNotFoundException")

    assert latest_point(SimpleNamespace(describe_log_streams=refuse), "job") is None
    assert latest_point(SimpleNamespace(describe_log_streams=lambda **_: {"logStreams": []}), "job") is None


def test_the_pace_of_the_newest_steps_tells_the_time_that_is_left():
    events = [{"timestamp": 1_000 * at, "message": f"step {step}/100 loss 2.0"} for at, step in ((0, 10), (60, 14))]
    point = newest_point([*events, {"timestamp": 61_000, "message": "saving"}])
    assert (point.steps_per_minute, point.seconds_left) == (4, 86 * 15)
    assert point.in_words() == "step 14 of 100, loss 2.000, 4 steps a minute, 22 min left"


@pytest.mark.parametrize("times", [((0, 5),), ((0, 5), (0, 6)), ((0, 6), (60, 6)), ((0, 9), (60, 1))])
def test_without_two_steps_in_order_there_is_no_pace(times):
    events = [{"timestamp": 1_000 * at, "message": f"step {step} of 9"} for at, step in times]
    assert newest_point(events).steps_per_minute is None


def test_lines_that_tell_no_step_have_no_point():
    assert newest_point([{"timestamp": 1, "message": "Downloading"}]) is None
