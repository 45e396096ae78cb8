"""Overrides are checked against the recipe, and none is dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.recipes.catalogue import catalogue
from novaline.recipes.overrides import resolve_overrides

NOVA_1 = catalogue().find(model="nova-micro", technique="sft", variant="lora")
NOVA_2 = catalogue().find(model="nova-2-lite", technique="sft", variant="lora")
SMALL = catalogue().find(model="nova-micro", technique="sft", variant="lora", instance_type="ml.g5.12xlarge")


def found(recipe, **overrides):
    return [(problem.severity, problem.code, problem.key) for problem in resolve_overrides(recipe, overrides).problems]


def test_short_names_and_full_paths_mean_the_same():
    short = resolve_overrides(NOVA_2, {"learning_rate": 5e-6, "max_steps": 60})
    full = resolve_overrides(NOVA_2, {"training_config.optim_config.lr": 5e-6, "training_config.max_steps": 60})
    assert short.values == full.values
    assert not short.problems


def test_an_integer_for_a_float_becomes_a_float():
    assert resolve_overrides(NOVA_2, {"learning_rate_ratio": 16}).values == {
        "training_config.peft.lora_tuning.lora_plus_lr_ratio": 16.0
    }


def test_a_key_given_twice_by_both_its_names_is_an_error():
    resolution = resolve_overrides(NOVA_2, {"max_steps": 60, "training_config.max_steps": 60})
    assert [problem.code for problem in resolution.problems] == ["duplicate-override"]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("learning_rte", "learning_rate"),
        ("training_config.optim_config.lrr", "training_config.optim_config.lr"),
        ("instance_type", "instances.type"),
        ("adam_beta2", "training_config.optim_config.adam_beta2"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_the_nearest(key, hint):
    (problem,) = resolve_overrides(NOVA_2, {key: 1}).problems
    assert (problem.code, problem.on_key) == ("unknown-override", True)
    assert hint in problem.hint


@pytest.mark.parametrize("key", ["name", "run.model_name_or_path", "run.replicas", "data_s3_path", "mlflow_run_name"])
def test_what_something_else_in_the_file_says_cannot_be_overridden(key):
    (problem,) = resolve_overrides(NOVA_2, {key: "x"}).problems
    assert problem.code == "locked-override"
    assert problem.hint


@pytest.mark.parametrize(
    ("recipe", "key", "value"),
    [
        (NOVA_1, "global_batch_size", 17),
        (NOVA_1, "max_length", 1000),
        (NOVA_1, "max_length", 66560),
        (NOVA_1, "max_epochs", 0),
        (NOVA_1, "max_epochs", 101),
        (NOVA_1, "lora_alpha", 100),
        (NOVA_1, "learning_rate_ratio", 101),
        (NOVA_1, "min_lr", 1e-8),
        (NOVA_1, "training_config.model.hidden_dropout", 1.5),
        (NOVA_1, "training_config.model.optim.eps", 1e-5),
        (NOVA_1, "training_config.model.optim.name", "adam"),
        (NOVA_1, "training_config.model.optim.betas", [0.9, 2]),
        (SMALL, "max_length", 9216),
        (NOVA_2, "max_length", 4096),
        (NOVA_2, "max_steps", 3),
        (NOVA_2, "global_batch_size", 16),
        (NOVA_2, "fine_tuned_model", 1.1),
    ],
)
def test_a_value_outside_its_bounds_is_an_error(recipe, key, value):
    codes = [(problem.severity, problem.code) for problem in resolve_overrides(recipe, {key: value}).problems]
    assert codes == [("error", "override-bounds")]


@pytest.mark.parametrize(
    ("recipe", "key", "value"),
    [
        (NOVA_1, "max_epochs", 6),
        (NOVA_1, "warmup_steps", 30),
        (NOVA_1, "learning_rate_ratio", 0.5),
        (NOVA_2, "global_batch_size", 256),
    ],
)
def test_a_value_that_only_a_second_source_refuses_is_a_warning_with_its_reason(recipe, key, value):
    (problem,) = resolve_overrides(recipe, {key: value}).problems
    assert (problem.severity, problem.code) == ("warning", "override-advice")
    assert ": " in problem.message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_steps", "60"), ("max_steps", 60.0), ("max_steps", True), ("max_steps", None), ("learning_rate", "1e-5"),
        ("learning_rate", float("nan")), ("learning_rate", float("inf")), ("reasoning_enabled", "on"),
        ("reasoning_enabled", 1), ("max_steps", [60]), ("max_steps", {"a": 1}),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_an_error(key, value):
    assert [problem.code for problem in resolve_overrides(NOVA_2, {key: value}).problems] == ["override-type"]


def test_relations_hold_between_overrides_and_defaults_alike():
    assert found(NOVA_2, save_steps=61, max_steps=60) == [("error", "override-relation", "save_steps")]
    assert found(NOVA_2, save_steps=101) == [("error", "override-relation", "save_steps")]
    assert found(NOVA_2, learning_rate=1e-6) == [("error", "override-relation", "learning_rate")]
    assert found(NOVA_1, learning_rate=5e-6, min_lr=5e-6) == [("error", "override-relation", "min_lr")]
    assert found(NOVA_2, max_steps=10) == [("warning", "override-advice", "max_steps")]
    assert found(NOVA_2, learning_rate=5e-6, max_steps=60) == []


def test_a_relation_is_not_reported_on_top_of_a_value_that_is_wrong_itself():
    assert found(NOVA_2, learning_rate="fast", min_lr=0.5) == [("error", "override-type", "learning_rate")]


def test_validation_settings_without_validation_data_are_warned_about():
    assert found(NOVA_2, val_check_interval=10) == [("warning", "override-without-effect", "val_check_interval")]
    assert not resolve_overrides(NOVA_2, {"val_check_interval": 10}, validation_data=True).problems


@given(
    st.dictionaries(
        st.sampled_from([*NOVA_2.short_names, *NOVA_2.keys, "nonsense"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()),
    )
)
def test_every_override_ends_as_a_value_or_as_a_problem(overrides):
    resolution = resolve_overrides(NOVA_2, overrides)
    blamed = {problem.key for problem in resolution.problems}
    for key in overrides:
        assert key in blamed or NOVA_2.short_names.get(key, key) in resolution.values
