"""Stages on the platforms without instances of one's own, and on HyperPod: their keys, their machines, their cost."""

import pytest

from novaline.cost.book import PriceBook
from novaline.cost.prices import price_book
from novaline.customization import costing, limits
from novaline.customization.checks import check_file
from novaline.customization.managed import bedrock_recipe, bedrock_techniques
from novaline.environments import Environment
from novaline.findings import NovalineError
from novaline.recipes.catalogue import catalogue

BEDROCK = {"technique": "sft", "platform": "bedrock"}
BEDROCK_RFT = {"technique": "rft", "platform": "bedrock", "reward": "classification"}
SERVERLESS = {"technique": "sft", "platform": "serverless"}
HYPERPOD = {"technique": "sft", "platform": "hyperpod"}
SFT_HERE, CPT_HERE, PPO_HERE = HYPERPOD, HYPERPOD | {"technique": "cpt"}, HYPERPOD | {"technique": "ppo"}
RFT_HERE = HYPERPOD | {"technique": "rft", "reward": "classification"}


def environment(region):
    return Environment.model_validate({
        "name": "dev", "account": "111111111111", "region": region, "retain": False, "noncurrent_days": 7,
        "termination_protection": False, "log_retention_days": 30, "budget_usd_per_run": 1e6,
        "rewards": {"classification": {"function": "classification"}},
    })  # fmt: skip


def only(path, **options):
    with pytest.raises(NovalineError) as caught:
        check_file(path, **options)
    (finding,) = (finding for finding in caught.value.findings if finding.severity == "error")
    return finding


def warned(path, code, **options):
    """The messages of the warnings with this code."""
    return [finding.message for finding in check_file(path, **options).findings if finding.code == code]


# ---- Bedrock -----------------------------------------------------------------------------------------------------


def test_a_bedrock_job_has_the_apis_own_keys_and_no_machines(write_stages):
    stage = BEDROCK | {"overrides": "{epochCount: 3, learningRate: 2e-5}"}
    settings = check_file(write_stages(stage)).stages["s1"]
    assert (settings.instance_type, settings.instance_count) == ("", 0)
    assert settings.hyperparameters == {"epochCount": 3, "learningRate": 2e-5}
    assert settings.values["learningRateWarmupSteps"] == 10


@pytest.mark.parametrize(
    ("override", "code", "hint"),
    [
        ("epoch_count: 3", "unknown-override", "did you mean `epochCount`?"),
        ("max_epochs: 3", "unknown-override", "epochCount"),
        ("epochCount: three", "override-type", None),
        ("epochCount: null", "override-type", None),
    ],
)
def test_a_wrong_key_of_a_bedrock_job_is_refused(write_stages, override, code, hint):
    finding = only(write_stages(BEDROCK | {"overrides": f"{{{override}}}"}))
    assert finding.code == code
    assert hint is None or hint in finding.hint


def test_bounds_that_a_page_states_warn_and_bounds_that_the_api_has_refuse(write_stages):
    (warning,) = warned(write_stages(BEDROCK | {"overrides": "{epochCount: 6}"}), "override-advice")
    assert "should be from 1 to 5" in warning
    path = write_stages(BEDROCK_RFT | {"overrides": "{batchSize: 8}"}, model="nova-2-lite")
    finding = only(path)
    assert (finding.code, "must be from 16 to 512" in finding.message) == ("override-bounds", True)
    assert finding.message.endswith("; the API refuses it")
    assert check_file(write_stages(BEDROCK_RFT | {"overrides": "{batchSize: 16}"}, model="nova-2-lite"))


