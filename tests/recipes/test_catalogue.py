"""The catalogue against the published recipes' facts, in both directions."""

import json
import re
from pathlib import Path

import pytest

from novaline.places import recipes_root
from novaline.recipes.catalogue import catalogue
from novaline.recipes.model import Bounds, Recipe
from novaline.recipes.rendering import default_values, resolve

FACTS = json.loads((Path(__file__).parent / "facts.json").read_text(encoding="utf-8"))
PUBLISHED = FACTS["recipes"]
RECIPES = {recipe.id: recipe for recipe in catalogue().all()}
FILES = sorted(recipes_root().glob("*/*/*/*.yaml"))

# Where we knowingly say something else than the published file, and why.
DEFAULTS_OF_OUR_OWN = {
    (f"nova_{size}_1_0_p5_48xl_gpu_rft_eval", "run.model_name_or_path"): f"nova-{size}/prod"
    for size in ("micro", "lite", "pro")
}  # published with a sentence where a value belongs
DEFAULT_COUNTS_OF_OUR_OWN = {"nova_lite_2_0_p5_gpu_lora_sft": 4}  # the template's default; the published file holds 1
REAL_NUMBERS_WRITTEN_AS_INTEGERS = {
    "inference.temperature",
    "training_config.rollout.generator.temperature",
    "training_config.trainer.loss_scale",
    "ppo_actor_train.model.ent_coeff",
    "ppo_actor_train.model.lam",
}  # coefficients whose published default happens to be whole; most have no template that types them
TYPES_OF_NULL = {"batch.val_batch_size": "integer"}  # null means unset; what it would hold is text elsewhere
DEFAULTS_OUTSIDE = {
    ("nova_lite_2_0_p5_48xl_gpu_bring_your_own_dataset_eval", "processor.preset_reward_function"),  # empty for none
    ("nova_micro_1_0_p5_gpu_ppo", "run.actor_generation_replicas"),  # 2, where AWS's page says 1
}  # defaults that a source's own bounds refuse
PATHS = {
    "run.data_s3_path", "run.output_s3_path", "run.validation_data_s3_path", "run.validation_data_s3_path_list",
}  # fmt: skip
SAID_ELSEWHERE = {
    *PATHS, "run.name", "run.model_type", "run.model_name_or_path", "run.replicas", "run.actor_train_replicas",
    "run.reward_lambda_arn", "training_config.rollout.rewards.api_endpoint.lambda_arn", "rl_env.reward_lambda_arn",
    "training_config.task_type", "training_config.distillation_data", "training_config.teacherModelId",
    *(f"training_config.{part}peft.peft_scheme" for part in ("", "model.", "trainer.")),
    *(f"ppo_{role}.trainer.num_nodes" for role in ("reward", "critic", "anchor", "actor_generation", "actor_train")),
    *(f"evaluation.{part}" for part in ("task", "strategy", "metric", "subtask")),
    *(f"processor.{part}" for part in ("lambda_arn", "lambda_type", "aggregation")),
    *(f"processor.{part}processing.enabled" for part in ("pre", "post")),
    "display_name", "recipe_version", "model.model_name",
}  # fmt: skip
COUNTED = ("steps", "epochs", "length", "tokens", "batch_size", "replicas", "num_nodes", "timeout", "concurrency")
WITHOUT_A_UNIT = {
    "weight_decay", "alpha", "lora_alpha", "lora_rank", "eps", "adam_eps", "lr", "min_lr", "learning_rate",
}  # fmt: skip
COUNT_KEYS = {"run.replicas", "run.actor_train_replicas"}  # their bounds are those of `Recipe.instances`


def bounds(found: Bounds | None) -> dict:
    return {} if found is None else found.model_dump(exclude_unset=True, exclude={"page"})


def same_bounds(left: dict, right: dict) -> bool:
    """Equal, and of one type where values are listed: the text "32000" is not the number."""
    return left == right and same(left.get("allowed"), right.get("allowed"))


def fits(recipe: Recipe, when: dict) -> bool:
    """Whether a fact is about this recipe."""
    about = {
        "technique": [recipe.technique],
        "generation": [recipe.generation],
        "model": [recipe.model.name],
        "tuning": [recipe.tuning],
        "variant": [recipe.variant],
        "platform": recipe.platforms,
        "instance_type": recipe.instances.types,
    }
    return all(set(values) & set(about[name]) for name, values in when.items())


def within(value: object, bound: Bounds) -> bool:
    """A default keeps a bound; text is compared as the number that it spells."""
    numbers = [float(one) for one in (value if isinstance(value, list) else [value]) if str(one)[:1].isdigit()]
    low, high = bound.minimum, bound.maximum
    return (
        (bound.allowed is None or value in bound.allowed)
        and all((low is None or one >= low) and (high is None or one <= high) for one in numbers)
        and all(bound.multiple_of is None or one % bound.multiple_of == 0 for one in numbers)
        and all(within(value, inner) for inner in bound.by_instance.values())
    )


