import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from fake_aws import RESOURCES, T0, FakeS3, FakeStates

from novaline.findings import NovalineError, UsageProblem
from novaline.runs.start import start
from novaline.runs.status import run_status, watch
from novaline.runs.upload import ClaimCheck

RUN = "intents-20261120-101507-ab12cd"
NOW = T0 + timedelta(seconds=30)


def clients(**described):
    story = [(0, "enter", "Admit"), (1, "leave", "Admit"), (1, "enter", "Train")]
    return SimpleNamespace(states=FakeStates(story=story, described=described, known=[RUN]), s3=FakeS3())


def with_summary(given, summary):
    given.s3.objects["artifacts", f"runs/{RUN}/summary.json"] = {"Body": json.dumps(summary).encode()}
    return given


def test_a_running_run_tells_its_state_and_how_long_it_has_run():
    found = run_status(clients(status="RUNNING"), RESOURCES, RUN, now=NOW).as_json()
    assert (found["status"], found["state"], found["elapsed_seconds"]) == ("running", "Train", 30)
    assert found["phases"][-1] == {"name": "train", "stage": None, "status": "running", "seconds": 29}
    assert (found["error"], found["summary"]) == (None, None)
    assert found["folder"] == f"s3://artifacts/runs/{RUN}/"
    json.dumps(found)


def test_a_finished_run_tells_its_result_and_its_summary():
    output = json.dumps({"run": RUN, "status": "deployed", "verdict": "better"})
    given = clients(status="SUCCEEDED", stopDate=T0 + timedelta(seconds=9), output=output)
    found = run_status(with_summary(given, {"status": "deployed"}), RESOURCES, RUN, now=NOW)
    assert (found.status, found.result, found.elapsed_seconds) == ("succeeded", "deployed", 9)
    assert found.summary == {"status": "deployed"}


def test_a_failed_run_tells_the_phase_the_reason_and_the_next_step():
    cause = json.dumps(
        {"TrainingJobName": "j", "TrainingJobStatus": "Failed", "FailureReason": "AlgorithmError: row 7"}
    )
    given = clients(status="FAILED", stopDate=NOW, error="States.TaskFailed", cause=cause)
    problem = run_status(given, RESOURCES, RUN, now=NOW).as_json()["error"]
    assert problem["message"] == "Train: job j ended as Failed: AlgorithmError: row 7"
    assert problem["next_step"]


@pytest.mark.parametrize(("status", "word"), [("ABORTED", "stopped the execution"), ("TIMED_OUT", "timed out")])
def test_a_run_that_was_stopped_or_timed_out_is_no_success(status, word):
    found = run_status(clients(status=status, stopDate=NOW), RESOURCES, RUN, now=NOW)
    assert word in found.problem.message
    assert found.phases[-1].status == "failed"


def test_an_unknown_run_is_answered_with_the_nearest_known_one():
    with pytest.raises(UsageProblem) as caught:
        run_status(clients(status="RUNNING"), RESOURCES, RUN[:-1] + "e")
    assert caught.value.findings[0].hint == f"did you mean {RUN}?"


@pytest.mark.parametrize("text", ["../../x", "a:b", "", "x" * 64])
def test_what_cannot_be_a_run_is_refused_before_aws_is_asked(text):
    with pytest.raises(UsageProblem, match="not the id of a run"):
        run_status(None, RESOURCES, text)


def test_watching_ends_with_the_run():
    given, looks = clients(status="RUNNING"), []

    def sleep(_):
        given.states.described.update(status="SUCCEEDED", stopDate=NOW, output="{}")

    for look in watch(given, RESOURCES, RUN, sleep=sleep):
        looks.append(look.status)
    assert looks == ["running", "succeeded"]


def test_watching_bears_a_lost_connection_for_a_while_and_no_refusal_at_all():
    given, failures = clients(status="RUNNING"), []
    describe = given.states.describe_execution

    def lost(**request):
        from botocore.exceptions import EndpointConnectionError

        failures.append(request)
        if len(failures) < 3:
            raise EndpointConnectionError(endpoint_url="https://states")
        given.states.described.update(status="ABORTED", stopDate=NOW)
        return describe(**request)

    given.states.describe_execution = lost
    assert [look.status for look in watch(given, RESOURCES, RUN, sleep=lambda _: None)] == ["aborted"]
    given.states.describe_execution = lambda **_: (_ for _ in ()).throw(
        EndpointError()  # always
    )
    with pytest.raises(NovalineError, match="could not be reached"):
        list(watch(given, RESOURCES, RUN, sleep=lambda _: None))


def EndpointError():  # noqa: N802 - makes an exception
    from botocore.exceptions import EndpointConnectionError

    return EndpointConnectionError(endpoint_url="https://states")


def test_an_execution_is_named_by_its_run_and_its_input_is_the_claim_check():
    states = FakeStates()
    claim = ClaimCheck(run=RUN, uri="s3://artifacts/c", version_id="v", sha256="00")
    assert start(states, claim, RESOURCES).endswith(f":execution:Customization:{RUN}")
    assert json.loads(states.started[0]["input"]) == claim.as_input()
    assert states.started[0]["name"] == RUN


def test_a_run_that_exists_with_another_claim_is_not_started_again():
    states = FakeStates()
    start(states, ClaimCheck(run=RUN, uri="s3://artifacts/c", version_id="v1", sha256="00"), RESOURCES)
    with pytest.raises(NovalineError, match="already a run"):
        start(states, ClaimCheck(run=RUN, uri="s3://artifacts/c", version_id="v2", sha256="00"), RESOURCES)
