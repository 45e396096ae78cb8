"""Which stages there are, where each runs, what it starts from, and what its technique needs."""

import pytest
from dataset_rows import write_rows

from novaline.customization.checks import check_file
from novaline.environments import Environment
from novaline.findings import NovalineError
from novaline.recipes.catalogue import catalogue

SFT = {"technique": "sft"}
DPO = {"technique": "dpo"}
RFT = {"technique": "rft", "reward": "classification"}
PPO = {"technique": "ppo", "platform": "hyperpod"}
MODELS = ("nova-micro", "nova-lite", "nova-pro", "nova-2-lite")


def environment(**changes):
    values = {
        "name": "dev", "account": "111111111111", "region": "us-east-1", "retain": False, "noncurrent_days": 7,
        "termination_protection": False, "log_retention_days": 30, "budget_usd_per_run": 1e6,
        "rewards": {"classification": {"function": "classification"}},
    }  # fmt: skip
    return Environment.model_validate(values | changes)


def refused(path, **options):
    """The errors of a file that is refused."""
    with pytest.raises(NovalineError) as caught:
        check_file(path, **options)
    return [finding for finding in caught.value.findings if finding.severity == "error"]


def only(path, **options):
    findings = refused(path, **options)
    assert len(findings) == 1, findings
    return findings[0]


def warnings(path, **options):
    """The codes of a file that passes, but for what is said of rows that nobody looked into."""
    codes = [finding.code for finding in check_file(path, **options).findings]
    return [code for code in codes if code != "rows-not-validated"]


def published():
    """(model, technique, tuning, platform) of every training recipe that a stage can name."""
    found = set()
    for recipe in catalogue().all():
        if recipe.technique not in ("evaluation", "multi-turn-rft", "distillation"):
            found |= {(recipe.model.name, recipe.technique, recipe.tuning, platform) for platform in recipe.platforms}
    return sorted(found)


# ---- what there is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "technique", "tuning", "platform"), published())
def test_every_published_recipe_can_be_asked_for(write_stages, model, technique, tuning, platform):
    reward = {"reward": "classification"} if technique == "rft" else {}
    stage = {"technique": technique, "tuning": tuning, "platform": platform, **reward}
    settings = check_file(write_stages(stage, model=model), environment=environment()).stages["s1"]
    assert (settings.recipe.model.name, settings.recipe.technique, settings.recipe.tuning, settings.platform) == (
        model, technique, tuning, platform,
    )  # fmt: skip
    assert platform in settings.recipe.platforms
    assert settings.recipe.preferred or settings.recipe.tuning == "full"


@pytest.mark.parametrize("teacher", ["nova-pro", "nova-premier"])
def test_a_distillation_runs_with_its_teachers_recipe(write_stages, teacher):
    stage = {"technique": "distillation", "teacher": teacher}
    settings = check_file(write_stages(stage)).stages["s1"]
    assert (settings.recipe.model.name, settings.instance_type) == (teacher, "ml.r5.24xlarge")


@pytest.mark.parametrize(
    ("model", "stage", "tuning"),
    [
        ("nova-micro", SFT, "lora"),
        ("nova-2-lite", RFT, "lora"),
        ("nova-micro", {"technique": "cpt", "platform": "hyperpod"}, "full"),
    ],
)
def test_a_stage_without_tuning_is_lora_where_there_is_lora_and_full_elsewhere(write_stages, model, stage, tuning):
    assert check_file(write_stages(stage, model=model)).stages["s1"].recipe.tuning == tuning


def test_an_instance_type_that_no_recipe_has_is_told_for_lora_where_no_tuning_is_named(write_stages):
    finding = only(write_stages(DPO | {"instances": "{type: ml.p4d.25xlarge}"}, model="nova-pro"))
    assert (finding.code, "nova-pro dpo (lora)" in finding.message) == ("instance-type", True)