def same(left: object, right: object) -> bool:
    """Equal and of one type: 1 is neither 1.0 nor true, null is not "null"."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def test_there_is_a_recipe_for_every_published_one_and_none_beside():
    assert len(FILES) == len(RECIPES) == 56
    assert sorted(RECIPES) == sorted(PUBLISHED)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_recipe_is_the_published_one_in_name_model_platform_and_place(name):
    recipe, published = RECIPES[name], PUBLISHED[name]
    for ours, theirs in (
        (recipe.version, "version"),
        (recipe.reference, "reference"),
        (recipe.model.name, "model"),
        (recipe.technique, "technique"),
        (recipe.variant, "variant"),
        (recipe.tuning, "tuning"),
        (sorted(recipe.platforms), "platforms"),
        (recipe.model.hub_content, "hub_content"),
    ):
        expected = published[theirs]
        assert ours == (sorted(expected) if isinstance(expected, list) else expected), theirs


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_machines_and_their_numbers_are_the_published_ones_source_by_source(name):
    instances, published = RECIPES[name].instances, PUBLISHED[name]
    counts = published["replicas"]
    assert instances.types == (published["instance_types"] or [])
    assert instances.template == counts["template"]
    assert instances.text == counts["text"]
    assert instances.roles == counts["roles"]
    default = DEFAULT_COUNTS_OF_OUR_OWN.get(name, counts["default"])
    if default is not None:  # distillation and multi-turn RFT name no number
        assert instances.default_count == default
    assert instances.default_count in instances.counts
    fixed = published["keys"].get("run.replicas", {}).get("fixed_on")
    assert instances.fixed_on == ({fixed: 1} if fixed else {})


def test_where_we_start_with_more_instances_than_the_published_file_it_is_the_templates_number():
    for name, count in DEFAULT_COUNTS_OF_OUR_OWN.items():
        assert PUBLISHED[name]["replicas"]["template_default"] == count != PUBLISHED[name]["replicas"]["default"]


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_images_are_the_published_ones_on_every_platform_and_in_every_region(name):
    recipe, published = RECIPES[name], PUBLISHED[name]
    assert recipe.images.keys() == published["images"].keys()
    for platform, image in published["images"].items():
        assert recipe.images[platform].model_dump() == image
        for region, account in image["accounts"].items():
            assert recipe.image(platform, region) == f"{account}.dkr.ecr.{region}.amazonaws.com/{image['name']}"
        assert recipe.image(platform, "eu-south-1") is None
    ours = sorted(image.name for image in recipe.companions)
    assert ours == sorted(image["name"] for image in published["companions"])


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_recipe_has_the_published_keys_and_no_other(name):
    assert sorted(RECIPES[name].keys) == sorted(PUBLISHED[name]["keys"])


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_defaults_are_the_published_ones_interpolations_and_types_of_values_included(name):
    for path, published in PUBLISHED[name]["keys"].items():
        expected = DEFAULTS_OF_OUR_OWN.get((name, path), published.get("interpolation", published["default"]))
        assert same(RECIPES[name].keys[path].default, expected), path


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_types_are_the_published_ones(name):
    for path, published in PUBLISHED[name]["keys"].items():
        spec, expected = RECIPES[name].keys[path], published.get("template_type", published["type"])
        if published["type"] == "null":
            assert spec.nullable, path
            expected = TYPES_OF_NULL.get(path, "string")
        if path in REAL_NUMBERS_WRITTEN_AS_INTEGERS:
            assert published["type"] == "integer"
            expected = "float"
        if RECIPES[name].technique == "distillation":
            expected = published["type"]  # the container reads text, whatever the template says
        assert spec.type == expected, path


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_short_names_are_the_published_ones_on_the_platforms_that_publish_them(name):
    recipe = RECIPES[name]
    for path, published in PUBLISHED[name]["keys"].items():
        spec = recipe.keys[path]
        assert spec.override == published.get("override"), path
        assert sorted(spec.overridable_on) == published.get("overridable_on", []), path
    names = {key["override"] for key in PUBLISHED[name]["keys"].values() if "override" in key}
    assert recipe.short_names.keys() == names


def test_a_short_name_that_stands_for_two_keys_sets_both():
    both = {
        recipe.id: short for recipe in RECIPES.values() for short, paths in recipe.short_names.items() if len(paths) > 1
    }
    assert sorted(both.values()) == [*["learning_rate"] * 3, *["reward_lambda_arn"] * 4, "sampling_max_tokens"]


@pytest.mark.parametrize("source", ["template", "text"])
@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_bounds_are_the_published_ones_source_by_source(name, source):
    for path, published in PUBLISHED[name]["keys"].items():
        if path not in COUNT_KEYS:
            assert same_bounds(bounds(getattr(RECIPES[name].keys[path], source)), published.get(source, {})), path


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_documented_bounds_are_those_that_aws_states_and_no_other(name):
    recipe = RECIPES[name]
    stated = [fact for fact in FACTS["documented"] if fits(recipe, fact["when"])]
    for path, spec in recipe.keys.items():
        expected = [fact["bounds"] for fact in stated if path.endswith(fact["key"])] or [{}]
        assert same_bounds(bounds(spec.documented), expected[-1]), path
    counts = [fact["counts"] for fact in FACTS["documented_counts"] if fits(recipe, fact["when"])] or [None]
    assert recipe.instances.documented == counts[-1]


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_what_the_hub_publishes_instead_of_the_template_is_kept_apart(name):
    for path, published in PUBLISHED[name]["keys"].items():
        spec = RECIPES[name].keys[path]
        assert {where: bounds(found) for where, found in spec.published.items()} == published.get("published", {}), path
        assert spec.published_default == published.get("published_default", {}), path


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_what_only_hyperpod_reads_cannot_be_overridden_on_a_training_job(name):
    recipe = RECIPES[name]
    for path, published in PUBLISHED[name]["keys"].items():
        only = published.get("hyperpod_only") or re.fullmatch(r"run\.mlflow_\w+", path)
        if only and path not in PATHS and "sagemaker" in recipe.platforms:
            assert recipe.keys[path].locked_on("sagemaker"), path
            assert recipe.keys[path].locked_on("hyperpod") is None, path


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_what_the_customization_says_elsewhere_cannot_be_overridden_anywhere_and_nothing_else(name):
    locked = {path for path, spec in RECIPES[name].keys.items() if "all" in spec.locked}
    assert locked == SAID_ELSEWHERE & RECIPES[name].keys.keys()
    other = "stage" if RECIPES[name].technique == "evaluation" else "evaluation"
    assert not [path for path, spec in RECIPES[name].keys.items() if other in str(spec.locked)]


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_where_a_job_reads_and_writes_is_for_the_customization_to_say_on_hyperpod_too(name):
    recipe = RECIPES[name]
    paths = {path for path in recipe.keys if "s3_path" in path}
    assert paths <= PATHS
    for path in paths:
        reason = recipe.keys[path].locked_on("hyperpod")
        assert reason is not None, path
        assert reason == recipe.keys[path].locked_on("sagemaker")
        assert "say" in reason, path


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_key_says_what_it_is_for_and_a_documented_bound_names_its_page(name):
    for path, spec in RECIPES[name].keys.items():
        assert spec.about, path
        assert not spec.about.endswith("."), path
        assert spec.documented is None or spec.documented.page, path
        for source in (spec.template, spec.text):
            assert source is None or source.page is None, path


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_number_that_counts_something_says_what(name):
    for path, spec in RECIPES[name].keys.items():
        leaf = path.rsplit(".", 1)[-1]
        if leaf in WITHOUT_A_UNIT or spec.type in ("boolean", "object"):
            assert spec.unit is None, path
        elif spec.type in ("integer", "float") and any(word in leaf for word in COUNTED):
            assert spec.unit, path


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_recipes_own_defaults_keep_every_bound_but_those_that_amazon_breaks_itself(name):
    recipe = RECIPES[name]
    values = resolve(default_values(recipe))
    outside = {
        path
        for path, spec in recipe.keys.items()
        for bound in (spec.template, spec.text, spec.documented)
        if bound is not None and not within(values[path], bound)
    }
    assert outside == {path for (recipe, path) in DEFAULTS_OUTSIDE if recipe == name}


@pytest.mark.parametrize("name", sorted(FACTS["models"]))
def test_a_model_is_the_published_one(name):
    ours, published = catalogue().model(name), FACTS["models"][name]
    assert (ours.model_type, ours.model_name_or_path) == (published["model_type"], published["model_name_or_path"])
    assert ours.hub_content == published["hub_content_name"]
    assert ours.inference_profile == f"us.{ours.model_type.rpartition(':')[0]}"  # without the customization's context
    assert ours.reasoning == published.get("reasoning", False)
    assert ours.teacher_only == ("modalities" not in published)
    assert {"text", *ours.media} >= set(published.get("modalities", []))
    assert ours.generation == ("nova-2" if "-2-" in name else "nova-1")


def test_tasks_are_the_documented_ones_each_with_recipes_or_marked_as_documented_only():
    tasks = catalogue().tasks()
    assert tasks.keys() == FACTS["tasks"].keys()
    for name, published in FACTS["tasks"].items():
        ours = tasks[name]
        assert (ours.strategy, ours.metric) == (published["strategy"], published["metric"])
        assert (ours.own_data, ours.data_file) == (published["own_data"], published.get("data_file"))
        assert ours.subtask_count == published["subtasks"] == len(set(ours.subtasks)) == len(ours.subtasks)
        assert ours.modality.replace(" and ", ",") == published["modality"]
        assert ours.documented_only == published["documented_only"]
        assert any(recipe.variant == ours.variant for recipe in RECIPES.values())


def test_the_inference_image_is_published_in_one_region_more():
    assert catalogue().inference_image().model_dump() == FACTS["inference_image"]
    assert set(catalogue().inference_image().accounts) - set(catalogue().image_accounts()) == {"eu-west-2"}
