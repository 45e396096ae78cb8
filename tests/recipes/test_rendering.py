"""Rendered recipes are read alike by every YAML reader."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from novaline.customization.yaml_source import parse_yaml
from novaline.recipes.catalogue import catalogue
from novaline.recipes.rendering import default_values, differences, render, resolve, scalar

RECIPES = [
    recipe
    for model in ("nova-micro", "nova-2-lite")
    for technique in ("sft", "evaluation")
    for recipe in catalogue().recipes(model=model, technique=technique)
]
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


def test_the_same_values_give_the_same_bytes_whatever_their_order():
    recipe = RECIPES[0]
    flat = default_values(recipe)
    assert render(recipe, flat) == render(recipe, {**flat, **{key: flat[key] for key in reversed(flat)}})


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