@pytest.mark.parametrize(
    ("model", "stage", "where", "words"),
    [
        ("nova-2-lite", DPO, "technique: ", "has no `dpo`; AWS publishes it for nova-lite, nova-micro and nova-pro"),
        ("nova-micro", RFT, "technique: ", "has no `rft`; AWS publishes it for nova-2-lite"),
        ("nova-micro", {"technique": "cpt"}, "technique: ", "does not run on SageMaker training jobs"),
        ("nova-micro", {"technique": "ppo", "platform": "sagemaker"}, "platform: ", "it runs on HyperPod"),
        ("nova-micro", {"technique": "ppo", "platform": "hyperpod", "tuning": "lora"}, "tuning: ", "publishes `full`"),
        ("nova-micro", DPO | {"platform": "bedrock"}, "platform: ", "have no `dpo` of nova-micro; they have sft"),
        ("nova-2-lite", RFT | {"platform": "serverless", "tuning": "full"}, "platform: ", "no rft with `tuning: full`"),
        ("nova-micro", SFT | {"platform": "bedrock", "tuning": "full"}, "tuning: ", "have no `tuning: full`"),
    ],
)  # fmt: skip
def test_what_aws_does_not_have_is_named_with_what_it_has(write_stages, model, stage, where, words):
    finding = only(write_stages(stage, model=model))
    assert finding.code == "not-available"
    assert words in finding.message
    assert finding.excerpt[: finding.column - 1].strip() == where.strip()
    assert finding.hint


def test_overrides_are_checked_even_where_the_platform_is_wrong(write_stages):
    findings = refused(write_stages({"technique": "cpt", "overrides": "{learning_rat: 1, max_epochs: 0}"}))
    assert [finding.code for finding in findings] == ["not-available", "unknown-override", "override-bounds"]


@pytest.mark.parametrize(
    ("keys", "codes"),
    [
        ("{type: ml.p5.48xlarg, count: 3}", ["instance-type", "instance-count"]),
        ("{type: ml.g5.12xlarg, count: 2}", ["instance-type", "instance-count"]),
        ("{type: ml.g5.12xlarg, count: 1}", ["instance-type"]),
        ("{type: ml.zzz, count: 3}", ["instance-type"]),
        ("{count: 65}", ["instance-count"]),
    ],
)
def test_a_number_of_instances_is_judged_for_the_type_that_was_meant(write_stages, keys, codes):
    assert [finding.code for finding in refused(write_stages(SFT | {"instances": keys}))] == codes


@pytest.mark.parametrize(("tuning", "count", "told"), [("lora", 8, 0), ("lora", 3, 1), ("full", 8, 1), ("full", 4, 0)])
def test_reinforcement_on_training_jobs_takes_the_numbers_that_aws_documents(write_stages, tuning, count, told):
    stage = RFT | {"tuning": tuning, "instances": f"{{count: {count}}}"}
    assert warnings(write_stages(stage, model="nova-2-lite")) == ["instance-count"] * told


# ---- the chain ---------------------------------------------------------------------------------------------------


def test_stages_follow_each_other(write_stages):
    path = write_stages(SFT, DPO | {"start": "s1"})
    assert warnings(path) == []
    assert list(check_file(path).stages) == ["s1", "s2"]


@pytest.mark.parametrize(
    ("start", "code", "hint"),
    [
        ("s3", "unknown-start", "move it up"),
        ("s2", "unknown-start", "leave `start` out"),
        ("s11", "unknown-start", "did you mean `s1`?"),
        ("s3://bucket", "wrong-value", "manifest.json"),
        ("arn:aws:s3:::bucket", "wrong-value", "model-package"),
        ("arn:aws:bedrock:us-east-1:111111111111:custom-model/x/y", "wrong-value", "model-package"),
        ("s3://customer-escrow-111111111111-hp-abc/job/", "checkpoint-platform", "training jobs"),
    ],
)
def test_a_start_that_cannot_be_is_named_with_what_can(write_stages, start, code, hint):
    finding = only(write_stages(SFT, DPO | {"start": start}, DPO | {"start": "s1"}))
    assert (finding.code, finding.excerpt.strip()) == (code, f"start: {start}")
    assert hint in finding.hint


