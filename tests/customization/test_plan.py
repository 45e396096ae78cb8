"""A plan says what a run would do, how long and for how much, what it needs, and whether it can run at all."""

import json
import re
from datetime import UTC, datetime

import pytest
from stage_kinds import DEV, KINDS, write_kind

from novaline.customization.checks import check_file
from novaline.customization.compile import compile_run
from novaline.customization.plan import make_plan
from novaline.customization.runnable import not_runnable, refuse_unless_runnable
from novaline.findings import NovalineError
from novaline.requests.conformance import check_request
from novaline.requests.resources import Resources
from novaline.runs.launch import order

RESOURCES = Resources.placeholder(DEV)
RUNS_TODAY = {
    *("sft", "sft of nova-2-lite", "sft in full", "sft from a checkpoint", "dpo", "rft", "sft, then rft"),
    *("rft_eval", "declared metrics"),
}


def plan_of(path, environment=DEV):
    checked = check_file(path, environment=environment)
    run = compile_run(checked, environment=environment, resources=RESOURCES, run="the-run", created="now")
    return make_plan(checked, run, environment=environment, resources=RESOURCES)


def needed(plan):
    return {quota.name: quota.needed for quota in plan.quotas}


def test_there_is_a_kind_of_each_technique_and_platform():
    written = " ".join(text for _, stages, _ in KINDS.values() for text in stages)
    for technique in ("sft", "dpo", "rft", "cpt", "ppo", "distillation"):
        assert f"technique: {technique}" in written
    for platform in ("bedrock", "serverless", "hyperpod"):
        assert f"platform: {platform}" in written


@pytest.mark.parametrize("kind", KINDS)
def test_every_request_of_every_kind_conforms_to_awss_own_model(tmp_path, kind):
    plan = plan_of(write_kind(tmp_path, kind))
    assert plan.requests
    for request in plan.requests:
        assert check_request(request.service, request.action, request.parameters) == (), request.state
    document = json.loads(json.dumps(plan.as_json(), allow_nan=False))
    assert len(document["requests"]) == len(plan.requests)
    assert all({"state", "service", "action", "parameters"} <= request.keys() for request in document["requests"])


# ---- how long, how much ----------------------------------------------------------------------------------------


def test_steps_follow_from_epochs_and_epochs_from_steps(tmp_path):
    pace = plan_of(write_kind(tmp_path, "sft")).jobs[0].pace
    assert (pace.counted, pace.epochs, pace.batch) == ("epochs", 2, 64)
    assert pace.steps == 10  # 300 rows are five batches of 64, the last one not full
    pace = plan_of(write_kind(tmp_path, "sft of nova-2-lite")).jobs[0].pace
    assert (pace.counted, pace.steps, pace.batch) == ("steps", 100, 32)
    assert pace.epochs == pytest.approx(100 * 32 / 300)


def test_a_stage_that_counts_neither_has_no_pace(tmp_path):
    assert plan_of(write_kind(tmp_path, "distillation")).jobs[0].pace is None
    assert plan_of(write_kind(tmp_path, "bedrock rft")).jobs[0].pace is None


def test_tokens_are_estimated_from_the_size_of_the_file(tmp_path):
    job = plan_of(write_kind(tmp_path, "sft")).jobs[0]
    assert job.tokens == (tmp_path / "sft.jsonl").stat().st_size // 4


def test_stages_take_their_time_one_after_the_other_and_evaluations_together(tmp_path):
    path = write_kind(tmp_path, "hyperpod sft, twice")
    path.write_text(path.read_text().replace("platform: hyperpod", "platform: sagemaker"))
    plan = plan_of(path)
    stages = [job.hours for job in plan.jobs[:2]]
    evaluations = [job.hours for job in plan.jobs[2:]]
    assert plan.expected_hours == pytest.approx(sum(stages) + max(evaluations))
    assert plan.limit_hours == 2 + 2 + 4
    assert plan_of(write_kind(tmp_path, "serverless sft")).expected_hours is None


@pytest.mark.parametrize(
    ("kind", "generating"),
    [
        ("rft", ["first"]),
        ("distillation", ["first"]),
        ("benchmark", ["holdout-base", "holdout-candidate"]),
    ],
)
def test_what_a_job_generates_has_no_expected_cost_and_an_exact_worst_case(tmp_path, kind, generating):
    plan = plan_of(write_kind(tmp_path, kind))
    lines = {line.job: line for line in plan.compiled.cost.lines}
    assert [job for job, line in lines.items() if line.expected_hours is None] == generating
    for line in (lines[job] for job in generating):
        assert line.expected_usd is None
        assert line.worst_case_usd == line.timeout_hours * line.instance_count * line.price.usd_per_hour
    assert (plan.expected_hours, plan.compiled.cost.expected_usd) == (None, None)
    assert plan.compiled.cost.worst_case_usd > 0
    document = json.loads(json.dumps(plan.as_json(), allow_nan=False))
    assert (document["expected_hours"], document["cost"]["expected_usd"]) == (None, None)
    assert None in [line["expected_hours"] for line in document["cost"]["lines"]]


