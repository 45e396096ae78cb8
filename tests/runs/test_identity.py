from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from novaline.runs.identity import execution_arn, is_run_id, run_id, run_prefix

CREATED = datetime(2026, 11, 20, 10, 15, 7, tzinfo=UTC)


def test_a_run_is_named_after_its_customization_the_time_and_its_content():
    assert run_id("support-intents", created=CREATED, content="ab12cd34") == "support-intents-20261120-101507-ab12cd"


def test_the_time_in_a_run_id_is_utc():
    created = CREATED.astimezone(timezone(timedelta(hours=9)))
    assert "20261120-101507" in run_id("a", created=created, content="ab12cd34")


@example("a" * 63)
@example("a_" * 31 + "a")
@settings(deadline=None, max_examples=50)
@given(st.from_regex(r"([0-9a-zA-Z][_-]?){1,63}", fullmatch=True).filter(lambda name: len(name) <= 63))
def test_every_name_that_bedrock_takes_gives_a_run_id_that_sagemaker_and_step_functions_take(name):
    assert is_run_id(run_id(name, created=CREATED, content="ab12cd34"))


@pytest.mark.parametrize("text", ["", "a b", "-a", "a--b", "a_b", "../a", "a" * 64])
def test_what_is_no_run_id_is_told_apart(text):
    assert not is_run_id(text)


def test_the_execution_of_a_run_follows_from_the_state_machine():
    machine = "arn:aws:states:us-east-1:111111111111:stateMachine:stateMachine-x"
    assert execution_arn(machine, "r-1") == "arn:aws:states:us-east-1:111111111111:execution:stateMachine-x:r-1"
    assert run_prefix("r-1") == "runs/r-1/"
