from types import SimpleNamespace

import pytest
from fake_aws import refusal

from novaline.runs.training import latest_point, training_point


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("step 40/100 reduced_train_loss=1.2734 lr=1e-05", "step 40 of 100, loss 1.273"),
        ("global_step: 7, reduced_train_loss: 2.5e-1", "step 7, loss 0.250"),
        ("{'loss': 0.5, 'step': 3}", "step 3, loss 0.500"),
        ("Epoch 1: step 12 of 60", "step 12 of 60"),
    ],
)
def test_step_and_loss_are_read_from_the_lines_that_training_writes(line, words):
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
