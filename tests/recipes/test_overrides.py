"""Overrides are checked against the recipe, and none is dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.recipes.catalogue import catalogue
from novaline.recipes.overrides import resolve_overrides
from novaline.recipes.rules.model import ends_in

NOVA_1 = catalogue().recipe("nova_micro_1_0_p5_p4d_gpu_lora_sft")
NOVA_2 = catalogue().recipe("nova_lite_2_0_p5_gpu_lora_sft")
SMALL = catalogue().recipe("nova_micro_1_0_g5_g6_12x_gpu_lora_sft")
DPO = catalogue().recipe("nova_lite_1_0_p5_p4d_gpu_lora_dpo")
PPO = catalogue().recipe("nova_lite_1_0_p5_gpu_ppo")
REWARDED = catalogue().recipe("nova_lite_2_0_p5_gpu_lora_rft")
TURNS = catalogue().recipe("mtrl_nova_lite_2_0_lora")
TRAINED_BY_REWARD = catalogue().recipe("nova_lite_v2_smtj_p5_p5en_gpu_lora_rft")
CPT_2 = catalogue().recipe("nova_lite_2_0_p5x8_gpu_pretrain")
OWN_DATA_2 = catalogue().recipe("nova_lite_2_0_p5_48xl_gpu_bring_your_own_dataset_eval")
DISTILLATION = catalogue().recipe("nova_pro_1_0_r5_cpu_distill")

ARNS = ("run.reward_lambda_arn", "training_config.rollout.rewards.api_endpoint.lambda_arn")


def only(recipe, overrides, **job):
    (problem,) = resolve_overrides(recipe, overrides, **job).problems
    return problem


def test_short_names_and_full_paths_mean_the_same():
    short = resolve_overrides(NOVA_2, {"learning_rate": 5e-6, "max_steps": 60})
    full = resolve_overrides(NOVA_2, {"training_config.optim_config.lr": 5e-6, "training_config.max_steps": 60})
    assert short.values == full.values
    assert not short.problems


def test_a_key_may_be_named_by_the_end_of_its_path_where_one_key_alone_has_it():
    assert resolve_overrides(NOVA_2, {"max_length": 8192}).values == {"training_config.max_length": 8192}
    assert resolve_overrides(NOVA_1, {"optim.eps": 1e-7}).values == {"training_config.model.optim.eps": 1e-7}
    problem = only(PPO, {"max_length": 4096}, platform="hyperpod")
    assert problem.code == "unknown-override"
    assert "`ppo_reward.max_length`, `ppo_critic.max_length`" in problem.hint


def test_an_integer_for_a_float_becomes_a_float():
    values = resolve_overrides(NOVA_2, {"learning_rate_ratio": 16}).values
    assert repr(values) == "{'training_config.peft.lora_tuning.lora_plus_lr_ratio': 16.0}"


def test_one_short_name_sets_every_key_that_carries_it():
    turns = resolve_overrides(TURNS, {"sampling_max_tokens": 1024})
    assert turns.values == {"sampling_params.max_tokens": 1024, "val_sampling_params.max_tokens": 1024}
    rates = resolve_overrides(PPO, {"learning_rate": 1e-6}, platform="hyperpod")
    assert rates.values == {"ppo_critic.model.optim.lr": 1e-6, "ppo_actor_train.model.optim.lr": 1e-6}
    assert [problem.key for problem in resolve_overrides(TURNS, {"sampling_max_tokens": 1}).problems] == [
        "sampling_max_tokens"
    ]
    assert REWARDED.short_names["reward_lambda_arn"] == ARNS


def test_a_key_given_twice_by_two_of_its_names_is_an_error():
    for second in ("training_config.optim_config.lr", "optim_config.lr"):
        resolution = resolve_overrides(NOVA_2, {"learning_rate": 5e-6, second: 6e-6})
        assert [(problem.code, problem.key) for problem in resolution.problems] == [("duplicate-override", second)]
        assert resolution.values == {"training_config.optim_config.lr": 5e-6}
    problem = only(TURNS, {"val_sampling_params.max_tokens": 1024, "sampling_max_tokens": 1024})
    assert (problem.code, problem.key) == ("duplicate-override", "sampling_max_tokens")


@pytest.mark.parametrize(
    ("recipe", "key", "hint"),
    [
        (NOVA_2, "learning_rte", "did you mean `learning_rate`?"),
        (NOVA_2, "training_config.optim_config.lrr", "did you mean `training_config.optim_config.lr`?"),
        (NOVA_2, "training_config.learning_rate", "did you mean `learning_rate`?"),
        (NOVA_2, "model.optim.weight_decay", "did you mean `weight_decay`?"),
        (NOVA_2, "instance_type", "say the stage's `instances.type`"),
        (NOVA_2, "namespace", "it is for HyperPod; a training job has none"),
        (NOVA_2, "max_context_length", "say `training_config.max_length`"),
        (DISTILLATION, "max_context_length", "say `training_config.maxStudentModelFineTuningContextLengthInTokens`"),
        (TURNS, "data_path", "say `data.train`"),
        (TURNS, "output_path", "nothing to say: results go to the run's folder in the artifact bucket"),
    ],
)
def test_an_unknown_key_is_an_error_that_says_what_to_write_instead(recipe, key, hint):
    problem = only(recipe, {key: 1})
    assert (problem.code, problem.on_key, problem.hint) == ("unknown-override", True, hint)
    assert problem.message == f"the recipe {recipe.id} has no key `{key}`"


def test_the_nearest_key_is_one_that_is_open_on_the_platform():
    assert only(NOVA_1, {"mlflow_trackng_uri": "x"}, platform="hyperpod").hint == "did you mean `mlflow_tracking_uri`?"
    assert "mlflow" not in only(NOVA_1, {"mlflow_trackng_uri": "x"}).hint


def test_a_key_that_resembles_none_gets_the_list_of_those_there_are():
    hint = only(NOVA_2, {"zzzzzzzzzz": 1}).hint
    assert hint.startswith("overrides of this recipe: fine_tuned_model, global_batch_size, ")
    assert "run." not in hint


@pytest.mark.parametrize("platform", ["sagemaker", "hyperpod"])
def test_where_a_job_reads_and_writes_cannot_be_overridden_on_any_platform(platform):
    written = {"data_s3_path": "s3://mine/x.jsonl", "output_s3_path": "s3://mine/o/", "validation_s3_path": "s3://v"}
    problems = resolve_overrides(NOVA_2, written, platform=platform).problems
    assert [(problem.code, problem.hint) for problem in problems] == [
        ("locked-override", "say `data.train`"),
        ("locked-override", "nothing to say: results go to the run's folder in the artifact bucket"),
        ("locked-override", "say `data.validation`"),
    ]


@pytest.mark.parametrize("key", ["name", "run.model_name_or_path", "run.replicas", "data_s3_path", "mlflow_run_name"])
def test_what_something_else_in_the_file_says_cannot_be_overridden(key):
    problem = only(NOVA_2, {key: "x"})
    assert (problem.code, problem.on_key) == ("locked-override", True)
    assert problem.hint


@pytest.mark.parametrize(
    ("recipe", "key", "value", "message"),
    [
        (
            NOVA_1, "global_batch_size", 17,
            ("`global_batch_size` must be one of 16, 32, 64 by the hub template, the recipe's own text and AWS's"
            " documentation (training-jobs page), found 17"),
        ),
        (
            NOVA_1, "max_epochs", 0,
            ("`max_epochs` must be from 1 to 100 by the hub template and from 1 to 5 by AWS's documentation"
            " (training-jobs page), found 0"),
        ),
        (
            NOVA_1, "training_config.max_length", 1000,
            ("`training_config.max_length` must be a positive multiple of 1024 by AWS's documentation (training-jobs"
            " page), found 1000"),
        ),
        (
            PPO, "global_batch_size", 320,
            "`global_batch_size` must be 160 by the hub template, found 320",
        ),
        (
            DISTILLATION, "max_response_length", "6000",
            "`max_response_length` must be from 5000 to 5120 by the hub template, found the text '6000'",
        ),
        (
            DISTILLATION, "max_response_length", "many",
            "`max_response_length` must be from 5000 to 5120 by the hub template, found the text 'many'",
        ),
    ],
)  # fmt: skip
def test_a_value_outside_the_hub_template_is_an_error_that_names_every_source(recipe, key, value, message):
    problem = only(recipe, {key: value}, platform=recipe.platforms[0])
    assert (problem.severity, problem.code, problem.message) == ("error", "override-bounds", message)


@pytest.mark.parametrize(
    ("recipe", "key", "value", "message"),
    [
        (
            NOVA_1, "warmup_steps", 30,
            ("`warmup_steps` should be from 1 to 20 by AWS's documentation (training-jobs page), found 30; the hub"
            " template admits it"),
        ),
        (
            NOVA_2, "global_batch_size", 256,
            ("`global_batch_size` should be one of 32, 64, 128 by the recipe's own text and AWS's documentation (SFT on"
            " Nova 2.0 page), found 256; the hub template admits it"),
        ),
        (
            NOVA_1, "betas", [0.9, 2], "`betas` should be from 0 to 1 by the recipe's own text, found [0.9, 2]",
        ),
        (
            CPT_2, "adam_beta1", 1.5,
            ("`adam_beta1` should be from 0 to 1 by AWS's documentation (training-jobs page, about SFT), found 1.5"),
        ),
        (
            TRAINED_BY_REWARD, "number_generation", 1,
            "`number_generation` should be from 2 to 16 by AWS's documentation (RFT page), found 1",
        ),
        (
            NOVA_1, "optim.name", "adam",
            "`optim.name` should be exactly \"distributed_fused_adam\" by the recipe's own text, found the text 'adam'",
        ),
    ],
)  # fmt: skip
def test_a_value_outside_a_text_or_documentation_only_is_a_warning(recipe, key, value, message):
    problem = only(recipe, {key: value}, platform=recipe.platforms[0])
    assert (problem.severity, problem.code, problem.message) == ("warning", "override-advice", message)


@pytest.mark.parametrize(
    ("recipe", "key", "value", "enforcer"),
    [
        (NOVA_1, "hidden_dropout", 1.5, "the recipe's own text and Amazon's recipe launcher"),
        (CPT_2, "attention_dropout", -1, "the recipe's own text and Amazon's recipe launcher"),
        (
            OWN_DATA_2, "inference.reasoning_effort", "medium",
            "AWS's documentation (evaluation page) and the evaluation container",
        ),
    ],
)  # fmt: skip
def test_what_amazons_code_refuses_outside_of_any_template_is_an_error_that_names_it(recipe, key, value, enforcer):
    problem = only(recipe, {key: value}, platform=recipe.platforms[0])
    assert (problem.severity, problem.code) == ("error", "override-bounds")
    assert f" by {enforcer}, found" in problem.message


def test_an_error_about_bounds_names_who_enforces_them_or_is_about_a_multiple_of_1024():
    """No text and no page alone refuses a value: for every key with bounds, values far outside of them."""
    for recipe in catalogue().all():
        for platform in recipe.platforms:
            for key, spec in recipe.keys.items():
                values = ["x"] if spec.type == "string" else [-5, 10**9] if spec.type in ("integer", "float") else []
                for value in values:
                    for problem in resolve_overrides(recipe, {key: value}, platform=platform).problems:
                        named = ("the hub template", "launcher", "container", "multiple of 1024")
                        expected = any(who in problem.message.partition("; ")[0] for who in named)
                        if problem.code in ("override-bounds", "override-advice"):
                            assert (problem.severity == "error") == expected, problem.message


def test_the_bounds_of_an_instance_family_are_those_of_the_machine():
    longest = {"training_config.max_length": 32768}
    assert "on p4d" in only(DPO, longest, instance_type="ml.p4d.24xlarge").message
    assert not resolve_overrides(DPO, longest, instance_type="ml.p5.48xlarge").problems
    too_long = {"training_config.max_length": 33792}
    assert "on p5en" in only(DPO, too_long, instance_type="ml.p5en.48xlarge").message


def test_a_default_passes_even_where_a_source_refuses_it():
    # The hub template wants a preset here; Amazon's own recipe leaves it empty.
    recipe = catalogue().recipe("nova_lite_2_0_p5_48xl_gpu_bring_your_own_dataset_eval")
    assert not resolve_overrides(recipe, {"preset_reward_function": ""}).problems
    assert resolve_overrides(recipe, {"preset_reward_function": "other"}).problems


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_steps", "60"), ("max_steps", 60.0), ("max_steps", True), ("max_steps", None), ("learning_rate", "1e-5"),
        ("learning_rate", float("nan")), ("learning_rate", float("inf")), ("reasoning_enabled", "on"),
        ("reasoning_enabled", 1), ("max_steps", [60]), ("max_steps", {"a": 1}),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_an_error(key, value):
    assert only(NOVA_2, {key: value}).code == "override-type"


@pytest.mark.parametrize(
    ("recipe", "key", "value", "hint"),
    [
        (NOVA_2, "max_steps", 60.0, "write 60"),
        (NOVA_2, "max_steps", "60", "write it without quotes: 60"),
        (DISTILLATION, "max_response_length", 5000, 'write it in quotes: "5000"'),
        (NOVA_2, "reasoning_enabled", "on", "write true"),
        (NOVA_1, "adam_w_mode", "yes", "write true"),
        (NOVA_1, "adam_w_mode", "No", "write false"),
        (NOVA_1, "adam_w_mode", "true", "write it without quotes: true"),
        (NOVA_1, "adam_w_mode", "perhaps", None),
        (NOVA_2, "learning_rate", "1e-5", "write it without quotes: 1e-5"),
        (NOVA_2, "learning_rate", ".5", "write it without quotes: .5"),
        (NOVA_2, "learning_rate", "012", None),
        (NOVA_2, "max_steps", "60.5", None),
        (NOVA_2, "max_steps", "\uff16\uff10", None),
        (NOVA_2, "max_steps", True, None),
    ],
)
def test_a_value_of_another_type_says_how_to_write_it(recipe, key, value, hint):
    assert only(recipe, {key: value}).hint == hint


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2.0, "2.0"), (5e-6, "5e-06"), (float("inf"), ".inf"), (float("-inf"), "-.inf"), (float("nan"), ".nan"),
        ("x" * 80, f"the text '{'x' * 80}'"), ("x" * 81, f"the text '{'x' * 80}…'"),
        (f"arn:aws:{'x' * 80}end", f"the text '…{'x' * 77}end'"),
    ],
)  # fmt: skip
def test_a_message_shows_a_value_as_it_is_written_and_says_where_it_was_cut(value, shown):
    assert only(NOVA_2, {"max_steps": value}).message == f"`max_steps` must be an integer, found {shown}"


def test_a_list_of_coefficients_keeps_its_length_and_a_list_of_counts_need_not():
    assert only(NOVA_1, {"betas": [0.9]}).message == "`betas` must be a list of 2 numbers, found [0.9]"
    assert not resolve_overrides(TURNS, {"pass_k_values": [1, 2]}).problems
    for value in ([], [1, 0.5], ["1"]):
        assert only(TURNS, {"pass_k_values": value}).code == "override-type"


def test_an_override_is_a_value_and_no_interpolation():
    for text in ("${oc.select:run.name}", "${recipes.run.name}", "a${b}"):
        assert only(NOVA_1, {"mlflow_run_name": text}, platform="hyperpod").code == "override-type"


@given(
    st.sampled_from([NOVA_1, NOVA_2, DPO, PPO, REWARDED, TURNS, DISTILLATION]).flatmap(
        lambda recipe: st.tuples(
            st.just(recipe),
            st.dictionaries(
                st.sampled_from([*recipe.short_names, *recipe.keys, "nonsense", "alpha", "max_length"]),
                st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()),
            ),
        )
    )
)
def test_every_override_ends_as_a_value_or_as_a_problem(given_overrides):
    recipe, overrides = given_overrides
    resolution = resolve_overrides(recipe, overrides, platform=recipe.platforms[0])
    blamed = {problem.key for problem in resolution.problems}
    for key in overrides:
        paths = recipe.short_names.get(key) or [path for path in recipe.keys if ends_in(path, key)]
        assert key in blamed or all(path in resolution.values for path in paths)
    assert resolution.refused.isdisjoint(resolution.values)
    assert {*resolution.values, *resolution.refused} == resolution.written.keys()
