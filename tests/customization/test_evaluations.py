"""Evaluations: each task with its recipe, what it needs, and what a gate can make of it."""

import pytest

from novaline.customization.checks import check_file
from novaline.findings import NovalineError
from novaline.recipes.catalogue import catalogue

SFT = {"technique": "sft"}
TASKS = catalogue().tasks()
MODELS = ("nova-micro", "nova-lite", "nova-pro", "nova-2-lite")
PROCESSOR = "{function: 'arn:aws:lambda:us-east-1:111111111111:function:novaline-SageMaker-metrics'}"


def line(task, **keys):
    """An evaluation named `more`, with what its task needs."""
    needs = {}
    if TASKS[task].own_data:
        needs["data"] = {"gen_qa": "eval.jsonl", "mm_llm_judge": "rows.jsonl"}.get(task, f"{task}.jsonl")
    if task == "rft_eval":
        needs["reward"] = "classification"
    written = {"name": "more", "task": task, "timeout": "1h"} | needs | keys
    return "  - {" + ", ".join(f"{key}: {value}" for key, value in written.items() if value is not None) + "}"


def only(path):
    with pytest.raises(NovalineError) as caught:
        check_file(path)
    (finding,) = (finding for finding in caught.value.findings if finding.severity == "error")
    return finding


def available():
    """(model, task) of every pair that the catalogue has a recipe for, and whose pictures the model sees."""
    pairs = []
    for model in MODELS:
        variants = {recipe.variant for recipe in catalogue().recipes(model=model, technique="evaluation")}
        sees = "image" in catalogue().model(model).media
        pairs += [
            (model, name)
            for name, task in TASKS.items()
            if task.variant in variants and (sees or task.modality != "image")
        ]
    assert len(pairs) > 50
    return pairs


@pytest.mark.parametrize(("model", "task"), available())
def test_a_task_runs_with_the_recipe_of_its_variant_and_what_follows_from_it(write_stages, model, task):
    settings = check_file(write_stages(SFT, model=model, evaluations=line(task))).evaluations["more"]
    facts = TASKS[task]
    assert (settings.recipe.model.name, settings.recipe.variant) == (model, facts.variant)
    assert settings.overrides["evaluation.task"] == task
    assert settings.overrides["evaluation.strategy"] == facts.strategy
    assert settings.overrides["evaluation.metric"] == facts.metric


@pytest.mark.parametrize(
    ("model", "task"), [(model, task) for model in MODELS for task in TASKS if (model, task) not in available()]
)
def test_a_task_that_a_model_has_not_is_told_with_those_that_it_has(write_stages, model, task):
    finding = only(write_stages(SFT, model=model, evaluations=line(task)))
    assert finding.code in ("not-available", "modality")
    assert finding.excerpt[: finding.column - 1].endswith("task: ")


@pytest.mark.parametrize(
    ("task", "keys", "code", "hint"),
    [
        ("gen_qa", {"data": None}, "evaluation-data", "data"),
        ("llm_judge", {"data": None}, "evaluation-data", "data"),
        ("mmlu", {"data": "eval.jsonl"}, "evaluation-data", "remove"),
        ("mmlu_pro", {"subtask": "law"}, "subtask", "remove"),
        ("mmlu", {"subtask": "astronomi"}, "subtask", "astronomy"),
        ("rft_eval", {"reward": None}, "evaluation-function", "reward"),
        ("gen_qa", {"reward": "classification"}, "evaluation-function", "remove"),
        ("rft_eval", {"processor": PROCESSOR}, "evaluation-function", "remove"),
        ("gen_qa", {"processor": "{function: metrics}"}, "wrong-value", None),
        ("gen_qa", {"processor": PROCESSOR.replace("}", ", agregation: min}")}, "unknown-key", "aggregation"),
        ("gen_qa", {"inference": "{temprature: 1}"}, "unknown-override", "temperature"),
        ("gen_qa", {"inference": "{learning_rate: 1}"}, "unknown-override", "the keys here are"),
        ("gen_qa", {"inference": "{reasoning_effort: low}"}, "unknown-override", "Nova 2 Lite"),
        ("llm_judge", {"inference": "{max_new_tokens: 10}"}, "unknown-override", "llm_judge"),
        ("gen_qa", {"inference": "{temperature: 3}"}, "override-bounds", None),
        ("gen_qa", {"instances": "{type: ml.p6.48xlarge}"}, "instance-type", "ml.p5.48xlarge"),
        ("gen_qa", {"instances": "{count: 0}"}, "wrong-value", None),
    ],
)
def test_a_mistake_in_an_evaluation_is_one_finding(write_stages, task, keys, code, hint):
    finding = only(write_stages(SFT, evaluations=line(task, **keys)))
    assert (finding.code, finding.line) == (code, 10)
    assert hint is None or hint in finding.hint


def test_a_subtask_and_a_processor_reach_the_recipe(write_stages):
    checked = check_file(write_stages(SFT, evaluations=line("mmlu", subtask="astronomy")))
    assert checked.evaluations["more"].values["evaluation.subtask"] == "astronomy"
    checked = check_file(
        write_stages(SFT, evaluations=line("gen_qa", processor=PROCESSOR.replace("}", ", kind: rft}")))
    )
    values = checked.evaluations["more"].values
    assert values["processor.lambda_type"] == "rft"
    assert values["processor.lambda_arn"].endswith("novaline-SageMaker-metrics")


def test_several_instances_are_a_count_that_training_jobs_take_and_hyperpod_does_not(write_stages):
    more = line("gen_qa", instances="{count: 4}")
    assert check_file(write_stages(SFT, evaluations=more)).evaluations["more"].instance_count == 4
    finding = only(write_stages(SFT | {"platform": "hyperpod"}, evaluations=more))
    assert (finding.code, "1 instance" in finding.message) == ("instance-count", True)


def test_a_number_of_instances_that_only_documentation_leaves_out_is_a_warning_with_its_sources(write_stages):
    (finding,) = check_file(write_stages(SFT, evaluations=line("gen_qa", instances="{count: 17}"))).findings
    assert (finding.code, finding.severity) == ("instance-count", "warning")
    assert "AWS's documentation (1 to 16)" in finding.message


def test_an_instance_type_that_is_misspelled_does_not_hide_the_number_of_instances(write_stages):
    more = line("gen_qa", instances="{type: ml.p5.48xlarg, count: 3}")
    with pytest.raises(NovalineError) as caught:
        check_file(write_stages(SFT, evaluations=more))
    assert [finding.code for finding in caught.value.findings] == ["instance-type", "instance-count"]


def test_a_task_that_only_pages_name_is_a_warning(write_stages):
    found = check_file(write_stages(SFT, evaluations=line("humaneval"))).findings
    assert [finding.code for finding in found] == ["documented-only"]


@pytest.mark.parametrize(("task", "passes"), [("gen_qa", True), ("math", True), ("mmlu", False), ("llm_judge", False)])
def test_the_gates_metric_is_one_that_the_task_gives(write_stages, task, passes):
    path = write_stages(SFT, evaluations=line(task), gate="{evaluation: more, metric: exact_match}")
    if passes:
        assert check_file(path)
    else:
        finding = only(path)
        assert (finding.code, "gen_qa, math" in finding.hint) == ("metric-not-given", True)


def test_an_evaluation_that_is_read_twice_is_reported_once(write_stages, tmp_path):
    path = write_stages(SFT, evaluations=line("gen_qa"))
    with (tmp_path / "eval.jsonl").open("a") as file:
        file.write("[]\n")
    assert only(path).file.endswith("eval.jsonl")
