import json

import pytest

from novaline.runs.explain import explain


def test_a_failed_job_is_told_by_its_name_and_sagemakers_reason():
    job = {"TrainingJobName": "intents-sft-r0", "TrainingJobStatus": "Failed", "FailureReason": "AlgorithmError: row 7"}
    problem = explain("States.TaskFailed", json.dumps(job), during="Train")
    assert problem.message == "Train: job intents-sft-r0 ended as Failed: AlgorithmError: row 7"
    assert "novaline check" in problem.next_step


def test_a_lambdas_error_is_told_by_its_type_and_its_message():
    cause = {"errorMessage": "the worst case, $900, is above the budget", "errorType": "ClaimRefused", "stackTrace": []}
    problem = explain("ClaimRefused", json.dumps(cause))
    assert (problem.code, problem.message) == ("ClaimRefused", "the worst case, $900, is above the budget")
    assert "budget" in problem.next_step


def test_an_error_that_was_caught_and_passed_on_is_unwrapped():
    inner = {"Error": "SageMaker.ResourceLimitExceededException", "Cause": "The account-level service limit is 0"}
    problem = explain("Failed", json.dumps(inner))
    assert problem.code == "SageMaker.ResourceLimitExceededException"
    assert "Service Quotas" in problem.next_step


def test_the_state_that_the_workflow_names_stands_before_the_reason_once():
    job = {"TrainingJobName": "j", "TrainingJobStatus": "Failed", "FailureReason": "AlgorithmError: row 7"}
    problem = explain("States.TaskFailed", f"Run evaluation: {json.dumps(job)}", during="Evaluate base and candidate")
    assert problem.message == "Run evaluation: job j ended as Failed: AlgorithmError: row 7"
    assert explain("E", "Something else: x", during="Train").message == "Train: Something else: x"


@pytest.mark.parametrize(
    ("error", "cause", "word"),
    [
        ("Bedrock.AccessDeniedException", "User: x is not authorized to perform: bedrock:CreateCustomModel", "action"),
        ("States.TaskFailed", '{"FailureReason": "CapacityError: Unable to provision"}', "later"),
        ("States.TaskFailed", '{"TrainingJobStatus": "Stopped"}', "timeout"),
        ("States.Timeout", "", "timeout"),
        ("Bedrock.ThrottlingException", "Too many requests", "minutes"),
        ("RewardTrialFailed", "the reward function x failed: AccessDenied", "novaline reward test"),
        (None, None, "console"),
    ],
)
def test_every_class_of_error_has_a_next_step(error, cause, word):
    assert word in explain(error, cause).next_step


@pytest.mark.parametrize("cause", ["not json", "[1]", '"text"', "{}", '{"Cause": 3}', "{" * 2000])
def test_a_cause_of_any_form_is_told_within_bounds(cause):
    assert 0 < len(explain("Error", cause).message) <= 1200


def test_the_stage_is_told_beside_the_state():
    problem = explain("States.TaskFailed", 'Train (rft): {"TrainingJobName": "j", "FailureReason": "no GPU"}')
    assert problem.message == "Train (rft): job j ended as Failed: no GPU"