def test_a_plan_names_the_cheaper_way_where_there_is_one_and_what_it_cannot(tmp_path):
    offer = plan_of(write_kind(tmp_path, "sft")).jobs[0].alternative
    assert offer.platform == "bedrock"
    assert offer.saves_usd > 0
    assert any("LoRA only" in line for line in offer.cannot)
    for kind in ("sft in full", "sft from a checkpoint", "dpo", "distillation", "bedrock sft", "hyperpod sft, twice"):
        assert plan_of(write_kind(tmp_path, kind)).jobs[0].alternative is None, kind


def test_no_other_way_is_offered_for_a_stage_that_a_later_one_starts_from(tmp_path):
    path = write_kind(tmp_path, "sft, then rft")
    short = path.read_text().replace("technique: sft", "technique: sft, overrides: {max_steps: 40, warmup_steps: 4}")
    path.write_text(short)
    assert plan_of(path).jobs[0].alternative is None
    path.write_text(short.replace("start: first", "start: base"))
    assert plan_of(path).jobs[0].alternative is not None


def test_a_file_with_images_is_not_priced_as_if_it_were_text(tmp_path):
    path = write_kind(tmp_path, "sft of nova-2-lite")
    short = "technique: sft, overrides: {max_steps: 40, warmup_steps: 4}"
    path.write_text(path.read_text().replace("technique: sft", short))
    assert plan_of(path).jobs[0].alternative.usd is not None
    place = {"uri": "s3://pictures/1.png", "bucketOwner": "111111111111"}
    image = {"image": {"format": "png", "source": {"s3Location": place}}}
    rows = [json.loads(line) for line in (tmp_path / "sft.jsonl").read_text().splitlines()]
    for row in rows:
        row["messages"][0]["content"].append(image)
    (tmp_path / "sft.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    offer = plan_of(path).jobs[0].alternative
    assert (offer.usd, offer.saves_usd) == (None, None)
    assert "image" in " ".join(offer.unproven)


def test_a_job_says_of_what_its_evaluation_is(tmp_path):
    for kind, what in (
        ("sft", "evaluation of base and candidate"),
        ("hyperpod cpt", "evaluation of base and candidate"),
        ("bedrock sft", "evaluation of base"),
        ("distillation", "evaluation of base"),
    ):
        jobs = plan_of(write_kind(tmp_path, kind)).jobs
        assert [job.what for job in jobs] == ["training", what, what], kind


def test_only_the_files_overrides_and_the_instances_are_called_differences(tmp_path):
    path = write_kind(tmp_path, "sft")
    text = path.read_text()
    path.write_text(text.replace("technique: sft", "technique: sft, overrides: {learning_rate: 5e-6}"))
    job = plan_of(path).jobs[0]
    assert [(item.path, item.value) for item in job.differences] == [("training_config.model.optim.lr", 5e-6)]


def test_a_job_without_a_recipe_of_its_own_shows_what_it_is_told(tmp_path):
    job = plan_of(write_kind(tmp_path, "serverless sft")).jobs[0]
    assert job.told["max_steps"] == "100"
    job = plan_of(write_kind(tmp_path, "bedrock sft")).jobs[0]
    assert job.told["epochCount"] == "2"
    assert plan_of(write_kind(tmp_path, "sft")).jobs[0].told == {}


# ---- quotas ----------------------------------------------------------------------------------------------------


def test_evaluations_of_base_and_candidate_run_at_once_and_stages_do_not(tmp_path):
    quotas = needed(plan_of(write_kind(tmp_path, "sft, then rft")))
    assert quotas["ml.p5.48xlarge for training job usage"] == 4  # four evaluation jobs of one, or a stage of four
    quotas = needed(plan_of(write_kind(tmp_path, "sft")))
    assert quotas["ml.p5.48xlarge for training job usage"] == 4  # the evaluations; the stage needs two


def test_a_cluster_has_room_for_every_group_of_a_recipe(tmp_path):
    quotas = needed(plan_of(write_kind(tmp_path, "hyperpod ppo")))
    assert quotas["ml.p5.48xlarge for cluster usage"] == 7
    assert not any("training job" in name for name in quotas)


@pytest.mark.parametrize(
    ("kind", "overrides", "machines"),
    [
        ("hyperpod rft", "{run.generation_replicas: 8, run.rollout_worker_replicas: 3}", 2 + 8 + 3),
        ("hyperpod ppo", "{run.rm_replicas: 4}", 7 + 3),
    ],
)
def test_a_cluster_has_room_for_the_groups_that_the_file_asks_for(tmp_path, kind, overrides, machines):
    path = write_kind(tmp_path, kind)
    path.write_text(path.read_text().replace("platform: hyperpod", f"platform: hyperpod, overrides: {overrides}"))
    plan = plan_of(path)
    assert needed(plan)["ml.p5.48xlarge for cluster usage"] == machines
    instances = plan.as_json()["jobs"][0]["instances"]
    assert instances["count"] + sum(instances["roles"].values()) == machines


def test_what_bedrock_trained_needs_room_to_be_deployed_and_none_to_be_imported(tmp_path):
    deployments = {"In-progress custom model deployments", "Total custom model deployments"}
    creating = "Custom models with a creating status per account"
    trained, imported = (set(needed(plan_of(write_kind(tmp_path, kind)))) for kind in ("bedrock sft", "sft"))
    assert deployments <= trained
    assert creating not in trained
    assert {*deployments, creating} <= imported
    assert not deployments & set(needed(plan_of(write_kind(tmp_path, "bedrock sft", target="none"))))


def test_models_that_a_run_leaves_in_bedrock_are_counted(tmp_path):
    models = "Custom models per account"
    assert needed(plan_of(write_kind(tmp_path, "bedrock sft, twice")))[models] == 2
    assert needed(plan_of(write_kind(tmp_path, "sft")))[models] == 1
    assert models not in needed(plan_of(write_kind(tmp_path, "sft", target="none")))
    path = write_kind(tmp_path, "bedrock sft, twice")
    path.write_text(path.read_text().replace("platform: bedrock, start: first", "platform: sagemaker"))
    assert needed(plan_of(path))[models] == 2  # one that Bedrock trains, and one that is imported


def test_a_quota_carries_its_code_where_a_public_list_shows_it(tmp_path):
    quotas = {quota.name: quota.code for quota in plan_of(write_kind(tmp_path, "sft")).quotas}
    assert quotas["ml.p5.48xlarge for training job usage"] == "L-82E1C851"


# ---- what can run ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_workflow_cannot_run_is_refused_with_its_place(tmp_path, kind):
    checked = check_file(write_kind(tmp_path, kind), environment=DEV)
    if kind in RUNS_TODAY:
        refuse_unless_runnable(checked)
        return
    with pytest.raises(NovalineError) as refusal:
        refuse_unless_runnable(checked)
    for finding in refusal.value.findings:
        assert finding.code == "not-runnable"
        assert (finding.file, finding.line is None) == (checked.document.file, False)
        assert "plan" in finding.hint


def test_every_reason_is_told_at_once(tmp_path):
    plan = plan_of(write_kind(tmp_path, "bedrock sft, twice"))
    assert [item.message for item in plan.obstacles] == [
        "the workflow runs SageMaker training jobs, and nothing on `bedrock` yet",
        "the workflow runs SageMaker training jobs, and nothing on `bedrock` yet",
    ]


def test_a_run_is_refused_before_anything_happens(tmp_path):
    with pytest.raises(NovalineError, match="runs `sft`, `dpo` or `rft`, and not `distillation` yet"):
        order(write_kind(tmp_path, "distillation"), DEV, now=lambda: datetime(2026, 11, 20, tzinfo=UTC))
    assert order(write_kind(tmp_path, "sft"), DEV).run.startswith("every-kind-")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (
            "sft from a model package",
            "and not from `arn:aws:sagemaker:us-east-1:111111111111:model-package/earlier/3` yet",
        ),
        ("hyperpod cpt", "nothing on `hyperpod` yet"),
        ("serverless sft", "nothing on `serverless` yet"),
        ("bedrock sft", "nothing on `bedrock` yet"),
        ("distillation", "and not `distillation` yet"),
    ],
)
def test_a_stage_that_does_not_run_says_which_one_would(tmp_path, kind, words):
    found = [item.message for item in plan_of(write_kind(tmp_path, kind)).obstacles]
    assert [message for message in found if words in message], found


