"""Validation in AWS from the command line: what is started, what is shown, and what is told when it fails."""

import io
import json
from datetime import UTC, datetime

import pytest

from novaline.cli.data_remote import inspect_and_show, inspection_name, report_from, validate_remotely
from novaline.datasets.engine.options import Options
from novaline.datasets.validate import validate
from novaline.findings import NovalineError, UsageProblem
from novaline.runs.deployed import InspectionPlace
from novaline.runs.inspection import Inspector

PLACE = InspectionPlace(
    environment="dev",
    account="111111111111",
    data_bucket="data",
    artifact_bucket="artifacts",
    inspection_arn="arn:aws:states:us-east-1:111111111111:stateMachine:inspect",
)
MAP_RUN = "arn:aws:states:us-east-1:111111111111:mapRun:inspect/Parts:1"


class States:
    """Step Functions with one execution that takes a few looks to end."""

    def __init__(self, *, ends, looks=2, failed_part=None):
        self.ends = ends
        self.looks = looks
        self.failed_part = failed_part
        self.started = None

    def start_execution(self, **request):
        self.started = request
        return {"executionArn": f"arn:aws:states:us-east-1:111111111111:execution:inspect:{request['name']}"}

    def describe_execution(self, *, executionArn):  # noqa: N803 - boto3's name
        if executionArn == "failed part":
            return self.failed_part
        self.looks -= 1
        return self.ends if self.looks < 0 else {"status": "RUNNING"}

    def list_map_runs(self, *, executionArn):  # noqa: N803 - boto3's name
        return {"mapRuns": [{"mapRunArn": MAP_RUN}]}

    def describe_map_run(self, *, mapRunArn):  # noqa: N803 - boto3's name
        return {"itemCounts": {"succeeded": 3 - self.looks, "total": 7}}

    def list_executions(self, **asked):
        assert asked == {"mapRunArn": MAP_RUN, "statusFilter": "FAILED", "maxResults": 1}
        return {"executions": [{"executionArn": "failed part"}] if self.failed_part else []}


class Artifacts:
    """S3 with one report."""

    def __init__(self, report):
        self.report = report
        self.asked = None

    def get_object(self, **request):

        self.asked = request
        return {"Body": io.BytesIO(json.dumps(self.report).encode())}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("novaline.runs.map_execution.time.sleep", lambda seconds: None)


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text('{"messages": []}\nno json\n', encoding="utf-8")
    return validate([path], Options(format="sft"))


def inspector(states, report):
    return Inspector(states=states, s3=Artifacts(report.as_json()), place=PLACE)


def test_the_report_of_the_environment_is_shown_as_that_of_a_local_file(report, capsys):
    states = States(ends={"status": "SUCCEEDED"})
    mine = inspector(states, report)
    options = Options(format="sft", max_length=4096)
    assert inspect_and_show(mine, ["s3://data/sets"], held_out=["s3://data/asked"], options=options, as_json=False) == 1
    given = json.loads(states.started["input"])
    assert (given["sources"], given["held_out"]) == (["s3://data/sets"], ["s3://data/asked"])
    assert (given["options"]["format"], given["options"]["max_length"]) == ("sft", 4096)
    assert given["inspection"] == states.started["name"]
    assert mine.s3.asked["Key"] == f"inspections/{states.started['name']}/report.json"
    assert mine.s3.asked["ExpectedBucketOwner"] == "111111111111"
    shown = capsys.readouterr()
    assert "not ok" in shown.out
    assert "2 of 7 parts" in shown.err
    assert all(finding.code in shown.err for finding in report.errors)


def test_with_json_the_report_is_the_one_document_on_stdout(report, capsys):
    mine = inspector(States(ends={"status": "SUCCEEDED"}), report)
    inspect_and_show(mine, ["s3://data/sets"], held_out=[], options=Options(format="sft"), as_json=True)
    assert json.loads(capsys.readouterr().out) == report.as_json()


def test_data_without_errors_ends_with_status_0(report, tmp_path):
    (tmp_path / "good.jsonl").write_text("".join(f'{{"query": "q {n}", "response": "a"}}\n' for n in range(3)))
    good = validate([tmp_path / "good.jsonl"], Options(format="gen_qa"))
    mine = inspector(States(ends={"status": "SUCCEEDED"}), good)
    assert inspect_and_show(mine, ["s3://d/s"], held_out=[], options=Options(format="gen_qa"), as_json=True) == 0


def test_a_report_reads_back_as_it_was_written(report):
    assert report_from(json.loads(json.dumps(report.as_json()))) == report


def test_what_a_function_said_is_told_without_its_wrapping(report):
    cause = json.dumps({"errorMessage": "there is nothing at s3://data/sets", "errorType": "SourceRefused"})
    mine = inspector(States(ends={"status": "FAILED", "error": "SourceRefused", "cause": cause}), report)
    with pytest.raises(NovalineError, match="SourceRefused: there is nothing at s3://data/sets"):
        mine.finish("arn:x:one")


def test_of_parts_that_failed_the_first_ones_own_cause_is_told(report):
    ends = {"status": "FAILED", "error": "States.ExceedToleratedFailureThreshold", "cause": "a threshold was exceeded"}
    part = {"error": "MemoryError", "cause": json.dumps({"errorMessage": "out of memory"})}
    mine = inspector(States(ends=ends, failed_part=part), report)
    with pytest.raises(NovalineError, match="MemoryError: out of memory"):
        mine.finish("arn:x:one")


def test_an_inspection_that_was_stopped_is_no_success(report):
    mine = inspector(States(ends={"status": "ABORTED"}), report)
    with pytest.raises(NovalineError, match="ended with ABORTED"):
        mine.finish("arn:x:one")


def test_a_local_path_is_refused_before_anybody_is_asked():
    with pytest.raises(UsageProblem, match=r"train\.jsonl is a local path"):
        validate_remotely(
            ["s3://data/x", "train.jsonl"], held_out=[], environment="dev", options=Options(format="sft"), as_json=False
        )


def test_inspections_are_named_by_their_moment_and_what_they_look_at():
    moment = datetime(2026, 11, 20, 19, 58, 7, tzinfo=UTC)
    name = inspection_name(["s3://data/a"], created=moment)
    assert name.startswith("validate-20261120-195807-")
    assert name != inspection_name(["s3://data/b"], created=moment)
    assert len(name) <= 80  # of an execution


def test_after_ctrl_c_it_is_told_that_the_inspection_goes_on(report, capsys, monkeypatch):
    mine = inspector(States(ends={}, looks=99), report)
    monkeypatch.setattr(
        "novaline.runs.map_execution.time.sleep", lambda seconds: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        inspect_and_show(mine, ["s3://d/s"], held_out=[], options=Options(format="sft"), as_json=False)
    assert "goes on in AWS" in capsys.readouterr().err