@pytest.mark.parametrize("model", ["nova-micro", "nova-lite", "nova-pro", "nova-2-lite"])
def test_the_bounds_of_reinforcement_are_those_of_the_api_and_every_key_exists_there(model):
    import botocore.session  # one test of this file needs it, and it is slow to import

    shapes = (
        botocore.session.get_session()
        .get_service_model("bedrock")
        .operation_model("CreateModelCustomizationJob")
        .input_shape.members["customizationConfig"]
        .members
    )
    reinforcement = shapes["rftConfig"].members["hyperParameters"].members
    teacher = shapes["distillationConfig"].members["teacherModelConfig"].members
    for technique in bedrock_techniques(model):
        keys = bedrock_recipe(catalogue().model(model), technique).keys
        if technique == "rft":
            assert set(keys) == set(reinforcement)
            for name, spec in keys.items():
                shape, bounds = reinforcement[name], spec.documented
                limits = (shape.metadata.get("min"), shape.metadata.get("max"), shape.metadata.get("enum"))
                stated = (None, None, None) if bounds is None else (bounds.minimum, bounds.maximum, bounds.allowed)
                assert stated == limits, name
        if technique == "distillation":
            assert set(keys) <= set(teacher)


def test_a_platform_without_instances_takes_none(write_stages):
    for stage in (BEDROCK, SERVERLESS):
        finding = only(write_stages(stage | {"instances": "{count: 2}"}))
        assert (finding.code, finding.hint) == ("without-effect", "remove it")


def test_a_bedrock_job_is_priced_by_its_tokens_and_only_the_base_model_is_evaluated(write_stages):
    checked = check_file(write_stages(BEDROCK | {"overrides": "{epochCount: 3}"}))
    (line,) = checked.cost.managed
    assert line.epochs == 3
    assert line.dataset_bytes == checked.datasets["s1/train"].bytes
    assert line.worst_case_usd == pytest.approx(line.dataset_bytes * 3 / 1000 * 0.001)
    assert [line.job for line in checked.cost.lines] == ["holdout-base"]
    assert [finding.code for finding in checked.findings] == ["no-candidate"]


def test_a_managed_job_without_a_known_price_is_a_warning_and_not_for_free(write_stages):
    for stage in (BEDROCK, SERVERLESS):
        path = write_stages(stage, model="nova-pro")
        assert check_file(path).cost.worst_case_usd is None
        assert warned(path, "price-unknown") != []


@pytest.mark.parametrize(
    ("model", "stage", "words"),
    [
        ("nova-micro", SERVERLESS, "does not ask for it"),
        ("nova-pro", SERVERLESS | {"overrides": "{max_epochs: 3}"}, "does not ask for it"),
        ("nova-pro", BEDROCK | {"overrides": "{epochCount: 3}"}, "asks AWS for the price"),
        ("nova-2-lite", BEDROCK, "say `epochCount`"),
    ],
)
def test_why_a_price_is_not_known_is_told_with_what_helps_against_that(write_stages, monkeypatch, model, stage, words):
    unpriced = PriceBook({}) if "asks" in words else price_book()
    for module in (costing, limits):
        monkeypatch.setattr(module, "price_book", lambda: unpriced)
    found = [item for item in check_file(write_stages(stage, model=model)).findings if item.code == "price-unknown"]
    assert [words in item.hint for item in found] == [True]
    assert sum(word in found[0].hint for word in ("does not ask", "asks AWS", "epochCount")) == 1


def test_two_causes_of_an_unknown_price_are_two_findings_each_with_its_jobs(write_stages):
    stages = [SERVERLESS, BEDROCK, SERVERLESS | {"start": "s1"}]
    found = warned(write_stages(*stages, model="nova-2-lite"), "price-unknown")
    assert [message.partition(" at most")[0] for message in found] == [
        "what AWS charges for s1 and s3",
        "what AWS charges for s2",
    ]


def test_what_is_known_of_the_cost_is_still_held_against_the_budget(write_stages):
    finding = only(write_stages(SERVERLESS, budget="{usd: 100}"))
    assert (finding.code, "at least $126.59" in finding.message) == ("over-budget", True)


# ---- without instances -------------------------------------------------------------------------------------------


def test_a_serverless_job_takes_published_short_names(write_stages):
    stage = SERVERLESS | {"overrides": "{learning_rate: 5e-6, max_epochs: 3}"}
    settings = check_file(write_stages(stage)).stages["s1"]
    assert settings.hyperparameters == {"learning_rate": 5e-6, "max_epochs": 3}
    assert settings.instance_count == 0


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("training_config.model.optim.lr", "write `learning_rate`"),
        ("training_config.model.hidden_dropout", "it takes "),
    ],
)
def test_a_serverless_job_has_no_recipe_paths(write_stages, key, hint):
    finding = only(write_stages(SERVERLESS | {"overrides": f"{{{key}: 7}}"}))
    assert finding.code == "override-platform"
    assert hint in finding.hint


