"""Data in S3: an offline check says what a run will ask for; whoever knows the environment says what was found."""

import json
import re
from pathlib import Path

import pytest
from stage_kinds import DEV

from novaline.customization.checks import check_file
from novaline.customization.compile import compile_run
from novaline.customization.plan import make_plan
from novaline.customization.stored_data import DataRefused, FoundData
from novaline.datasets.dataset import Dataset, StoredVersion
from novaline.datasets.validated import Validated
from novaline.findings import NovalineError
from novaline.requests.resources import Resources

RESOURCES = Resources.placeholder(DEV)
TRAIN = "s3://the-data-bucket/sets/train.jsonl"
IN_S3 = ("data: {train: train.jsonl}", f"data: {{train: {TRAIN}}}")


class Known:
    """Who knows about data in S3: the same of all objects, or nothing."""

    def __init__(self, found=None):
        self.found = found
        self.asked = []

    def find(self, uri, *, rows_of, model):
        self.asked.append((uri, rows_of, model))
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def found_data(*, rows_of="sft", rows=300, longest_row=20, media=(), version="v7", first_rows=None):
    validated = Validated(format=rows_of, model="nova-micro", rows=rows, errors=0, warnings=1, inspection="validate-1")
    dataset = Dataset(
        source=StoredVersion(uri=TRAIN, version_id=version),
        sha256=None,
        bytes=9_000_000_000,
        rows=rows,
        tokens=2_000_000,
        longest_row=longest_row,
        validated=validated,
        first_rows=first_rows,
    )
    return FoundData(dataset=dataset, media=frozenset(media))


def compiled(checked):
    return compile_run(checked, environment=DEV, resources=RESOURCES, run="r-1", created="2026-11-20T12:00:00Z")


# ---- offline


def test_an_offline_check_says_in_one_finding_what_the_run_will_ask_for(write):
    checked = check_file(write(IN_S3))
    (finding,) = [finding for finding in checked.findings if finding.code == "validated-by-run"]
    assert (finding.severity, finding.line) == ("warning", 6)
    assert TRAIN in finding.message
    command = f"novaline data validate {TRAIN} --format sft --model nova-micro --remote --env"
    assert command in finding.hint
    assert (checked.remote, list(checked.datasets)) == ({"sft/train": TRAIN}, ["holdout/data"])


def test_an_offline_plan_shows_the_run_without_what_only_the_data_tells(write):
    checked = check_file(write(IN_S3), environment=DEV)
    run = compiled(checked)
    plan = make_plan(checked, run, environment=DEV, resources=RESOURCES).as_json()
    (train,) = [item for item in plan["datasets"] if item["what"] == "train data of stage sft"]
    assert (train["path"], train["sha256"], train["bytes"]) == (TRAIN, None, None)
    assert plan["jobs"][0]["rows"] is None
    assert plan["expected_hours"] is None
    assert plan["cost"]["worst_case_usd"] > 0
    yours = [permission for permission in plan["permissions"] if permission["who"] == "you"]
    assert any("s3:GetObjectVersion" in permission["actions"] for permission in yours)


def test_a_job_that_is_billed_by_token_has_no_known_cost_while_nobody_has_seen_its_rows(write_stages):
    stage = {"technique": "sft", "platform": "bedrock", "data": f"{{train: {TRAIN}}}", "overrides": "{epochCount: 2}"}
    checked = check_file(write_stages(stage))
    (line,) = checked.cost.managed
    assert line.worst_case_usd is None
    (finding,) = [finding for finding in checked.findings if finding.code == "price-unknown"]
    assert "`run` looks" in finding.hint


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("s3://b", "wrong-value"),
        ("s3://b/folder/", "wrong-value"),
        ("s3://b/rows.csv", "wrong-value"),
        ("s3://b/rows.jsonl.gz", "wrong-value"),
    ],
)
def test_what_is_no_object_of_json_lines_is_refused_offline(write, written, code):
    with pytest.raises(NovalineError) as refused:
        check_file(write((IN_S3[0], f"data: {{train: {written}}}")))
    assert [finding.code for finding in refused.value.findings] == [code]


def test_rows_of_a_form_that_nobody_knows_cannot_be_validated_in_s3(write_stages):
    stage = {"technique": "ppo", "platform": "hyperpod", "data": f"{{train: {TRAIN}}}"}
    with pytest.raises(NovalineError, match="nothing can validate ppo rows in S3"):
        check_file(write_stages(stage))


def test_where_the_model_is_a_mistake_nothing_is_said_of_data_in_s3(write):
    with pytest.raises(NovalineError) as refused:
        check_file(write(IN_S3, ("nova-micro", "gpt-5")), stored=(known := Known(found_data())))
    assert [finding.code for finding in refused.value.findings] == ["wrong-value"]
    assert known.asked == []


# ---- with somebody who knows


