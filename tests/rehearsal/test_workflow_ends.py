"""Every way through the customization workflow, executed: how a run ends, what it leaves, and what it tells."""

import json
import time
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from novaline.rehearsal.proof.statements import taken_away
from novaline.runs.job_logs import JobLogs
from novaline.runs.jobs import run_jobs, spent, total
from novaline.runs.listing import newest_runs
from tests.rehearsal.deployed import HELD_OUT, Deployed, Ended
from tests.rehearsal.scenarios import NO_GPU, SCENARIOS, job, play_all

pytestmark = pytest.mark.xdist_group("deployed")

MOST_BYTES = 32 * 1024  # of a state's input or output; Step Functions ends an execution at 256 KiB
MOST_EVENTS = 400  # … and at 25,000 events
MOST_EVENTS_OF_AN_ENDLESS_WAIT = 2_400  # one that takes all of its looks at a model or a deployment


@pytest.fixture(scope="module")
def runs(deployed: Deployed) -> dict[str, Ended]:
    """The run of every scenario."""
    return play_all(deployed)


def assert_failed(deployed: Deployed, run: Ended, state: str, error: str, *words: str) -> None:
    """The run failed in that state, with that error, and says why in every place where somebody may look."""
    assert (run.status, run.error) == ("FAILED", error), run
    assert run.cause.startswith(f"{state}: ")
    assert run.ledger["status"] == "failed"
    assert run.ledger["finished"] > run.ledger["started"]
    assert run.ledger["failure"].startswith(f"{state}: {error}: ")
    (said,) = deployed.notifications(run.run)
    assert said["Subject"] == "Novaline: run failed"
    assert said["Message"].startswith(f"Run {run.run} failed in {state}: {error}: ")
    problem = deployed.status(run.run).problem if "short-waits" not in run.execution else None
    told = [run.cause, run.ledger["failure"], said["Message"], *([problem.message] if problem else [])]
    for word in words:
        assert all(word in text for text in told), word
    assert "summary.json" not in run.files


# ---- ends that are meant


def test_an_accepted_candidate_is_deployed_asked_registered_and_told_of(deployed, runs):
    run = runs["first"]
    assert (run.status, run.output["status"], run.output["verdict"]) == ("SUCCEEDED", "deployed", "better")
    steps = [
        *("Admit", "Record start", "Prepare stage", "Reward to try?", "Train", "Collect checkpoint", "Another stage?"),
        *("Evaluate", "Run evaluation", "Compare"),
        *("Good enough?", "Import model", "Describe model", "Model ready?", "Wait for model", "Find deployment"),
        *("Deployed before?", "Create deployment", "Describe deployment", "Deployment ready?", "Wait for deployment"),
        *("Verify", "Register deployment", "Notify", "Done"),
    ]
    assert list(dict.fromkeys(run.entered())) == steps
    assert set(run.jobs.values()) == {"Completed"}
    assert {name[-6:] for name in run.jobs} == {"-r0-d0"}
    assert run.ledger | {"status": "deployed", "verdict": "better", "name": "accepted"} == run.ledger
    assert run.ledger["summary"] == run.output["summary"]
    (said,) = deployed.notifications(run.run)
    assert said["Subject"] == "Novaline: run finished"
    assert said["Message"] == f"Run {run.run} is deployed. {run.output['reason']}"


def test_a_runs_folder_tells_the_whole_story(deployed, runs):
    run = runs["first"]
    assert {
        *("claim.json", "customization.yaml", "plan.json", "requests.json", "datasets.json"),
        "checkpoints/sft.json",
        *("recipes/sft/recipe.yaml", "recipes/holdout-base/recipe.yaml", "recipes/holdout-candidate/recipe.yaml"),
        "recipes/holdout-candidate/recipe.template.yaml",
        f"training/{run.job('sft')}-r0-d0/output/output.tar.gz",
        f"evaluations/{run.job('base')}-r0-d0/output/output.tar.gz",
        f"evaluations/{run.job('candidate')}-r0-d0/output/output.tar.gz",
        *("gate.json", "samples.jsonl", "verification.json", "summary.json"),
    } == run.files
    summary, checkpoint = deployed.read(run.run, "summary.json"), deployed.read(run.run, "checkpoints/sft.json")
    assert summary["deployment"]["arn"] == run.output["deployment_arn"]
    assert summary["checkpoint"] == checkpoint["checkpoint"]
    assert summary["verification"]["agreement"] == 1
    assert len(deployed.read(run.run, "verification.json")["transcript"]) == run.claim["verify_rows"]
    assert deployed.read(run.run, "gate.json")["rows"] == len(HELD_OUT)


