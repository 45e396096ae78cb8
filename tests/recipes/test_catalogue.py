"""The catalogue against the published recipes' figures."""

import json
import re
from pathlib import Path

import pytest

from novaline.places import recipes_root
from novaline.recipes.catalogue import Catalogue, catalogue
from novaline.recipes.model import Recipe
from novaline.recipes.rendering import default_values, resolve

PUBLISHED = json.loads((Path(__file__).parent / "published_recipes.json").read_text(encoding="utf-8"))["recipes"]
FILES = sorted(path for path in recipes_root().glob("*/*/*/*.yaml"))

# Where the published sources disagree with one another, and which of them we follow.
CHOSEN = {("nova_lite_2_0_p5_gpu_lora_sft", "run.replicas"): 4}  # the hub template's default; the YAML says 1


def by_id(name: str) -> Recipe:
    return next(recipe for path in FILES if (recipe := catalogue().load(path)).id == name)


def test_there_is_a_file_for_every_published_recipe_that_we_have_and_none_beside():
    assert FILES
    assert sorted(catalogue().load(path).id for path in FILES) == sorted(PUBLISHED)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_defaults_are_the_published_ones_null_and_text_null_kept_apart(name):
    published = dict(PUBLISHED[name]["defaults"])
    published |= {path: value for (recipe, path), value in CHOSEN.items() if recipe == name}
    ours = resolve(default_values(by_id(name)))
    assert ours.keys() == published.keys()
    assert {path: (type(value), value) for path, value in ours.items()} == {
        path: (type(value), value) for path, value in published.items()
    }


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_machines_and_image_are_the_published_ones(name):
    recipe, published = by_id(name), PUBLISHED[name]
    assert recipe.version == published["version"]
    assert recipe.instances.types == published["instance_types"]
    assert recipe.instances.counts == published["replicas"]
    for region, account in published["accounts"].items():
        assert recipe.image("sagemaker", region) == f"{account}.dkr.ecr.{region}.amazonaws.com/{published['image']}"
    assert recipe.image("sagemaker", "eu-south-1") is None


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_every_published_short_name_means_the_published_key(name):
    ours = by_id(name).short_names
    assert {short: ours.get(short) for short in PUBLISHED[name]["short_names"]} == PUBLISHED[name]["short_names"]


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_no_published_bound_is_forgotten_as_error_or_as_advice(name):
    recipe = by_id(name)
    for path, bound in PUBLISHED[name]["bounds"].items():
        spec = recipe.keys[path]
        if spec.fixed:
            continue
        rules = [spec, *spec.advice]
        for ours, theirs in (("minimum", "min"), ("maximum", "max"), ("allowed", "enum")):
            if theirs in bound:
                assert any(getattr(rule, ours) == bound[theirs] for rule in rules), (path, theirs)


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-4:]))
def test_a_recipe_file_says_at_its_top_what_it_is_where_it_runs_and_with_which_image(path):
    recipe = catalogue().load(path)
    header = "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#"))
    assert "Assumes" in header
    assert "Runs on SageMaker training jobs" in header
    assert recipe.images["sagemaker"] in header
    for fact in (*recipe.instances.types, *recipe.accounts, *recipe.accounts.values()):
        assert re.search(rf"\b{re.escape(fact)}\b", header), fact


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-4:]))
def test_a_recipes_own_defaults_keep_its_own_bounds(path):
    recipe = catalogue().load(path)
    values = resolve(default_values(recipe))
    for key, spec in recipe.keys.items():
        value = values[key]
        assert spec.allowed is None or value in spec.allowed
        if spec.below:
            assert value < values[spec.below]
        if spec.at_most:
            assert value <= values[spec.at_most]


def test_a_recipe_is_chosen_by_instance_type_and_the_preferred_one_without():
    find = catalogue().find
    default = find(model="nova-micro", technique="sft", variant="lora")
    small = find(model="nova-micro", technique="sft", variant="lora", instance_type="ml.g6.12xlarge")
    assert default is not None
    assert small is not None
    assert "ml.p5.48xlarge" in default.instances.types
    assert small.keys["training_config.max_length"].maximum == 8192
    assert find(model="nova-micro", technique="sft", variant="lora", instance_type="ml.t3.medium") is None
    assert find(model="nova-micro", technique="sft", variant="full") is None


def test_a_mistake_in_a_catalogue_file_is_named_with_its_file(tmp_path):
    folder = tmp_path / "nova-1" / "m" / "sft"
    folder.mkdir(parents=True)
    (tmp_path / "images.yaml").write_text('accounts: {us-east-1: "1"}\n')
    model = "name: m\ntitle: M\ngeneration: nova-1\nmodel_type: a\nmodel_name_or_path: b\ninference_profile: c\n"
    (folder.parent / "model.yaml").write_text(model + "media: []\nreasoning: false\n")
    (folder / "r.yaml").write_text("id: r\nversion: 1\n")
    with pytest.raises(Exception, match=r"r\.yaml: "):
        Catalogue(tmp_path).load(folder / "r.yaml")