def test_stages_that_take_longer_together_than_the_workflow_waits_are_refused(tmp_path):
    path = write_kind(tmp_path, "sft, then rft")
    text = path.read_text(encoding="utf-8")
    text = text.replace("task: gen_qa,", "task: gen_qa, timeout: 5d,")
    path.write_text(re.sub(r"timeout: \w+", "timeout: 5d", text), encoding="utf-8")
    checked = check_file(path, environment=DEV)
    (finding,) = not_runnable(checked)
    assert finding.message == "the jobs may take 15.0 days one after the other; the workflow waits 12"


def test_the_worst_case_is_that_of_every_stage(tmp_path):
    checked = check_file(write_kind(tmp_path, "sft, then rft"), environment=DEV)
    of_jobs = {line.job: line.worst_case_usd for line in checked.cost.lines}
    assert {"first", "second"} <= set(of_jobs)
    assert checked.cost.worst_case_usd == pytest.approx(sum(of_jobs.values()))


def test_what_no_request_can_do_is_left_to_a_person_each_reason_once(tmp_path):
    notes = plan_of(write_kind(tmp_path, "hyperpod cpt")).notes
    assert len(notes) == 1
    assert notes[0].startswith("stage first, evaluation holdout of the base, ")
    assert any("VPC" in note for note in plan_of(write_kind(tmp_path, "distillation")).notes)
    assert plan_of(write_kind(tmp_path, "sft")).notes == ()