def test_the_next_run_exchanges_the_model_behind_the_same_deployment(deployed, runs):
    first, second = runs["first"], runs["second"]
    assert second.output["status"] == "deployed"
    assert (second.visits("Create deployment"), second.visits("Update deployment")) == (0, 1)
    assert second.output["deployment_arn"] == first.output["deployment_arn"]
    assert second.output["custom_model_arn"] != first.output["custom_model_arn"]
    for run in (first, second):
        entry = deployed.ledger("deployment#accepted", run.run)
        assert entry["model_arn"] == run.output["custom_model_arn"]
        assert entry["expires"] > entry["since"]


def test_when_the_exchange_fails_the_model_from_before_stays_behind_the_deployment(deployed, runs):
    second, third = runs["second"], runs["third"]
    assert_failed(deployed, third, "Model not deployed", "DeploymentFailed", "no room is left")
    assert deployed.deployment("accepted")["modelArn"] == second.output["custom_model_arn"]
    assert deployed.ledger("deployment#accepted", third.run) == {}


def test_labels_that_were_shuffled_are_rejected_and_nothing_is_imported(deployed, runs):
    run = runs["shuffled"]
    assert (run.status, run.output["status"]) == ("SUCCEEDED", "rejected")
    assert run.output["verdict"] != "better"
    assert "deployment_arn" not in run.output
    assert run.entered()[-4:] == ["Good enough?", "Register rejection", "Notify", "Done"]
    assert deployed.models(run) == []
    assert deployed.deployment("shuffled") is None
    assert run.ledger | {"status": "rejected", "verdict": run.output["verdict"]} == run.ledger
    assert deployed.read(run.run, "summary.json")["status"] == "rejected"
    (said,) = deployed.notifications(run.run)
    assert f"Run {run.run} is rejected. exact_match changed by -" in said["Message"]


def test_without_a_target_a_run_ends_when_the_candidate_is_evaluated(deployed, runs):
    run = runs["evaluated"]
    assert (run.status, run.output["status"], run.output["verdict"]) == ("SUCCEEDED", "evaluated", "better")
    assert run.entered()[-4:] == ["Good enough?", "Register evaluation", "Notify", "Done"]
    assert deployed.models(run) == []
    assert run.ledger["status"] == "evaluated"
    assert {"summary.json", "gate.json"} <= run.files


# ---- jobs that fail


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("failing-job", "Failed", NO_GPU),
        ("timed-out-job", "Stopped", "Stopped"),
        ("broken-row", "Failed", "AlgorithmError: row 17 of the training data: "),
    ],
)
def test_a_job_that_fails_ends_the_run_with_its_reason_and_is_not_paid_for_twice(deployed, runs, name, status, reason):
    run = runs[name]
    assert_failed(deployed, run, "Train (sft)", "States.TaskFailed", reason)
    assert run.jobs == {f"{run.job('sft')}-r0-d0": status}
    assert run.failed_tasks() == ["States.TaskFailed"]
    assert run.entered()[-4:] == ["Train", "Record failure", "Notify failure", "Failed"]


def test_a_want_of_capacity_is_waited_for_and_the_next_attempt_has_a_name_of_its_own(runs):
    run = runs["no-capacity"]
    assert run.output["status"] == "deployed"
    assert run.failed_tasks() == ["SageMaker.ResourceLimitExceededException"] * 2
    assert run.jobs == {
        f"{run.job('sft')}-r1-d0": "Completed",
        f"{run.job('base')}-r1-d0": "Completed",
        f"{run.job('candidate')}-r0-d0": "Completed",
    }


