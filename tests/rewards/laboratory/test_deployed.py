"""The examination of a deployed function: called through boto3, in the embedded AWS."""

import pytest

from novaline.findings import NovalineError
from novaline.rewards.laboratory.deployed import DeployedSubject
from novaline.rewards.laboratory.examine import examine
from novaline.rewards.laboratory.judgement import judge
from tests.rehearsal.account import Account
from tests.rewards.laboratory.trials import label_rows, rows_of

SOUND = """
def handler(event, context):
    answers = []
    for sample in event:
        try:
            said = sample["messages"][-1]["content"]
            said = said if isinstance(said, str) else said[0]["text"]
            right = sample.get("reference_answer", sample.get("metadata", {}).get("reference_answer"))
            score = float(said.strip() == right)
        except Exception:
            score = 0.0
        answers.append({"id": sample["id"], "aggregate_reward_score": score, "metrics_list": []})
    return answers
"""
FRAGILE = """
def handler(event, context):
    return [
        {"id": sample["id"], "aggregate_reward_score": float(sample["messages"][-1]["content"][0]["text"] ==
         sample["reference_answer"])}
        for sample in event
    ]
"""
LAX = """
def handler(event, context):
    return [
        {"id": sample["id"], "aggregate_reward_score": "0.5" if number else True}
        for number, sample in enumerate(event)
    ]
"""


@pytest.fixture(scope="module")
def aws(emulator):
    return Account(emulator)


def subject(aws, code):
    return DeployedSubject(client=aws.client("lambda"), function=aws.function(code), name="deployed")


def test_a_sound_function_passes_and_does_not_tell_its_fallbacks(aws):
    found = examine(subject(aws, SOUND), rows_of(label_rows(6)))
    assert judge(found) == []
    assert (found.right_mean, found.distribution.fallbacks) == (1.0, None)


def test_a_function_that_raises_for_one_sample_loses_the_batch_and_the_reason_is_told(aws):
    found = examine(subject(aws, FRAGILE), rows_of(label_rows(6)))
    lost = next(finding for finding in judge(found) if finding.code == "batch-lost")
    assert "KeyError: 'reference_answer'" in lost.message or "TypeError" in lost.message


def test_a_function_whose_scores_are_no_numbers_answers_nothing(aws):
    with pytest.raises(NovalineError, match="expected a number"):
        examine(subject(aws, LAX), rows_of(label_rows(6)))


def test_a_function_that_is_not_there_is_told_with_the_next_step(aws):
    absent = DeployedSubject(client=aws.client("lambda"), function="novaline-dev-SageMaker-none", name="none")
    with pytest.raises(NovalineError, match="there is no function novaline-dev-SageMaker-none") as refused:
        examine(absent, rows_of(label_rows(6)))
    assert "deploy the environment" in refused.value.findings[0].hint


def test_the_command_calls_the_environments_function_with_the_credentials_of_the_shell(aws, tmp_path, monkeypatch):
    import io
    import json
    import zipfile

    import typer
    from typer.testing import CliRunner

    from novaline.cli import reward

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("index.py", SOUND)
    aws.client("lambda").create_function(
        FunctionName="novaline-dev-SageMaker-laboratory",
        Runtime="python3.12",
        Handler="index.handler",
        Role=aws.role(service="lambda.amazonaws.com"),
        Code={"ZipFile": archive.getvalue()},
    )
    text = "".join(json.dumps(row) + "\n" for row in label_rows(6))
    (tmp_path / "rows.jsonl").write_text(text, encoding="utf-8")
    (tmp_path / "dev.yaml").write_text(ENVIRONMENT, encoding="utf-8")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in aws.emulator.environment().items():
        monkeypatch.setenv(name, value)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    reward.register(app)
    app.callback()(lambda: None)  # without it, typer makes the only group the whole command

    def tried(name):
        given = ["--environment-file", tmp_path / "dev.yaml", "--deployed", "--data", tmp_path / "rows.jsonl", "--json"]
        return CliRunner().invoke(app, ["reward", "test", name, *map(str, given)])

    document = json.loads(tried("laboratory").stdout)
    assert document["where"] == "the function novaline-dev-SageMaker-laboratory"
    assert (document["right_mean"], document["findings"]) == (1.0, [])
    absent = tried("absent")
    assert absent.exit_code == 1
    assert json.loads(absent.stdout)["findings"][0]["code"] == "not-deployed"


ENVIRONMENT = """\
name: dev
account: "111111111111"
region: us-east-1
retain: false
termination_protection: false
log_retention_days: 30
noncurrent_days: 30
budget_usd_per_run: 10000
rewards:
  laboratory: {function: classification}
  absent: {function: classification}
"""