def test_a_serverless_value_is_held_against_the_recipes_bounds_and_rules(write_stages):
    assert only(write_stages(SERVERLESS | {"overrides": "{max_epochs: 300}"})).code == "override-bounds"
    assert only(write_stages(SERVERLESS | {"overrides": "{min_lr: 0.5}"})).code == "override-relation"


# ---- HyperPod ----------------------------------------------------------------------------------------------------


def test_jobs_on_hyperpod_cost_nothing_of_their_own_and_are_evaluated_there(write_stages):
    checked = check_file(write_stages(HYPERPOD, budget="{usd: 1}"))
    assert checked.cost.lines == checked.cost.managed == ()
    assert checked.evaluations["holdout"].platform == "hyperpod"


def test_hyperpod_takes_other_overrides_than_training_jobs(write_stages):
    stage = {"overrides": "{mlflow_experiment_name: mine}", "technique": "sft"}
    assert check_file(write_stages(HYPERPOD | stage))
    assert only(write_stages(stage)).code == "locked-override"


@pytest.mark.parametrize(
    ("model", "stage", "override", "hint"),
    [
        ("nova-2-lite", SFT_HERE, "data_s3_path: 's3://mine/x.jsonl'", "say `data.train`"),
        ("nova-2-lite", SFT_HERE, "validation_s3_path: 's3://mine/x.jsonl'", "say `data.validation`"),
        ("nova-2-lite", RFT_HERE, "data_s3_path: 's3://mine/x.jsonl'", "say `data.train`"),
        ("nova-2-lite", RFT_HERE, "output_s3_path: 's3://mine/o/'", "nothing to say"),
        ("nova-2-lite", CPT_HERE, "validation_s3_path: 's3://mine/x.jsonl'", "say `data.validation`"),
        ("nova-micro", PPO_HERE, "output_s3_path: 's3://mine/o/'", "nothing to say"),
    ],
)
def test_a_path_of_ones_own_is_refused_on_hyperpod_and_not_lost(write_stages, model, stage, override, hint):
    finding = only(write_stages(stage | {"overrides": f"{{{override}}}"}, model=model))
    assert finding.code == "locked-override"
    assert finding.hint.startswith(hint)


def test_validation_data_that_nothing_reads_is_warned_about(write_stages):
    data = "{train: cpt.jsonl, validation: cpt.jsonl}"
    pretraining = {"technique": "cpt", "platform": "hyperpod", "data": data}
    assert "no key for validation data" in warned(write_stages(pretraining), "validation-unsupported")[0]
    assert warned(write_stages(pretraining, model="nova-2-lite"), "validation-unsupported") == []
    distillation = {"technique": "distillation", "teacher": "nova-pro", "data": data.replace("cpt", "distillation")}
    assert warned(write_stages(distillation), "validation-unsupported") == ["a distillation reads prompts only"]


# ---- regions -----------------------------------------------------------------------------------------------------


def test_bedrock_customizes_in_one_region(write_stages):
    finding = only(write_stages(BEDROCK, model="nova-2-lite", budget="{usd: 1e6, prices: {ml.p5.48xlarge: 70}}"),
                   environment=environment("us-west-2"))  # fmt: skip
    assert (finding.code, finding.message) == (
        "region", "Bedrock customizes Nova models in us-east-1; dev is in us-west-2",
    )  # fmt: skip


def test_a_region_that_nobody_has_shown_serverless_jobs_in_is_a_warning(write_stages):
    path = write_stages(SERVERLESS, budget="{usd: 1e6, prices: {ml.p5.48xlarge: 70}}")
    assert len(warned(path, "region", environment=environment("ap-northeast-1"))) == 1
    assert warned(path, "region", environment=environment("us-west-2")) == []