def test_throttled_requests_are_sent_again(deployed, runs):
    run = runs["throttled"]
    assert run.output["status"] == "deployed"
    assert run.failed_tasks() == [
        "SageMaker.AmazonSageMakerException",
        "Bedrock.ThrottlingException",
        "Bedrock.ServiceQuotaExceededException",
    ]
    assert len(deployed.models(run)) == 1


def test_a_job_without_a_manifest_has_left_no_checkpoint(deployed, runs):
    run = runs["no-manifest"]
    assert_failed(deployed, run, "Collect checkpoint (sft)", "CheckpointMissing", "holds no manifest.json")
    assert run.failed_tasks() == ["CheckpointMissing"]
    assert list(run.jobs) == [f"{run.job('sft')}-r0-d0"]
    assert "checkpoints/sft.json" not in run.files


def test_an_evaluation_that_fails_is_caught_outside_of_the_map(deployed, runs):
    run = runs["failing-evaluation"]
    assert_failed(deployed, run, "Evaluate", "States.TaskFailed", NO_GPU)
    assert run.jobs[f"{run.job('candidate')}-r0-d0"] == "Failed"
    assert run.visits("Compare") == 0
    assert len(run.jobs) == 3


# ---- models that are not imported, deployments that are not made


def test_an_import_that_bedrock_refuses_is_not_tried_again(deployed, runs):
    run = runs["refused-import"]
    assert_failed(deployed, run, "Import model", "Bedrock.ConflictException", "taken")
    assert run.failed_tasks() == ["Bedrock.ConflictException"]


@pytest.mark.parametrize(
    ("name", "looks", "reason"), [("failing-import", 2, "the checkpoint is damaged"), ("endless-import", 120, "")]
)
def test_an_import_that_fails_or_does_not_end_is_given_up(deployed, runs, name, looks, reason):
    run = runs[name]
    words = f"The import of the model did not succeed after {run.visits('Describe model')} looks: {reason}"
    assert_failed(deployed, run, "Model not imported", "ImportFailed", words)
    assert run.visits("Describe model") >= looks
    assert run.visits("Find deployment") == 0


@pytest.mark.parametrize(
    ("name", "looks", "reason"), [("failing-deployment", 2, "no room is left"), ("endless-deployment", 120, "")]
)
def test_a_deployment_that_fails_or_does_not_end_is_given_up(deployed, runs, name, looks, reason):
    run = runs[name]
    words = f"The deployment of the model did not succeed after {run.visits('Describe deployment')} looks: {reason}"
    assert_failed(deployed, run, "Model not deployed", "DeploymentFailed", words)
    assert run.visits("Describe deployment") >= looks
    assert run.visits("Verify") == 0
    assert deployed.ledger(f"deployment#{name}", run.run) == {}


# ---- all of them


def test_every_state_was_entered_and_every_choice_taken_each_way(deployed, runs):
    machine = deployed.resources.state_machine_arn
    described = deployed.clients.states.describe_state_machine(stateMachineArn=machine)
    states = json.loads(described["definition"])["States"]
    inside = {
        name for state in states.values() if "ItemProcessor" in state for name in state["ItemProcessor"]["States"]
    }
    assert {name for run in runs.values() for name in run.entered()} == {*states, *inside}
    taken = {step for run in runs.values() for step in pairwise(run.entered())}
    choices = {name: state for name, state in states.items() if state["Type"] == "Choice"}
    ways = {(name, way["Next"]) for name, state in choices.items() for way in state["Choices"]}
    ways |= {(name, state["Default"]) for name, state in choices.items()}
    assert ways, "the workflow has choices"
    assert ways <= taken


def test_histories_stay_short_and_what_states_hand_on_stays_small(runs):
    for name, run in runs.items():
        sizes = [len(text.encode()) for event in run.events for text in texts(event)]
        assert max(sizes) <= MOST_BYTES, name
        endless = name in SCENARIOS and SCENARIOS[name].short_waits
        most = MOST_EVENTS_OF_AN_ENDLESS_WAIT if endless else MOST_EVENTS
        assert len(run.events) <= most, name


