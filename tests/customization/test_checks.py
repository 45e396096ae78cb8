"""Every mistake in a customization is found at once, with its place and what to do."""

import os
from pathlib import Path

import pytest

from novaline.customization.checks import check_file
from novaline.environments import Environment
from novaline.findings import NovalineError

DEPLOYMENT = "{target: bedrock-on-demand, name: support-intents, time_to_live: 72h}"


def environment(**changes):
    values = {
        "name": "dev", "account": "111111111111", "region": "us-east-1", "retain": False, "noncurrent_days": 7,
        "termination_protection": False, "log_retention_days": 30, "budget_usd_per_run": 5000.0,
    }  # fmt: skip
    return Environment.model_validate(values | changes)


def refused(path, **options):
    with pytest.raises(NovalineError) as caught:
        check_file(path, **options)
    return [finding for finding in caught.value.findings if finding.severity == "error"]


def only(path, **options):
    findings = refused(path, **options)
    assert len(findings) == 1, findings
    return findings[0]


def test_a_right_file_passes_and_takes_what_is_left_out_from_the_recipe(write):
    checked = check_file(write())
    settings = checked.stages["sft"]
    assert (settings.instance_type, settings.instance_count) == ("ml.p5.48xlarge", 2)
    assert settings.values["training_config.model.optim.lr"] == 5e-6
    assert settings.values["training_config.max_length"] == 32768
    assert checked.datasets["sft/train"].rows == 300
    assert checked.findings == ()


def test_nova_2_lite_starts_with_four_instances(write):
    checked = check_file(write(("nova-micro", "nova-2-lite"), ("max_epochs: 3", "max_steps: 60"), ("1000", "4000")))
    assert checked.stages["sft"].instance_count == 4