@pytest.mark.parametrize(
    "start",
    [
        "s3://customer-escrow-111111111111-smtj-abc/job/",
        "arn:aws:sagemaker:us-east-1:111111111111:model-package/group/1",
    ],
)
def test_a_stage_starts_from_a_checkpoint_of_its_platform(write_stages, start):
    assert warnings(write_stages(SFT | {"start": start})) == []


@pytest.mark.parametrize(
    ("stage", "start", "passes"),
    [
        (SFT | {"platform": "bedrock"}, "arn:aws:bedrock:us-east-1:111111111111:custom-model/amazon.nova/abc", True),
        (SFT | {"platform": "bedrock"}, "s3://customer-escrow-111111111111-smtj-abc/job/", False),
        (SFT | {"platform": "serverless"}, "arn:aws:sagemaker:us-east-1:111111111111:model-package/group/1", True),
        (SFT | {"platform": "serverless"}, "s3://customer-escrow-111111111111-smtj-abc/job/", False),
        (SFT | {"platform": "hyperpod"}, "s3://customer-escrow-111111111111-hp-abc/job/", True),
        (SFT | {"platform": "hyperpod"}, "arn:aws:sagemaker:us-east-1:111111111111:model-package/group/1", False),
    ],
)
def test_each_platform_has_its_own_kind_of_checkpoint(write_stages, stage, start, passes):
    path = write_stages(stage | {"start": start})
    if passes:
        assert check_file(path)
    else:
        assert only(path).code == "checkpoint-platform"


def test_a_stage_cannot_go_on_from_another_platforms_stage(write_stages):
    finding = only(write_stages(SFT, DPO | {"platform": "hyperpod", "start": "s1"}))
    assert (finding.code, "HyperPod cannot read its checkpoint" in finding.message) == ("checkpoint-platform", True)


def test_a_tuning_that_changes_within_the_chain_is_warned_about(write_stages):
    path = write_stages(SFT | {"tuning": "full"}, DPO | {"tuning": "lora", "start": "s1"})
    assert warnings(path) == ["tuning-changes"]


def test_a_tuning_that_is_left_out_changes_as_well(write_stages):
    assert warnings(write_stages(SFT | {"tuning": "full"}, DPO | {"start": "s1"})) == ["tuning-changes"]


def test_a_stage_that_leads_nowhere_is_warned_about(write_stages):
    assert warnings(write_stages(SFT, DPO)) == ["unused-stage"]


def test_a_start_that_is_misspelled_is_not_told_as_a_stage_that_leads_nowhere(write_stages):
    with pytest.raises(NovalineError) as caught:
        check_file(write_stages(SFT, DPO | {"start": "s11"}))
    assert "unused-stage" not in {finding.code for finding in caught.value.findings}


def test_nothing_starts_from_a_distillation(write_stages):
    distillation = {"technique": "distillation", "teacher": "nova-pro"}
    finding = only(write_stages(distillation, SFT | {"start": "s1"}))
    assert (finding.code, "makes training data" in finding.message) == ("unknown-start", True)
    assert only(write_stages(SFT, distillation | {"start": "s1"})).code == "contradiction"


def test_nine_stages_are_too_many(write_stages):
    chain = [SFT] + [DPO | {"start": f"s{number}"} for number in range(1, 9)]
    assert check_file(write_stages(*chain[:8]))
    assert "at most 8 stages" in only(write_stages(*chain)).message