def test_the_environment_is_asked_for_the_jobs_format_and_model(write):
    known = Known(found_data())
    evaluation = ("data: eval.jsonl", "data: s3://the-data-bucket/sets/eval.jsonl")
    check_file(write(IN_S3, evaluation), stored=known)
    assert known.asked == [
        ("s3://the-data-bucket/sets/eval.jsonl", "gen_qa", "nova-micro"),
        (TRAIN, "sft", "nova-micro"),
    ]


def test_a_refusal_is_a_finding_where_the_file_names_the_data(write):
    known = Known(DataRefused("not-validated", "there is no report", hint="validate it"))
    with pytest.raises(NovalineError) as refused:
        check_file(write(IN_S3), stored=known)
    (finding,) = refused.value.findings
    assert (finding.code, finding.severity, finding.line, finding.hint) == ("not-validated", "error", 6, "validate it")


def test_the_rows_that_were_found_are_held_against_the_job_as_local_ones_are(write):
    checked = check_file(write(IN_S3), stored=Known(found_data(rows=3)))
    assert "too-few-rows" in {finding.code for finding in checked.findings}
    assert checked.datasets["sft/train"].rows == 3
    assert checked.cost.lines[0].expected_hours is not None


def test_media_that_the_inspection_found_count_for_the_recipes_rules(write):
    checked = check_file(write(IN_S3), stored=Known(found_data(media=("image",))))
    assert checked.media["sft/train"] == {"image"}


def test_the_claim_names_a_copy_that_stands_for_the_version_and_what_it_is_a_copy_of(write):
    run = compiled(check_file(write(IN_S3), stored=Known(found_data())))
    (item,) = [item for item in run.claim["objects"] if item["what"] == "train data of stage sft"]
    digest = StoredVersion(uri=TRAIN, version_id="v7").digest
    assert item["uri"] == f"s3://{RESOURCES.data_bucket}/data/{digest}/train.jsonl"
    assert item["source"] == {"uri": TRAIN, "version_id": "v7"}
    assert (item["sha256"], item["bytes"], item["version_id"]) == (None, 9_000_000_000, None)
    assert (item["validated"]["inspection"], item["validated"]["rows"]) == ("validate-1", 300)
    channel = run.claim["stages"][0]["job"]["request"]["InputDataConfig"][0]
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == item["uri"]
    record = json.loads(run.files["datasets.json"])["train data of stage sft"]
    assert (record["file"], record["source"]) == ("train.jsonl", item["source"])


def test_another_version_is_another_job(write):
    runs = [compiled(check_file(write(IN_S3), stored=Known(found_data(version=version)))) for version in ("v7", "v8")]
    names = [run.claim["stages"][0]["job"]["base_name"] for run in runs]
    assert names[0] != names[1]


def test_the_same_version_for_training_and_validation_is_told(write):
    both = (IN_S3[0], f"data: {{train: {TRAIN}, validation: {TRAIN}}}")
    checked = check_file(write(both), stored=Known(found_data()))
    assert "validation-is-training" in {finding.code for finding in checked.findings}


def test_a_local_file_may_stand_for_an_object_and_is_checked_like_any_other(write, tmp_path):
    path = write(IN_S3)
    checked = check_file(path, stored=Known(tmp_path / "train.jsonl"))
    assert checked.datasets["sft/train"].path == tmp_path / "train.jsonl"
    assert checked.remote == {}
    (tmp_path / "train.jsonl").write_text("no json\n")
    with pytest.raises(NovalineError, match="JSON"):
        check_file(path, stored=Known(tmp_path / "train.jsonl"))


def test_data_in_s3_has_no_path():
    with pytest.raises(ValueError, match="no local file"):
        assert found_data().dataset.path == Path()


# ---- the longest prompt


LONG = 3000


def rft(write_stages, **more):
    stage = {"technique": "rft", "reward": "classification", "overrides": "{max_length: 8192, max_new_tokens: 6000}"}
    return write_stages(stage | more, model="nova-2-lite")


def test_prompts_that_leave_no_room_for_the_answer_are_told_before_reinforcement(write_stages, tmp_path):
    path = rft(write_stages)
    assert "rft_tokens" not in {finding.code for finding in check_file(path).findings}
    rows = (tmp_path / "rft.jsonl").read_text(encoding="utf-8").splitlines()
    row = json.loads(rows[0])
    row["messages"][-1]["content"] = "word " * (LONG * 4 // 5)
    (tmp_path / "rft.jsonl").write_text("\n".join([json.dumps(row), *rows[1:]]) + "\n", encoding="utf-8")
    (finding,) = [finding for finding in check_file(path).findings if "longest prompt" in finding.message]
    assert finding.severity == "warning"
    assert re.search(r"about 30[0-9]{2} tokens", finding.message)


def test_the_longest_prompt_of_data_in_s3_is_what_its_inspection_found(write_stages):
    path = rft(write_stages, data=f"{{train: {TRAIN}}}")
    found = found_data(rows_of="rft", rows=1000, longest_row=LONG)
    said = [finding.message for finding in check_file(path, stored=Known(found)).findings]
    assert any("longest prompt (about 3000 tokens)" in message for message in said)
