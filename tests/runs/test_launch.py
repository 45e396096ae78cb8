import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from fake_aws import RESOURCES, FakeS3, FakeStates

from novaline.findings import NovalineError, UsageProblem
from novaline.runs.launch import compiled, environment_named, launch, order, training_jobs

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "support-intents"
NOW = datetime(2026, 11, 20, 10, 15, 7, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def dev():
    return environment_named("dev", root=ROOT)


@pytest.fixture
def example(tmp_path) -> Path:
    shutil.copytree(EXAMPLE, tmp_path / "example")
    return tmp_path / "example" / "customization.yaml"


def test_the_same_customization_and_data_give_the_same_run_but_for_the_time(example, dev):
    first = order(example, dev, now=lambda: NOW).run
    assert first.startswith("support-intents-20261120-101507-")
    assert order(EXAMPLE / "customization.yaml", dev, now=lambda: NOW).run == first
    assert order(example, dev, now=lambda: NOW + timedelta(seconds=1)).run != first


@pytest.mark.parametrize("name", ["train.jsonl", "eval.jsonl", "customization.yaml"])
def test_other_data_or_another_customization_is_another_run(example, dev, name):
    before = order(example, dev, now=lambda: NOW).run
    changed = example.with_name(name)
    lines = changed.read_text(encoding="utf-8").splitlines()
    extra = ["# a remark"] if name.endswith("yaml") else []
    changed.write_text("\n".join((lines if extra else lines[:-1]) + extra) + "\n", encoding="utf-8")
    assert order(example, dev, now=lambda: NOW).run != before


def test_a_run_above_its_budget_is_refused_before_anything_is_uploaded(example, dev):
    example.write_text(example.read_text(encoding="utf-8").replace("{usd: 750}", "{usd: 10}"), encoding="utf-8")
    with pytest.raises(NovalineError, match=r"\$"):
        order(example, dev)
    poor = dev.model_copy(update={"budget_usd_per_run": 10.0})
    with pytest.raises(NovalineError, match=r"\$"):
        order(EXAMPLE / "customization.yaml", poor)


def test_launching_uploads_everything_that_the_claim_names_and_starts_one_execution(dev):
    given = order(EXAMPLE / "customization.yaml", dev, now=lambda: NOW)
    clients = SimpleNamespace(s3=FakeS3(), states=FakeStates())
    run = compiled(given, RESOURCES)
    arn = launch(clients, run, RESOURCES)
    assert arn.endswith(f":{given.run}")
    claim = json.loads(clients.s3.objects["artifacts", f"runs/{given.run}/claim.json"]["Body"])
    assert all(item["version_id"] for item in claim["objects"])
    assert claim["created"] == "2026-11-20T10:15:07Z"
    (job,) = training_jobs(run)
    assert job.startswith("support-intents-sft-")
    assert len(clients.states.started[0]["input"]) < 1000


def test_a_run_of_data_in_s3_of_which_nobody_was_asked_is_refused(example, dev):
    uri = "s3://the-data-bucket/sets/train.jsonl"
    text = example.read_text(encoding="utf-8").replace("train: train.jsonl", f"train: {uri}")
    example.write_text(text, encoding="utf-8")
    with pytest.raises(NovalineError, match=f"nobody was asked whether {uri} may be used"):
        order(example, dev)


def test_nothing_is_started_when_an_upload_fails(dev):
    given = order(EXAMPLE / "customization.yaml", dev, now=lambda: NOW)
    clients = SimpleNamespace(s3=FakeS3(refuse="claim.json"), states=FakeStates())
    with pytest.raises(NovalineError):
        launch(clients, compiled(given, RESOURCES), RESOURCES)
    assert clients.states.started == []


def test_the_order_is_told_in_one_line_with_its_cost(dev):
    words = order(EXAMPLE / "customization.yaml", dev).in_words()
    assert words.startswith("nova-micro, ")
    assert "training rows; on AWS: expected $" in words


def test_an_unknown_environment_is_answered_with_the_nearest_known_one(tmp_path):
    with pytest.raises(UsageProblem) as caught:
        environment_named("stagin", root=ROOT)
    assert caught.value.findings[0].hint == "did you mean staging?"
    with pytest.raises(UsageProblem, match="no environment 'dev'"):
        environment_named("dev", root=tmp_path)
