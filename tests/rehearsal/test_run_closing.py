"""Runs that somebody aborts, or that time out: nothing is paid for any longer, the ledger is closed, people are told.

Each ends without a job in progress, with its end in the ledger, and with exactly one message.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

from novaline.rehearsal.proof.closing import (
    CLOSE,
    SCHEDULE,
    SWEEP,
    AbortedRun,
    closing_exercise,
    functions_of,
    sweeping_exercise,
)
from novaline.rehearsal.proof.reasons import reason
from novaline.rehearsal.proof.statements import taken_away
from tests.rehearsal.deployed import ROOT, Deployed, Ended, Started
from tests.rehearsal.scenarios import bedrock, job

pytestmark = pytest.mark.xdist_group("deployed")

CLOSE_ROLE, SWEEP_ROLE = f"{CLOSE}Role", f"{SWEEP}Role"
CAUSE = "stopped by arn:aws:iam::111111111111:user/ann: wrong data"
PURPOSES = {
    CLOSE_ROLE: [
        *("CloseEntries", "DecryptExecutions", "FindJobs", "Notify", "ReadClaim", "ReadExecutions", "ReadJobTags"),
        *("StopJobs", "UseKeyThroughS3", "UseLedgerKey", "UseTopicKey"),
    ],
    SWEEP_ROLE: [
        *("CloseEntries", "DecryptExecutions", "FindJobs", "ListRuns", "Notify", "ReadExecutions", "ReadJobTags"),
        *("StopJobs", "UseLedgerKey", "UseTopicKey"),
    ],
    SCHEDULE: ["InvokeSweep"],
}


@pytest.fixture(scope="module")
def names(deployed: Deployed) -> dict[str, str]:
    """What CloudFormation called the functions and the schedule's role."""
    return dict(functions_of(deployed.emulator, f"{deployed.environment.name}-Customization"))


@pytest.fixture(scope="module")
def aborted(deployed: Deployed) -> AbortedRun:
    """A run that was aborted, to be opened and closed again."""
    run = deployed.compiled("closed-again")
    return AbortedRun.made(deployed.emulator, deployed.clients, deployed.resources, run)


def in_progress(deployed: Deployed, run: Started) -> list[str]:
    return [
        name
        for subject in ("sft", "base", "candidate")
        for name, status in deployed.jobs(run.job(subject))
        if status == "InProgress"
    ]


def started(deployed: Deployed, name: str, *jobs: str) -> Started:
    """A run whose jobs of these names go on until they are stopped."""
    for each in jobs:
        deployed.emulator.inject(job(f"{name}-{each}", "slow"))
    return deployed.start(deployed.compiled(name))


def wait_for_job(deployed: Deployed, run: Started, subject: str, status: str) -> str:
    name = f"{run.job(subject)}-r0-d0"
    deployed.wait_for(lambda: dict(deployed.jobs(name)).get(name), lambda found: found == status)
    return name


def closed(deployed: Deployed, run: Started, status: str) -> Ended:
    """The run, once its ledger says that it ended so."""
    deployed.wait_for(lambda: deployed.ledger(run.run, "run"), lambda found: found.get("status") == status)
    deployed.wait_for(lambda: "telling" in deployed.ledger(run.run, "run"), lambda telling: not telling)
    deployed.wait_for(lambda: in_progress(deployed, run), lambda found: not found)
    return deployed.end(run)


def assert_told_once(deployed: Deployed, run: Ended, subject: str, *words: str) -> None:
    (said,) = deployed.wait_for(lambda: deployed.notifications(run.run), bool)
    assert said["Subject"] == subject
    assert said["Message"].endswith(run.ledger["failure"])
    assert all(word in said["Message"] for word in words), said
    assert run.ledger["finished"] > run.ledger.get("started", "")


def stop(deployed: Deployed, run: Started, **reason: str) -> None:
    deployed.clients.states.stop_execution(executionArn=run.execution, **reason)


# ---- the ends


def test_aborting_a_run_that_trains_stops_its_job_and_closes_it(deployed):
    run = started(deployed, "closed-training", "sft")
    name = wait_for_job(deployed, run, "sft", "InProgress")
    stop(deployed, run, cause=CAUSE)
    ended = closed(deployed, run, "aborted")
    assert (ended.status, ended.ledger["failure"]) == ("ABORTED", f"{CAUSE}. Stopped: {name}.")
    assert_told_once(deployed, ended, "Novaline: run aborted", f"Run {run.run} was aborted. {CAUSE}", name)
    problem = deployed.status(run.run).problem
    assert problem is not None
    assert problem.message == CAUSE


