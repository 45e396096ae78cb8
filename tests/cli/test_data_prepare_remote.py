"""Preparing in AWS from the command line: what is refused before it starts, what is started, and what is shown."""

import io
import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from novaline.cli.commands import app
from novaline.cli.data_prepare_remote import RemoteOrder, preparation_name, prepare_and_show
from novaline.datasets.prepare.work import Request
from novaline.datasets.remote.prepare_request import Options
from novaline.findings import NovalineError, UsageProblem
from novaline.runs.deployed import PreparationPlace
from novaline.runs.preparation import MOST_TOLD, Preparer

PLACE = PreparationPlace(
    environment="dev",
    account="111111111111",
    data_bucket="data",
    artifact_bucket="artifacts",
    preparation_arn="arn:aws:states:us-east-1:111111111111:stateMachine:Preparation",
)
FILES = [{"file": "train.jsonl", "split": "train", "rows": 1200, "bytes": 5000, "sha256": "0"}]
MADE = {
    "preparation": "one",
    "exit_code": 0,
    "manifest": {"files": FILES, "skipped": {"empty-prompt": 3}},
    "files": ["s3://data/prepared/out/train.jsonl"],
    "output": "s3://data/prepared/out/manifest.json",
    "versions": {"s3://data/prepared/out/train.jsonl": "v1"},
    "mapping": {"prompt": "text", "answer": "label"},
    "samples": [],
    "findings": [],
}
ORDER = RemoteOrder(
    sources=("s3://data/in/",),
    output="s3://data/prepared/out",
    options=Options.of(Request(sources=(), format="sft", output=None)),
)


class States:
    """One execution, which ends at the third look."""

    def __init__(self, **ends):
        self.ends = {"status": "SUCCEEDED", **ends}
        self.started, self._looks = None, 0

    def start_execution(self, *, stateMachineArn, name, input):  # noqa: A002, N803 - Step Functions' parameter names
        assert stateMachineArn == PLACE.preparation_arn
        self.started = {"name": name, "input": json.loads(input)}
        return {"executionArn": f"arn:aws:states:us-east-1:111111111111:execution:Preparation:{name}"}

    def describe_execution(self, *, executionArn):  # noqa: N803 - likewise
        self._looks += 1
        return {"status": "RUNNING"} if self._looks < 3 else self.ends

    def list_map_runs(self, *, executionArn):  # noqa: N803 - likewise
        return {"mapRuns": [{"mapRunArn": "run"}]}

    def describe_map_run(self, *, mapRunArn):  # noqa: N803 - likewise
        return {"itemCounts": {"succeeded": self._looks, "total": 9}}


class Artifacts:
    """The artifact bucket, with one report."""

    def __init__(self, report):
        self._report, self.asked = report, None

    def get_object(self, **request):
        self.asked = request
        return {"Body": io.BytesIO(json.dumps(self._report).encode())}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("novaline.runs.map_execution.time.sleep", lambda seconds: None)


def preparer(report=MADE, **ends):
    return Preparer(states=States(**ends), s3=Artifacts(report), place=PLACE)


def called(*words):
    """Exit status and the findings of a command."""
    done = CliRunner().invoke(app, ["data", "prepare", *words, "--json"])
    return done.exit_code, [finding["code"] for finding in json.loads(done.stdout)["findings"]]


REMOTE = ("--to", "sft", "--remote", "--env", "dev")
OUT = ("--output", "s3://b/prepared/out")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["in.csv", *REMOTE, *OUT], "not-in-s3"),
        (["hf://owner/name", *REMOTE, *OUT], "not-in-s3"),
        (["s3://b/in", *REMOTE], "no-output"),
        (["s3://b/in", *REMOTE, "--output", "out"], "wrong-output"),
        (["s3://b/in", *REMOTE, "--output", "s3://b/data/0"], "wrong-output"),
        (["s3://b/in", *REMOTE, "--output", "s3://b/prepared/out.csv"], "wrong-output"),
        (["s3://b/in", *REMOTE, "--output", "s3://b/prepared/out.jsonl", "--split", "80/20"], "wrong-output"),
        (["s3://b/in", *REMOTE, *OUT, "--show", "3"], "wrong-usage"),
        (["s3://b/in", *REMOTE, *OUT, "--split", "80"], "wrong-split"),
        (["s3://b/in", *REMOTE, *OUT, "--only", "test"], "wrong-split"),
        (["s3://b/in", *REMOTE, *OUT, "--map", "prompt"], "wrong-mapping"),
        (["s3://b/in", *REMOTE, *OUT, "--map", "prmpt=a"], "unknown-role"),
        (["s3://b/in", *REMOTE, *OUT, "--make-pairs"], "wrong-pairs"),
        (["s3://b/in", *REMOTE, *OUT, "--delimiter", "ab"], "wrong-delimiter"),
        (["s3://b/in", "--to", "sft", "--remote", *OUT], "wrong-usage"),
        (["s3://b/in", "--to", "sft", "--env", "dev", *OUT], "wrong-usage"),
        (["s3://b/in", "--to", "sft", "--remote", "--env", "nowhere", *OUT], "unknown-environment"),
    ],
)
def test_what_does_not_fit_together_is_refused_before_anybody_is_asked(words, code, monkeypatch):
    monkeypatch.setattr("novaline.runs.clients.account_clients", lambda *_: pytest.fail("AWS was asked"))
    assert called(*words) == (2, [code])


