"""Rendered recipes are read alike by every YAML reader."""

import hashlib
import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from novaline.customization.yaml_source import parse_yaml
from novaline.recipes.catalogue import catalogue
from novaline.recipes.rendering import content_hash, default_values, differences, render, resolve, scalar

RECIPES = catalogue().all()
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def nested(flat):
    tree = {}
    for path, value in flat.items():
        *parents, leaf = path.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return tree


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.id)
def test_a_rendered_recipe_reads_back_as_its_values_with_yaml_1_1_and_1_2(recipe):
    flat = default_values(recipe)
    text = render(recipe, flat).decode()
    expected = nested(resolve(flat))
    assert yaml.safe_load(text) == expected
    assert parse_yaml(text, file="recipe.yaml").data == expected


def test_there_are_recipes_to_render():
    assert len(RECIPES) == 56


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.id)
def test_the_same_values_give_the_same_bytes_whatever_their_order(recipe):
    flat = default_values(recipe)
    backwards = dict(reversed(flat.items()))
    assert list(backwards) != list(flat)
    assert render(recipe, flat) == render(recipe, backwards)
    assert content_hash(recipe, flat) == content_hash(recipe, backwards)
    assert content_hash(recipe, flat) == hashlib.sha256(render(recipe, flat)).hexdigest()


def test_another_value_gives_another_hash():
    recipe = RECIPES[0]
    flat = default_values(recipe)
    assert content_hash(recipe, flat) != content_hash(recipe, {**flat, "run.name": "another"})


def test_no_interpolation_is_left_for_the_container():
    for recipe in RECIPES:
        assert b"${" not in render(recipe, default_values(recipe)), recipe.id


def lines_of(identifier, **values):
    recipe = catalogue().recipe(identifier)
    return render(recipe, {**default_values(recipe), **values}).decode().splitlines()


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("nova_micro_1_0_p5_p4d_gpu_sft", ["      peft_scheme: null"]),
        ("nova_lite_2_0_p5_gpu_sft", ['    peft_scheme: "null"']),
        ("nova_lite_v2_smtj_p5_p5en_gpu_rft", ["      peft_scheme: null"]),
        ("nova_lite_2_0_p5_gpu_rft", []),
        ("nova_micro_1_0_p5x8_gpu_pretrain", []),
    ],
)
def test_each_spelling_of_full_rank_is_as_amazon_has_it(identifier, expected):
    assert [line for line in lines_of(identifier) if "peft_scheme" in line] == expected


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("nova_micro_1_0_p5_p4d_gpu_lora_sft", "loraplus_lr_ratio: 16.0"),
        ("nova_lite_2_0_p5_gpu_lora_rft", "loraplus_lr_ratio: 64.0"),
        ("nova_lite_2_0_p5_gpu_lora_sft", "lora_plus_lr_ratio: 64.0"),
        ("nova_lite_v2_smtj_p5_p5en_gpu_lora_rft", "lora_plus_lr_ratio: 64.0"),
        ("mtrl_nova_lite_2_0_lora", "lora_plus_lr_ratio: 32.0"),
    ],
)
def test_each_spelling_of_the_adapters_ratio_is_as_amazon_has_it(identifier, expected):
    assert [line.strip() for line in lines_of(identifier) if "lr_ratio" in line] == [expected]


def test_the_values_of_distillation_stay_text():
    lines = lines_of("nova_pro_1_0_r5_cpu_distill")
    section = lines[lines.index("training_config:") + 1 :]
    assert '  maxResponseLength: "5000"' in section
    assert '  distillation_data: "true"' in section
    assert all(line.endswith('"') for line in section)


def test_the_reward_function_is_written_twice():
    arn = "arn:aws:lambda:us-east-1:111122223333:function:SageMaker-reward"
    paths = ("run.reward_lambda_arn", "training_config.rollout.rewards.api_endpoint.lambda_arn")
    twice = lines_of("nova_lite_v2_smtj_p5_p5en_gpu_rft", **dict.fromkeys(paths, arn))
    once = lines_of("nova_lite_2_0_p5_gpu_rft", **{paths[0]: arn})
    for lines in (twice, once):
        assert [line.strip() for line in lines if arn in line] == [
            f'reward_lambda_arn: "{arn}"',
            f'lambda_arn: "{arn}"',
        ]


def test_the_numbers_of_ppos_instances_follow_from_its_run_section():
    lines = lines_of("nova_lite_1_0_p5_gpu_ppo", **{"run.actor_generation_replicas": 1})
    assert [line.strip() for line in lines if "num_nodes" in line] == [
        "num_nodes: 1", "num_nodes: 1", "num_nodes: 1", "num_nodes: 1", "num_nodes: 2",
    ]  # fmt: skip


@given(values)
def test_any_value_survives_both_readers(value):
    text = f"key: {scalar(value)}\n"
    assert yaml.safe_load(text) == {"key": value}
    assert parse_yaml(text, file="any.yaml").data == {"key": value}


@pytest.mark.parametrize("text", ["null", "1e-5", "012", "on", "0o17", "~", "", "2026-01-01", "1_000", "a: b", "# x"])
def test_text_that_looks_like_something_else_stays_text(text):
    rendered = f"key: {scalar(text)}\n"
    assert yaml.safe_load(rendered)["key"] == text
    assert parse_yaml(rendered, file="any.yaml").data == {"key": text}


def test_a_small_float_is_written_so_that_yaml_1_1_reads_a_number():
    assert scalar(1e-5) == "1.0e-05"
    assert scalar(1.5e-7) == "1.5e-07"


def test_a_number_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="finite"):
        scalar(math.inf)


def test_an_interpolation_follows_the_value_that_it_points_at():
    recipe = catalogue().find(model="nova-2-lite", technique="sft", variant="lora")
    values = {**default_values(recipe), "training_config.max_steps": 60}
    assert resolve(values)["training_config.save_steps"] == 60
    changed = {item.path: (item.default, item.value) for item in differences(recipe, values)}
    assert changed == {"training_config.max_steps": (100, 60), "training_config.save_steps": (100, 60)}


def test_an_interpolation_that_leads_nowhere_or_in_a_circle_is_refused():
    with pytest.raises(ValueError, match="leads nowhere"):
        resolve({"a": "${oc.select:b}"})
    with pytest.raises(ValueError, match="leads nowhere"):
        resolve({"a": "${oc.select:b}", "b": "${oc.select:a}"})