def texts(event):
    """The inputs, outputs and causes in an event of a history."""
    details = (value for key, value in event.items() if key.endswith("EventDetails"))
    return [value for detail in details for value in detail.values() if isinstance(value, str)]


# ---- runs that somebody stops


def training(deployed, name):
    """A run whose training job goes on until it is stopped, and that job's name."""
    deployed.emulator.inject(job(f"{name}-sft", "slow"))
    started = deployed.start(deployed.compiled(name))
    return started, f"{started.job('sft')}-r0-d0"


def status_of(deployed, name):
    return dict(deployed.jobs(name)).get(name)


def stop(deployed, started):
    deployed.clients.states.stop_execution(executionArn=started.execution)
    return deployed.end(started)


def test_stopping_a_run_stops_its_training_job(deployed):
    started, name = training(deployed, "stopped")
    deployed.wait_for(lambda: status_of(deployed, name), lambda status: status == "InProgress")
    assert stop(deployed, started).status == "ABORTED"
    deployed.wait_for(lambda: status_of(deployed, name), lambda status: status == "Stopped")


def test_stopping_a_run_that_evaluates_stops_both_jobs(deployed):
    for subject in ("base", "candidate"):
        deployed.emulator.inject(job(f"halted-holdout-{subject}", "slow"))
    started = deployed.start(deployed.compiled("halted"))
    names = [f"{started.job(subject)}-r0-d0" for subject in ("base", "candidate")]
    for name in names:
        deployed.wait_for(lambda name=name: status_of(deployed, name), lambda status: status == "InProgress")
    ended = stop(deployed, started)
    assert ended.status == "ABORTED"
    assert ended.visits("Compare") == 0
    for name in names:
        deployed.wait_for(lambda name=name: status_of(deployed, name), lambda status: status == "Stopped")


def test_without_its_permission_a_stopped_run_leaves_its_training_job_running(deployed):
    started, name = training(deployed, "not-stopped")
    deployed.wait_for(lambda: status_of(deployed, name), lambda status: status == "InProgress")
    closing = deployed.statement("ClosingCloseRole", "StopJobs")  # which would stop it in its place
    with taken_away(deployed.client("iam"), [deployed.statement("WorkflowRole", "StopTrainingJobs"), closing]):
        assert stop(deployed, started).status == "ABORTED"
        time.sleep(1)  # ten times what it takes with the permission
        assert status_of(deployed, name) == "InProgress"
    deployed.client("sagemaker").stop_training_job(TrainingJobName=name)


def test_a_deployment_that_failed_before_is_left_to_a_person(deployed, runs):
    run = runs["unusable-deployment"]
    assert_failed(deployed, run, "Deployment unusable", "DeploymentUnusable", "delete it, run again")


# ---- runs, looked at


def test_the_runs_of_the_environment_are_listed_with_their_ends(deployed, runs):
    found = {one.run: one for one in newest_runs(deployed.clients, deployed.resources, limit=1000)}
    first, shuffled, failed = (found[runs[name].run] for name in ("first", "shuffled", "failing-job"))
    assert (first.status, first.result, first.name) == ("succeeded", "deployed", "accepted")
    assert (shuffled.status, shuffled.result) == ("succeeded", "rejected")
    assert (failed.status, failed.result) == ("failed", None)
    assert first.worst_case_usd == runs["first"].claim["worst_case_usd"]


def test_every_job_of_a_run_tells_what_it_has_billed_and_written(deployed, runs):
    run = runs["first"].run
    jobs = run_jobs(deployed.clients, deployed.resources, run)
    assert [job.name for job in jobs] == ["sft", "holdout-base", "holdout-candidate"]
    attempts = spent(deployed.clients.sagemaker, jobs, now=datetime.now(UTC))
    assert [(attempt.job.name, attempt.status) for attempt in attempts] == [(job.name, "Completed") for job in jobs]
    assert 0 < total(attempts) < runs["first"].claim["worst_case_usd"]
    lines = list(JobLogs(deployed.clients.logs, jobs[0]).new_lines())
    assert any("reduced_train_loss=" in line.text for line in lines)
    assert {line.stream.partition("/")[0] for line in lines} == {attempts[0].name}