@pytest.mark.parametrize(
    "mistake",
    [
        ("model: nova-micro", "model: nova-mikro", "wrong-value", 2, "nova-micro"),
        ("model: nova-micro", "model: nova-premier", "wrong-value", 2, "teacher: nova-premier"),
        ("model: nova-micro", "modell: nova-micro", "unknown-key", 2, "model"),
        ("technique: sft", "technique: multi-turn-rft", "not-supported", 5, "CreateJob"),
        ("technique: sft", "technique: rlvr", "wrong-value", 5, "rft"),
        ("technique: sft", "technique: sft\n    platform: smtj", "wrong-value", 6, "sagemaker"),
        ("technique: sft", "technique: sft\n    reward: classification", "without-effect", 6, "rft"),
        ("technique: sft", "technique: sft\n    reward: Not A Name", "wrong-value", 6, None),
        ("technique: sft", "technique: sft\n    instances: {type: p5}", "wrong-value", 6, None),
        ("technique: sft", "technique: sft\n    tuning: null\n    tunning: lora", "unknown-key", 7, "tuning"),
        ("timeout: 2h", "timeout: 2 hours", "wrong-value", 8, None),
        ("timeout: 2h", "timeout: 6d", "wrong-value", 8, None),
        ("timeout: 2h", "timeout: 5m", "wrong-value", 8, None),
        ("learning_rate", "learning_rat", "unknown-override", 7, "learning_rate"),
        ("max_epochs: 3", "max_epochs: 300", "override-bounds", 7, None),
        ("task: gen_qa", "task: gen_qa, subtask: x", "subtask", 10, "remove"),
        ("task: gen_qa", "task: gen_qa, inference: {temperature: 3}", "override-bounds", 10, None),
        ("task: gen_qa", "task: gen_qa, inference: {temprature: 1}", "unknown-override", 10, "temperature"),
        ("evaluation: holdout", "evaluation: holdut", "unknown-evaluation", 11, "holdout"),
        ("exact_match", "exact-match", "wrong-value", 11, "exact_match"),
        ("exact_match", "rouge1", "not-supported", 11, "right or wrong"),
        ("margin: 0.02", "margin: -1", "wrong-value", 11, None),
        ("margin: 0.02", "margin: 0.02, confidence: 95", "wrong-value", 11, None),
        ("time_to_live: 72h", "keep: false", "missing-key", 12, "72h"),
        ("time_to_live: 72h", "time_to_live: 72h, keep: true", "contradiction", 12, None),
        ("time_to_live: 72h", "time_to_live: 90m", "wrong-value", 12, None),
        ("name: support-intents, time", "time", "missing-key", 12, None),
        ("name: support-intents, time", "name: support.intents, time", "wrong-value", 12, None),
        (DEPLOYMENT, "{keep: true}", "without-effect", 12, "remove"),
        ("usd: 1000", "usd: lots", "wrong-type", 13, None),
        ("usd: 1000", "usd: .inf", "wrong-value", 13, None),
        ("data: {train: train.jsonl}", "data: {train: nope.jsonl}", "missing-dataset", 6, "relative"),
        ("data: {train: train.jsonl}", "data: {train: s3://b/k}", "wrong-value", 6, "novaline data prepare"),
        ("data: {train: train.jsonl}", "data: train.jsonl", "wrong-type", 6, None),
        ("budget: {usd: 1000}", "", "missing-key", 1, None),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_code_its_line_and_what_was_meant(write, mistake):
    old, new, code, line, hint = mistake
    finding = only(write((old, new)))
    assert (finding.code, finding.line) == (code, line)
    assert finding.excerpt is not None
    if hint is not None:
        assert hint in finding.hint


def test_all_mistakes_of_all_parts_are_found_at_once(write):
    path = write(
        ("name: support-intents\n", "name: support intents\n"),
        ("learning_rate: 5e-6", "learning_rate: 5"),
        ("task: gen_qa", "task: gen_qa, extra: 1"),
        ("metric: exact_match", "metric: exactly"),
        ("usd: 1000", "usd: 100"),
        ("train.jsonl", "missing.jsonl"),
    )
    codes = {finding.code for finding in refused(path)}
    assert codes == {"wrong-value", "override-bounds", "unknown-key", "over-budget", "missing-dataset"}
    lines = [finding.line for finding in refused(path)]
    assert lines == sorted(lines)


@pytest.mark.parametrize("text", ["", "- a\n", "just text\n", "3\n"])
def test_a_file_that_is_no_mapping_is_told_what_keys_there_are(write, text):
    assert "stages" in only(write(text=text)).hint


def test_two_evaluations_of_one_name_are_refused(write):
    line = "  - {name: holdout, task: gen_qa, data: eval.jsonl, timeout: 1h}\n"
    assert only(write((line, line * 2), ("usd: 1000", "usd: 2000"))).code == "duplicate-name"


def test_an_instance_type_that_no_recipe_runs_on_names_those_that_fit(write):
    finding = only(write(("technique: sft", "technique: sft\n    instances: {type: ml.p5.24xlarge}")))
    assert finding.code == "instance-type"
    assert "ml.g5.12xlarge" in finding.message


def test_a_number_of_instances_that_the_recipe_does_not_allow_is_refused(write):
    assert only(write(("technique: sft", "technique: sft\n    instances: {count: 3}"))).code == "instance-count"


def test_one_instance_for_nova_2_lite_is_a_warning(write):
    path = write(
        ("nova-micro", "nova-2-lite"), ("max_epochs: 3", "max_steps: 60"),
        ("technique: sft", "technique: sft\n    instances: {count: 1}"),
    )  # fmt: skip
    assert [finding.code for finding in check_file(path).findings] == ["instance-count"]


def test_the_instance_type_chooses_the_recipe_and_its_price_must_be_known(write):
    small = ("technique: sft", "technique: sft\n    instances: {type: ml.g5.12xlarge}")
    finding = only(write(small))
    assert (finding.code, "ml.g5.12xlarge" in finding.message) == ("price-unknown", True)
    assert "ml.g5.12xlarge" in finding.hint
    checked = check_file(write(small, ("usd: 1000", "usd: 1000, prices: {ml.g5.12xlarge: 7.0}")))
    assert checked.stages["sft"].recipe.id == "nova_micro_1_0_g5_g6_12x_gpu_lora_sft"
    assert checked.cost.lines[0].worst_case_usd == 2 * 7.0


def test_a_budget_below_the_worst_case_is_refused_with_both_numbers(write):
    finding = only(write(("usd: 1000", "usd: 379.77")))
    worst = 2 * 2 * 63.296 + 2 * 63.296
    assert f"${worst:,.2f}" in finding.message
    assert "$379.77" in finding.message
    assert check_file(write(("usd: 1000", f"usd: {worst}")))


def test_an_image_that_no_recipe_runs_is_not_pinned_in_silence(write):
    digest = f"sha256:{1:064x}"
    pinned = environment(images={"nova-fine-tune-repo:SM-TJ-SFT-latest": digest})
    assert check_file(write(), environment=pinned)
    finding = only(write(), environment=environment(images={"nova-fine-tune-repo:SM-TJ-SFT-lates": digest}))
    assert finding.code == "unknown-image"
    assert finding.hint == "did you mean nova-fine-tune-repo:SM-TJ-SFT-latest?"


def test_the_environments_limit_and_region_count_too(write):
    path = write()
    assert check_file(path, environment=environment())
    assert only(path, environment=environment(budget_usd_per_run=10.0)).code == "over-environment-budget"
    codes = {finding.code for finding in refused(path, environment=environment(region="us-west-2"))}
    assert codes == {"region", "price-unknown"}
    elsewhere = write(
        ("target: bedrock-on-demand, name: support-intents, time_to_live: 72h", "target: none"),
        ("usd: 1000", "usd: 1000, prices: {ml.p5.48xlarge: 70}"),
    )
    assert check_file(elsewhere, environment=environment(region="ap-northeast-1"))


def test_nova_2_lite_needs_a_batch_of_rows_and_nova_1_is_warned(write, tmp_path):
    lines = (tmp_path / "train.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "train.jsonl").write_text("".join(lines[:31]))
    nova_2 = [("nova-micro", "nova-2-lite"), ("max_epochs: 3", "max_steps: 60"), ("1000", "4000")]
    assert only(write(*nova_2)).code == "too-few-rows"
    assert [finding.code for finding in check_file(write()).findings] == ["too-few-rows"]
    (tmp_path / "train.jsonl").write_text("".join(lines[:32]))
    assert [finding.code for finding in check_file(write(*nova_2)).findings] == ["few-rows"]


def test_training_rows_that_ask_what_the_evaluation_asks_are_warned_about(write, tmp_path):
    text = (tmp_path / "train.jsonl").read_text()
    (tmp_path / "train.jsonl").write_text(
        text.replace('"question 7"', '" held out 3 "').replace('"question 9"', '"held out 4"')
    )
    (finding,) = check_file(write()).findings
    assert (finding.code, finding.line) == ("held-out-row", 8)
    assert "1 more" in finding.message


def test_a_bad_dataset_row_is_reported_at_its_line_of_its_file(write, tmp_path):
    with (tmp_path / "train.jsonl").open("a") as file:
        file.write('{"messages": [\n')
    finding = only(write())
    assert (finding.code, finding.line, Path(finding.file).name) == ("unreadable-json", 301, "train.jsonl")


def test_validation_data_of_nova_2_lite_is_a_warning(write):
    path = write(
        ("nova-micro", "nova-2-lite"), ("max_epochs: 3", "max_steps: 60"), ("1000", "4000"),
        ("{train: train.jsonl}", "{train: train.jsonl, validation: train.jsonl}"),
    )  # fmt: skip
    found = {finding.code: finding.message for finding in check_file(path).findings}
    assert set(found) == {"override-without-effect", "validation-is-training"}
    assert "may take no validation data" in found["override-without-effect"]


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("budget: {usd: 1000}", "budget: 1000", "its keys are usd, prices"),
        ("budget: {usd: 1000}\n", "", "write for example `budget: {usd: 500}`"),
        ("margin: 0.02", "margin: 2", "it is a share of 1, so 2 points of 100 are 0.02"),
        ("margin: 0.02", "confidence: 95", "it is a share of 1: 0.95"),
    ],
)
def test_a_mistake_comes_with_what_to_write_instead(write, old, new, hint):
    assert only(write((old, new))).hint == hint


def test_a_wrong_target_is_one_mistake_and_not_a_second_one_of_what_goes_with_it(write):
    assert only(write(("bedrock-on-demand", "bedrok-on-demand"))).message.startswith("`target` must be one of")


def test_a_dataset_that_is_not_there_is_told_beside_those_that_are(write, tmp_path):
    finding = only(write(("eval.jsonl", "evla.jsonl")))
    assert (finding.code, finding.line) == ("missing-dataset", 10)
    assert finding.hint.endswith("holds eval.jsonl, train.jsonl")


def test_a_dataset_that_is_a_folder_or_a_pipe_is_refused_and_not_waited_for(write, tmp_path):
    (tmp_path / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    for name, reason in (("folder", "it is a folder"), ("pipe", "it is no ordinary file")):
        finding = only(write(("data: eval.jsonl", f"data: {name}.jsonl")))
        assert (finding.code, finding.message.endswith(reason)) == ("unreadable-dataset", True)
