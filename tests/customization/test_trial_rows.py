"""The rows on which a reward function is tried: few, from all over the data, and pinned by the claim."""

import hashlib
import json

import pytest
from stage_kinds import DEV, write_kind

from novaline.customization.checks import check_file
from novaline.customization.compile import compile_run
from novaline.customization.trial_rows import MOST_BYTES, TRIAL_ROWS, trial_rows
from novaline.requests.resources import Resources


def compiled(folder, kind):
    checked = check_file(write_kind(folder, kind), environment=DEV)
    run = compile_run(
        checked, environment=DEV, resources=Resources.placeholder(DEV), run="the-run", created="2026-01-01T00:00:00Z"
    )
    return checked, run


def test_a_stage_with_a_reward_brings_a_few_rows_from_all_over_its_data(tmp_path):
    checked, run = compiled(tmp_path, "rft")
    lines = run.files["trial/first.jsonl"].splitlines()
    data = checked.datasets["first/train"].path.read_bytes().splitlines()
    assert lines == [data[number * len(data) // TRIAL_ROWS] for number in range(TRIAL_ROWS)]


def test_the_claim_pins_the_rows(tmp_path):
    _, run = compiled(tmp_path, "rft")
    (item,) = [item for item in run.claim["objects"] if "/trial/" in item["uri"]]
    assert item["uri"].endswith("/runs/the-run/trial/first.jsonl")
    assert item["sha256"] == hashlib.sha256(run.files["trial/first.jsonl"]).hexdigest()
    assert item["what"] == "trial rows of stage first"


@pytest.mark.parametrize("kind", ["sft", "rft_eval", "bedrock rft", "serverless rft"])
def test_no_other_run_has_any(tmp_path, kind):
    _, run = compiled(tmp_path, kind)
    assert not [name for name in run.files if name.startswith("trial/")]


def test_rows_that_would_not_fit_into_an_event_are_left_out_but_for_one(tmp_path):
    checked, _ = compiled(tmp_path, "rft")
    dataset = checked.datasets["first/train"]
    long = json.dumps({"messages": [{"role": "user", "content": "x" * (MOST_BYTES // 2)}]})
    dataset.path.write_text("\n".join([long] * dataset.rows) + "\n")
    assert len(trial_rows(dataset).splitlines()) == 1
    dataset.path.write_text("\n".join([long + " " * MOST_BYTES] * dataset.rows) + "\n")
    assert len(trial_rows(dataset).splitlines()) == 1