# ---- teacher and reward ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "stage", "code"),
    [
        ("nova-micro", {"technique": "distillation"}, "missing-key"),
        ("nova-micro", SFT | {"teacher": "nova-pro"}, "without-effect"),
        ("nova-pro", {"technique": "distillation", "teacher": "nova-pro"}, "contradiction"),
        ("nova-micro", {"technique": "distillation", "teacher": "nova-pro", "tuning": "lora"}, "without-effect"),
        ("nova-micro", {"technique": "distillation", "teacher": "nova-lite"}, "wrong-value"),
        ("nova-2-lite", {"technique": "rft"}, "missing-key"),
        ("nova-micro", SFT | {"reward": "classification"}, "without-effect"),
    ],
)
def test_a_technique_has_what_it_needs_and_nothing_else(write_stages, model, stage, code):
    finding = only(write_stages(stage, model=model))
    assert finding.code == code
    assert finding.excerpt


def test_a_teacher_that_aws_does_not_pair_with_the_model_is_a_warning_and_on_bedrock_an_error(write_stages):
    stage = {"technique": "distillation", "teacher": "nova-pro"}
    assert "student-not-documented" in warnings(write_stages(stage, model="nova-2-lite"))
    finding = only(write_stages(stage | {"platform": "bedrock"}, model="nova-2-lite"))
    assert "have no `distillation` of nova-2-lite" in finding.message


def test_a_reward_is_one_that_the_environment_declares(write_stages):
    path = write_stages(RFT | {"reward": "clasification"}, model="nova-2-lite")
    assert check_file(path)
    finding = only(path, environment=environment())
    assert (finding.code, finding.hint) == ("unknown-reward", "did you mean `classification`?")
    assert check_file(write_stages(RFT, model="nova-2-lite"), environment=environment())
    empty = only(write_stages(RFT, model="nova-2-lite"), environment=environment(rewards={}))
    assert "it declares none" in empty.message


def test_the_premier_teacher_is_in_one_region(write_stages):
    path = write_stages({"technique": "distillation", "teacher": "nova-premier"})
    assert "teacher-retired" in warnings(path, environment=environment())
    codes = {finding.excerpt.strip() for finding in refused(path, environment=environment(region="us-west-2"))}
    assert "teacher: nova-premier" in codes


# ---- rows --------------------------------------------------------------------------------------------------------


def test_rows_of_a_file_are_read_once_however_many_stages_learn_from_it(write_stages, tmp_path):
    path = write_stages(SFT, DPO | {"start": "s1"}, DPO | {"start": "s2"})
    checked = check_file(path)
    assert checked.findings == ()
    assert checked.datasets["s2/train"].rows == checked.datasets["s3/train"].rows == 1000
    with (tmp_path / "dpo.jsonl").open("a") as file:
        file.write("{}\n")
    assert [(finding.code, finding.line) for finding in refused(path)] == [("missing-field", 1001)]


def test_rows_that_nobody_describes_are_counted_with_one_warning_a_file(write_stages):
    checked = check_file(write_stages(PPO, PPO | {"start": "s1"}))
    assert [finding.code for finding in checked.findings].count("rows-not-validated") == 1
    assert checked.datasets["s1/train"].rows == checked.datasets["s2/train"].rows == 1000


@pytest.mark.parametrize(
    "case",
    [
        ("nova-micro", DPO, 900, "few-rows"),
        ("nova-2-lite", RFT, 90, "few-rows"),
        ("nova-micro", DPO, 60, "too-few-rows"),
        ("nova-micro", {"technique": "distillation", "teacher": "nova-pro"}, 20_001, "many-rows"),
        ("nova-2-lite", RFT | {"platform": "bedrock"}, 99, "few-rows"),
    ],
)
def test_rows_that_are_too_few_or_too_many_are_a_warning(write_stages, tmp_path, case):
    model, stage, rows, code = case
    path = write_stages(stage | {"data": "{train: some.jsonl}"}, model=model)
    write_rows(tmp_path / "some.jsonl", stage["technique"], rows)
    found = [finding for finding in check_file(path).findings if finding.code == code]
    assert len(found) == 1
    assert f"{rows:,} rows" in found[0].message