def test_aborting_a_run_that_evaluates_stops_both_jobs(deployed):
    run = started(deployed, "closed-evaluating", "holdout-base", "holdout-candidate")
    names = [wait_for_job(deployed, run, subject, "InProgress") for subject in ("base", "candidate")]
    stop(deployed, run)
    ended = closed(deployed, run, "aborted")
    assert_told_once(deployed, ended, "Novaline: run aborted", "gave no reason", *names)


def test_aborting_a_run_that_waits_for_its_model_closes_it(deployed):
    deployed.emulator.inject(bedrock("CreateCustomModel", "closed-importing", "slow"))
    run = deployed.start(deployed.compiled("closed-importing"))
    deployed.wait_for(lambda: "Wait for model" in json.dumps(deployed.events(run), default=str), bool, seconds=60)
    stop(deployed, run, cause=CAUSE)
    ended = closed(deployed, run, "aborted")
    assert ended.ledger["failure"] == f"{CAUSE}. No training job of it was in progress."
    assert_told_once(deployed, ended, "Novaline: run aborted")


def test_a_run_that_reaches_its_time_limit_is_closed(deployed):
    with time_limit(deployed, seconds=3):
        run = started(deployed, "closed-late", "sft")
        name = wait_for_job(deployed, run, "sft", "InProgress")
        ended = closed(deployed, run, "timed-out")
    assert ended.status == "TIMED_OUT"
    assert_told_once(deployed, ended, "Novaline: run timed out", "reached its time limit", name)


@contextmanager
def time_limit(deployed: Deployed, *, seconds: int) -> Iterator[None]:
    """The workflow with a limit that a test can wait for."""
    states, machine = deployed.clients.states, deployed.resources.state_machine_arn
    definition = states.describe_state_machine(stateMachineArn=machine)["definition"]
    shorter = json.dumps({**json.loads(definition), "TimeoutSeconds": seconds})
    states.update_state_machine(stateMachineArn=machine, definition=shorter)
    try:
        yield
    finally:
        states.update_state_machine(stateMachineArn=machine, definition=definition)


def test_when_step_functions_could_not_stop_the_job_closing_the_run_does(deployed):
    run = started(deployed, "closed-for-it", "sft")
    name = wait_for_job(deployed, run, "sft", "InProgress")
    with taken_away(deployed.client("iam"), [deployed.statement("WorkflowRole", "StopTrainingJobs")]):
        stop(deployed, run, cause=CAUSE)
        ended = closed(deployed, run, "aborted")
    assert deployed.ledger(run.run, "run")["stopped_jobs"] == [name]
    assert_told_once(deployed, ended, "Novaline: run aborted", name)


def test_a_run_that_could_not_record_its_failure_is_closed(deployed):
    with taken_away(deployed.client("iam"), [deployed.statement("WorkflowRole", "RecordRuns")]):
        run = deployed.start(deployed.compiled("closed-failure"))
        ended = closed(deployed, run, "failed")
    assert ended.status == "FAILED"
    assert "dynamodb:PutItem" in ended.ledger["failure"]
    subjects = [said["Subject"] for said in deployed.wait_for(lambda: deployed.notifications(run.run), lambda s: s[1:])]
    assert subjects == ["Novaline: run failed"] * 2, "by the workflow, and when it could be recorded"


def test_a_run_that_records_its_own_failure_is_left_as_it_is(deployed):
    deployed.emulator.inject(job("closed-itself-sft", "fail", message="no GPU was found"))
    ended = deployed.run("closed-itself")
    before = ended.ledger
    answer = invoke_close(deployed, ended, "FAILED")
    assert answer == {"run": ended.run, "status": "failed", "stopped": [], "told": False}
    assert deployed.ledger(ended.run, "run") == before
    assert len(deployed.notifications(ended.run)) == 1


def invoke_close(deployed: Deployed, run: Started, status: str) -> dict:
    """What the function answers to the event of the run's end."""
    name = functions_of(deployed.emulator, f"{deployed.environment.name}-Customization")[CLOSE]
    detail = {"name": run.run, "status": status, "executionArn": run.execution}
    answer = deployed.client("lambda").invoke(FunctionName=name, Payload=json.dumps({"detail": detail}))
    assert "FunctionError" not in answer, answer["Payload"].read()
    return dict(json.loads(answer["Payload"].read()))


# ---- the command