def test_an_output_in_s3_without_remote_is_told_the_way(capsys):
    done = CliRunner().invoke(app, ["data", "prepare", "in.csv", "--to", "sft", *OUT])
    assert done.exit_code == 2
    assert "--remote --env" in done.stderr


def test_another_bucket_than_the_environments_is_refused_before_anything_starts():
    mine = preparer()
    for order in (
        RemoteOrder(sources=("s3://other/in",), output=ORDER.output, options=ORDER.options),
        RemoteOrder(sources=ORDER.sources, output="s3://other/prepared/out", options=ORDER.options),
    ):
        with pytest.raises(UsageProblem, match="not in the environment's data bucket data"):
            prepare_and_show(mine, order, as_json=False)
    assert mine.states.started is None


def test_what_was_made_is_shown_as_that_of_the_local_command(capsys):
    mine = preparer()
    prepare_and_show(mine, ORDER, as_json=False)
    given = mine.states.started["input"]
    assert given["preparation"] == mine.states.started["name"]
    assert (given["sources"], given["output"]) == (["s3://data/in/"], "s3://data/prepared/out")
    assert Options.from_json(given["options"]) == ORDER.options
    assert mine.s3.asked["Key"] == f"scratch/preparations/{mine.states.started['name']}/report.json"
    assert mine.s3.asked["ExpectedBucketOwner"] == "111111111111"
    shown = capsys.readouterr()
    assert "s3://data/prepared/out/train.jsonl       1,200 rows" in shown.out
    assert "3 rows left out" in shown.out
    assert (
        "next: novaline data validate s3://data/prepared/out/train.jsonl --format sft --remote --env dev" in shown.out
    )
    assert "2 of 9 parts" in shown.err


def test_with_json_the_report_is_the_one_document_on_stdout(capsys):
    prepare_and_show(preparer(), ORDER, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document == {name: value for name, value in MADE.items() if name != "exit_code"}


@pytest.mark.parametrize("exit_code", [1, 2])
def test_what_the_data_is_refused_for_is_raised_as_the_local_command_raises_it(exit_code):
    finding = {"code": "empty-prompt", "severity": "error", "message": "the prompt is empty", "file": "s3://data/a"}
    report = {**MADE, "manifest": None, "exit_code": exit_code, "findings": [finding | {"line": 7}]}
    with pytest.raises(NovalineError, match="s3://data/a:7: the prompt is empty") as caught:
        preparer(report).finish("arn:x:one")
    assert caught.value.exit_code == exit_code


def test_a_function_that_failed_is_told_in_its_own_words():
    cause = json.dumps({"errorMessage": "out of memory", "errorType": "MemoryError"})
    with pytest.raises(NovalineError, match="the preparation ended with MemoryError: out of memory"):
        preparer(status="FAILED", error="MemoryError", cause=cause).finish("arn:x:one")


def test_what_is_too_long_for_an_execution_is_refused_before_it_starts():
    mine = preparer()
    options = Options.of(Request(sources=(), format="sft", output=None, system="x" * MOST_TOLD))
    order = RemoteOrder(sources=ORDER.sources, output=ORDER.output, options=options)
    with pytest.raises(UsageProblem, match="an execution takes"):
        prepare_and_show(mine, order, as_json=False)
    assert mine.states.started is None


def test_after_ctrl_c_it_is_told_that_the_preparation_goes_on(monkeypatch, capsys):
    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("novaline.runs.map_execution.time.sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare_and_show(preparer(), ORDER, as_json=False)
    assert "goes on in AWS: arn:aws:states" in capsys.readouterr().err


def test_preparations_are_named_by_their_moment_and_what_they_are_about():
    moment = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)
    assert preparation_name(["s3://a"], created=moment).startswith("prepare-20261120-101500-")
    assert preparation_name(["s3://a"], created=moment) != preparation_name(["s3://b"], created=moment)
