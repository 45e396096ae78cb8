"""`novaline runs`, `status`, `watch` and `logs`, as a person calls them, on runs of the deployed environment."""

import json
import os
import subprocess
import sys

import pytest

from novaline.rehearsal.faults import Fault
from tests.rehearsal.deployed import NOWHERE, ROOT, Deployed

pytestmark = pytest.mark.xdist_group("deployed")


@pytest.fixture(scope="module")
def run(deployed: Deployed) -> str:
    """A run that has ended well."""
    return deployed.run("looked-at", deployment=NOWHERE).run


def novaline(deployed: Deployed, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, with the credentials of the embedded account in its environment."""
    variables = {**os.environ, **deployed.emulator.environment(), "COLUMNS": "100", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "novaline.cli.main", *arguments, "--env", "dev"]
    return subprocess.run(command, capture_output=True, text=True, env=variables, cwd=ROOT, timeout=120, check=False)


def test_a_run_is_listed_watched_and_its_logs_are_read(deployed, run):
    listed = novaline(deployed, "runs")
    (line,) = (line for line in listed.stdout.splitlines() if run in line)
    assert "nova-micro" in line
    assert "evaluated" in line
    watched = novaline(deployed, "watch", run)
    assert (watched.returncode, watched.stderr) == (0, "")
    assert "✓ Train" in watched.stdout
    assert "so far" in watched.stdout
    read = novaline(deployed, "logs", run, "sft")
    assert (read.returncode, read.stderr) == (0, "")
    assert "reduced_train_loss=" in read.stdout


def test_each_prints_one_json_document(deployed, run):
    listed = json.loads(novaline(deployed, "runs", "--limit", "1000", "--json").stdout)
    assert run in {one["run"] for one in listed["runs"]}
    watched = novaline(deployed, "watch", run, "--json")
    assert json.loads(watched.stdout)["result"] == "evaluated"
    lines = json.loads(novaline(deployed, "logs", run, "holdout-base", "--json").stdout)["lines"]
    assert all(line["stream"].partition("-r0-d0/")[1] for line in lines)


def test_watching_a_run_that_fails_tells_why_and_ends_with_status_1(deployed):
    deployed.emulator.inject(
        Fault(service="sagemaker", operation="CreateTrainingJob", match="watched-sft", kind="fail", message="no GPU")
    )
    started = deployed.start(deployed.compiled("watched", deployment=NOWHERE))
    watched = novaline(deployed, "watch", started.run, "--interval", "1")
    assert watched.returncode == 1
    assert "no GPU" in watched.stdout
    assert "✗ Train" in watched.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("watch", "looked-at-20200101-000000-000000"), "has no run"),
        (("watch", "../x"), "not the id of a run"),
        (("logs", "RUN", "stf"), "did you mean sft?"),
        (("logs", "RUN", "sft", "--follow", "--json"), "--json is one document"),
        (("runs", "--limit", "0"), "greater than or equal to 1"),
    ],
)
def test_what_is_not_there_is_answered_in_words_with_status_2(deployed, run, arguments, words):
    found = novaline(deployed, *(run if argument == "RUN" else argument for argument in arguments))
    assert found.returncode == 2
    assert words in found.stderr + found.stdout
    assert "Traceback" not in found.stderr