def novaline(deployed: Deployed, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, with the credentials of the embedded account in its environment."""
    variables = {**os.environ, **deployed.emulator.environment(), "COLUMNS": "100", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "novaline.cli.main", *arguments, "--env", "dev"]
    return subprocess.run(command, capture_output=True, text=True, env=variables, cwd=ROOT, timeout=120, check=False)


def test_the_command_stops_a_run_and_shows_what_was_stopped_and_what_it_has_cost(deployed):
    run = started(deployed, "commanded", "sft")
    name = wait_for_job(deployed, run, "sft", "InProgress")
    aborted = novaline(deployed, "abort", run.run, "--reason", "wrong data")
    assert (aborted.returncode, aborted.stderr) == (0, "")
    assert f"{run.run}  aborted" in aborted.stdout
    assert f"{name}  Stopped" in aborted.stdout
    assert "wrong data" in aborted.stdout
    assert re.search(r"spent +\$\d+\.\d\d on training", aborted.stdout)
    ended = closed(deployed, run, "aborted")
    who = f"stopped by arn:aws:iam::{deployed.environment.account}:root: wrong data"
    assert_told_once(deployed, ended, "Novaline: run aborted", who, name)
    looked = novaline(deployed, "status", run.run)
    assert (looked.returncode, who in looked.stdout) == (1, True)
    again = novaline(deployed, "abort", run.run)
    assert again.returncode == 1
    assert f"the run {run.run} has ended already: aborted at " in again.stderr
    assert "Traceback" not in again.stderr


def test_the_command_prints_one_json_document(deployed):
    run = started(deployed, "commanded-json", "sft")
    name = wait_for_job(deployed, run, "sft", "InProgress")
    found = json.loads(novaline(deployed, "abort", run.run, "--json").stdout)
    assert (found["run"], found["status"], found["stopped"]) == (run.run, "aborted", True)
    assert found["reason"] == "no reason was given"
    assert [(one["name"], one["status"]) for one in found["jobs"]] == [(name, "Stopped")]
    assert found["recorded"] == f"stopped by {found['by']}: no reason was given. Stopped: {name}."


@pytest.mark.parametrize(
    ("run", "words"), [("commanded-20200101-000000-000000", "has no run"), ("../x", "not the id of a run")]
)
def test_a_run_that_is_not_there_cannot_be_aborted(deployed, run, words):
    found = novaline(deployed, "abort", run)
    assert found.returncode == 2
    assert words in found.stderr


# ---- events that come twice, or never


def test_an_event_that_comes_several_times_closes_a_run_once(deployed, aborted, names):
    before = len(deployed.notifications(aborted.run.run))
    aborted.open()
    name = aborted.start_job()
    run = Started(run=aborted.run.run, execution=aborted.execution, claim=aborted.run.claim)
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda _: invoke_close(deployed, run, "ABORTED"), range(4)))
    assert [answer["told"] for answer in answers].count(True) == 1
    deployed.wait_for(lambda: aborted.status(name), lambda status: status == "Stopped")
    assert len(deployed.notifications(aborted.run.run)) == before + 1


def test_the_sweep_closes_a_run_whose_event_was_lost(deployed):
    (rule,) = [rule["Name"] for rule in deployed.client("events").list_rules()["Rules"] if "Closing" in rule["Name"]]
    run = started(deployed, "swept", "sft")
    name = wait_for_job(deployed, run, "sft", "InProgress")
    deployed.client("events").disable_rule(Name=rule)
    try:
        with taken_away(deployed.client("iam"), [deployed.statement("WorkflowRole", "StopTrainingJobs")]):
            stop(deployed, run, cause=CAUSE)
            deployed.end(run)
            assert in_progress(deployed, run) == [name]
            assert deployed.ledger(run.run, "run")["status"] == "running"
            deployed.emulator.fire_schedules()
            ended = closed(deployed, run, "aborted")
    finally:
        deployed.client("events").enable_rule(Name=rule)
    assert_told_once(deployed, ended, "Novaline: run aborted", CAUSE, name)


def test_the_sweep_closes_a_run_without_jobs_whose_event_was_lost(deployed, aborted):
    before = len(deployed.notifications(aborted.run.run))
    aborted.open()
    deployed.emulator.fire_schedules()
    deployed.wait_for(aborted.entry, lambda found: found["status"] == {"S": "aborted"})
    deployed.wait_for(lambda: deployed.notifications(aborted.run.run), lambda said: len(said) == before + 1)


def test_the_sweep_stops_a_job_that_outlived_a_closed_run_and_says_so(deployed, aborted):
    before = len(deployed.notifications(aborted.run.run))
    entry, name = aborted.entry(), aborted.start_job()
    deployed.emulator.fire_schedules()
    deployed.wait_for(lambda: aborted.status(name), lambda status: status == "Stopped")
    said = deployed.wait_for(lambda: deployed.notifications(aborted.run.run), lambda said: len(said) == before + 1)
    assert (said[-1]["Subject"], f"Stopped: {name}." in said[-1]["Message"]) == ("Novaline: jobs stopped", True)
    assert aborted.entry()["finished"] == entry["finished"]


def test_the_sweep_leaves_the_jobs_of_running_runs_and_of_other_environments_alone(deployed, aborted):
    run = started(deployed, "not-swept", "sft")
    own = wait_for_job(deployed, run, "sft", "InProgress")
    other = aborted.start_job({"novaline:environment": "prod"})
    orphan = aborted.start_job()
    deployed.emulator.fire_schedules()
    deployed.wait_for(lambda: aborted.status(orphan), lambda status: status == "Stopped")
    assert (aborted.status(own), aborted.status(other)) == ("InProgress", "InProgress")
    sagemaker = deployed.client("sagemaker", role=deployed.role(SWEEP_ROLE))
    with pytest.raises(ClientError, match="not authorized to perform: sagemaker:StopTrainingJob"):
        sagemaker.stop_training_job(TrainingJobName=other)
    deployed.client("sagemaker").stop_training_job(TrainingJobName=other)
    stop(deployed, run)
    closed(deployed, run, "aborted")


def test_the_sweep_stops_the_job_of_a_run_that_never_was(deployed, aborted):
    name = aborted.start_job({"novaline:run": "never-20260101-000000-000000"})
    deployed.emulator.fire_schedules()
    deployed.wait_for(lambda: aborted.status(name), lambda status: status == "Stopped")
    said = deployed.wait_for(lambda: deployed.notifications("never-20260101-000000-000000"), bool)
    assert [one["Subject"] for one in said] == ["Novaline: jobs stopped"]


# ---- least privilege


def test_the_tables_here_know_every_statement_of_the_closing(deployed):
    for role, sids in PURPOSES.items():
        found = {one.sid for one in deployed.statements if one.role == role}
        assert {sid for sid in found if reason(role=role, sid=sid) is None} == set(sids)


@pytest.mark.parametrize("sid", PURPOSES[CLOSE_ROLE])
def test_without_a_statement_a_run_is_not_closed_by_its_event(deployed, aborted, names, sid):
    assert_refused(deployed, CLOSE_ROLE, sid, closing_exercise(aborted, function=names[CLOSE]))


@pytest.mark.parametrize(("role", "sid"), [(role, sid) for role in (SWEEP_ROLE, SCHEDULE) for sid in PURPOSES[role]])
def test_without_a_statement_a_run_is_not_closed_by_the_sweep(deployed, aborted, names, role, sid):
    exercise = sweeping_exercise(aborted, function=names[SWEEP], schedule_role=deployed.role(SCHEDULE))
    assert_refused(deployed, role, sid, exercise)


def assert_refused(deployed, role, sid, exercise):
    statement = deployed.statement(role, sid)
    with taken_away(deployed.client("iam"), [statement]):
        said = exercise()
    assert statement.refusal_in(said), said


def test_with_every_statement_a_run_is_closed_by_either(deployed, aborted, names):
    assert closing_exercise(aborted, function=names[CLOSE])() == ""
    assert sweeping_exercise(aborted, function=names[SWEEP], schedule_role=deployed.role(SCHEDULE))() == ""


def test_the_schedules_role_is_assumed_only_by_the_scheduler_for_its_own_group(deployed):
    role = deployed.role(SCHEDULE)
    document = deployed.client("iam").get_role(RoleName=role.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
    (statement,) = document["Statement"]
    group = statement["Condition"]["ArnLike"]["aws:SourceArn"]
    assert group.endswith(":schedule-group/default")
    assert deployed.emulator.assume(role, as_service="scheduler.amazonaws.com", source_arn=group)
    for service, source in (("events", group), ("scheduler", group.replace("default", "other"))):
        with pytest.raises(ValueError, match=rf"does not trust {service}\.amazonaws\.com"):
            deployed.emulator.assume(role, as_service=f"{service}.amazonaws.com", source_arn=source)


def test_an_event_reaches_the_function_only_by_the_functions_own_policy(deployed, names):
    functions = deployed.client("lambda")
    policy = json.loads(functions.get_policy(FunctionName=names[CLOSE])["Policy"])
    (statement,) = policy["Statement"]
    functions.remove_permission(FunctionName=names[CLOSE], StatementId=statement["Sid"])
    try:
        run = started(deployed, "not-told", "sft")
        wait_for_job(deployed, run, "sft", "InProgress")
        stop(deployed, run)
        deployed.end(run)
        wait_for_job(deployed, run, "sft", "Stopped")
        assert deployed.ledger(run.run, "run")["status"] == "running"
    finally:
        functions.add_permission(
            FunctionName=names[CLOSE],
            StatementId=statement["Sid"],
            Action=statement["Action"],
            Principal=statement["Principal"]["Service"],
            SourceArn=statement["Condition"]["ArnLike"]["AWS:SourceArn"],
            SourceAccount=deployed.environment.account,
        )
    deployed.emulator.fire_schedules()
    closed(deployed, run, "aborted")
