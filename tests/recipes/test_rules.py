"""Every rule that Amazon states is upheld: one case that breaks it and one that keeps it, for each of the 65."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from novaline.recipes.catalogue import catalogue
from novaline.recipes.overrides import resolve_overrides
from novaline.recipes.rules import RULES, Situation, check_rules

CONSTRAINTS = {entry["id"]: entry for entry in json.loads((Path(__file__).parent / "constraints.json").read_text())}
BY_ID = {rule.id: rule for rule in RULES}

SFT = "nova_micro_1_0_p5_p4d_gpu_lora_sft"
SFT_FULL = "nova_micro_1_0_p5_p4d_gpu_sft"
SFT_SMALL = "nova_micro_1_0_g5_g6_12x_gpu_lora_sft"
SFT_LITE = "nova_lite_1_0_p5_p4d_gpu_lora_sft"
SFT_2 = "nova_lite_2_0_p5_gpu_lora_sft"
DPO = "nova_lite_1_0_p5_p4d_gpu_lora_dpo"
CPT = "nova_micro_1_0_p5x8_gpu_pretrain"
CPT_2 = "nova_lite_2_0_p5x8_gpu_pretrain"
RFT = "nova_lite_v2_smtj_p5_p5en_gpu_lora_rft"
RFT_FULL = "nova_lite_v2_smtj_p5_p5en_gpu_rft"
RFT_HP = "nova_lite_2_0_p5_gpu_lora_rft"
PPO = "nova_lite_1_0_p5_gpu_ppo"
TURNS = "mtrl_nova_lite_2_0_lora"
PREMIER = "nova_premier_1_0_r5_cpu_distill"
OWN_DATA = "nova_micro_1_0_p5_48xl_gpu_bring_your_own_dataset_eval"
OWN_DATA_2 = "nova_lite_2_0_p5_48xl_gpu_bring_your_own_dataset_eval"
TEXT = "nova_micro_1_0_p5_48xl_gpu_general_text_benchmark_eval"
IMAGES = "nova_lite_1_0_p5_48xl_gpu_general_multi_modal_benchmark_eval"
REWARDED = "nova_lite_2_0_p5_48xl_gpu_rft_eval"

ESCROW = "s3://customer-escrow-111122223333-{}-0a1b2c3d/run/checkpoint/"
FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:{}"
LENGTH = "training_config.max_length"
PPO_BATCH = "ppo_{}.model.global_batch_size"
LAMBDAS = ("run.reward_lambda_arn", "training_config.rollout.rewards.api_endpoint.lambda_arn")


def case(recipe, overrides=None, *, values=None, severity="error", **situation):
    """A job: overrides as a person writes them, `values` as something else in the file sets them."""
    return {"recipe": recipe, "overrides": overrides or {}, "values": values or {}, "severity": severity} | situation


def warned(recipe, overrides=None, **more):
    return case(recipe, overrides, severity="warning", **more)


def looked_at(recipe, *, overrides, values, platform=None, instance_type=None, severity=None, **more):
    """The situation of a case, and what was found on the way to it; `severity` is what the case expects."""
    found = catalogue().recipe(recipe)
    platform = platform or found.platforms[0]
    resolution = resolve_overrides(found, overrides, platform=platform, instance_type=instance_type)
    situation = Situation.of(found, resolution, platform=platform, instance_type=instance_type, **more)
    return replace(situation, values={**situation.values, **values}), resolution.problems


def problems(**job):
    """What is found in a job."""
    situation, found = looked_at(**job)
    return (*found, *check_rules(situation))


ON_P4D = {"instance_type": "ml.p4d.24xlarge"}
HYPERPOD = {"platform": "hyperpod"}

# Rule → what breaks it, and what keeps it.
CASES = {
    "min_lr_lt_lr": (case(SFT, {"min_lr": 1e-5}), case(SFT, {"min_lr": 9e-6})),
    "min_lr_lt_lr_sft2": (case(SFT_2, {"learning_rate": 1e-6}), case(SFT_2, {"learning_rate": 2e-6})),
    "min_lr_lt_lr_cpt2": (case(CPT_2, {"learning_rate": 1e-6}), case(CPT_2, {"learning_rate": 2e-6})),
    "max_length_multiple": (case(SFT, {LENGTH: 1000}), case(SFT, {LENGTH: 2048})),
    "max_length_sft_p": (warned(SFT_LITE, {LENGTH: 40960}), case(SFT, {LENGTH: 40960})),
    "max_length_sft_g": (warned(SFT_SMALL, {LENGTH: 9216}), case(SFT_SMALL, {LENGTH: 7168})),
    "max_length_dpo": (warned(DPO, {LENGTH: 17408}, **ON_P4D), case(DPO, {LENGTH: 17408})),
    "max_length_sft2": (warned(SFT_2, {LENGTH: 4096}), case(SFT_2, {LENGTH: 8192})),
    "max_length_cpt": (warned(CPT, {LENGTH: 16384}), case(CPT, {LENGTH: 4096})),
    "max_length_rft": (case(RFT, {"max_length": 4095}), case(RFT, {"max_length": 32768})),
    "gbs_sft1": (case(SFT, {"global_batch_size": 128}), case(SFT, {"global_batch_size": 16})),
    "gbs_dpo": (case(DPO, {"global_batch_size": 48}), case(DPO, {"global_batch_size": 16})),
    "gbs_sft2": (warned(SFT_2, {"global_batch_size": 256}), case(SFT_2, {"global_batch_size": 128})),
    "gbs_cpt": (case(CPT, {"global_batch_size": 512}), case(CPT, {"global_batch_size": 32})),
    "gbs_rft": (case(RFT, {"global_batch_size": 256}), case(RFT, {"global_batch_size": 128})),
    "gbs_ppo": (case(PPO, {"global_batch_size": 320}), case(PPO, {"global_batch_size": 160})),
    "epochs_sft": (warned(SFT, {"max_epochs": 6}), case(SFT, {"max_epochs": 5})),
    "epochs_dpo": (case(DPO, {"max_epochs": 0}), case(DPO, {"max_epochs": 1})),
    "epochs_xor_steps": (case(SFT, {"max_steps": 100}), case(SFT, {"max_epochs": 1})),
    "warmup": (warned(SFT, {"warmup_steps": 21}), case(SFT, {"warmup_steps": 20})),
    "warmup_share": (warned(SFT_2, {"max_steps": 40}), case(SFT_2, {"max_steps": 60})),
    "unit_interval": (
        case(CPT, {"training_config.model.hidden_dropout": 1.5}),
        case(CPT, {"training_config.model.hidden_dropout": 0.5}),
    ),
    "eps": (warned(SFT, {"eps": 1e-5}), case(SFT, {"eps": 1e-7})),
    "optimizer_fixed": (warned(SFT, {"optim.name": "adam"}), case(SFT, {"optim.name": "distributed_fused_adam"})),
    "lora_block": (case(SFT, {"peft_scheme": None}), case(SFT)),
    "full_no_lora": (case(SFT_FULL, {"lora_alpha": 64}), case(SFT_FULL)),
    "lora_alpha": (case(DPO, {"lora_alpha": 100}), case(DPO, {"lora_alpha": 96})),
    "lora_alpha_rft": (case(RFT_HP, {"lora_alpha": 128}), case(RFT_HP, {"lora_alpha": 64})),
    "lora_ratio": (case(SFT, {"learning_rate_ratio": 101}), case(SFT, {"learning_rate_ratio": 70})),
    "lora_ratio_key": (case(SFT, {"lora_plus_lr_ratio": 8}), case(SFT, {"loraplus_lr_ratio": 8})),
    "lora_multimodal_defaults": (
        warned(SFT_LITE, media=frozenset({"image"})),
        case(SFT_LITE, {"learning_rate_ratio": 8, "lora_alpha": 32}, media=frozenset({"image"})),
    ),
    "dpo_beta": (case(DPO, {"adam_beta": 0.2}), case(DPO, {"adam_beta": 0.01})),
    "min_lr_floor": (case(SFT, {"min_lr": 1e-8}), case(SFT, {"min_lr": 1e-7})),
    "save_le_max": (case(SFT_2, {"save_steps": 101}), case(SFT_2, {"save_steps": 50})),
    "max_steps_min": (case(CPT_2, {"max_steps": 9}), case(CPT_2, {"max_steps": 11})),
    "validation_keys": (
        warned(SFT_2, {"val_check_interval": 10}),
        case(SFT_2, {"val_check_interval": 10}, validation_data=True, **HYPERPOD),
    ),
    "model_merge": (case(SFT_2, {"fine_tuned_model": 1.5}), case(SFT_2, {"fine_tuned_model": 0.5})),
    "replicas": (case(SFT_LITE, instance_count=5), case(SFT_LITE, instance_count=16)),
    "model_pair": (
        case(SFT, values={"run.model_name_or_path": "nova-lite/prod"}),
        case(SFT, values={"run.model_name_or_path": ESCROW.format("smtj")}),
    ),
    "checkpoint_platform": (case(SFT, start=ESCROW.format("hp")), case(SFT, start=ESCROW.format("smtj"))),
    "rft_lambda_equal": (
        case(RFT, values={LAMBDAS[0]: FUNCTION.format("SageMaker-a")}),
        case(RFT, values=dict.fromkeys(LAMBDAS, FUNCTION.format("SageMaker-a"))),
    ),
    "rft_lambda_name": (
        case(RFT_HP, values=dict.fromkeys(LAMBDAS, FUNCTION.format("reward"))),
        case(RFT_HP, values=dict.fromkeys(LAMBDAS, FUNCTION.format("nova-SageMaker-reward"))),
    ),
    "rft_lambda_load": (
        warned(RFT_HP, {"run.rollout_worker_replicas": 2}),
        case(RFT_HP, {"run.rollout_worker_replicas": 2, "lambda_concurrency_limit": 128}),
    ),
    "rft_tokens": (case(RFT, {"max_new_tokens": 8192}), case(RFT, {"max_new_tokens": 7000})),
    "rft_generation": (case(RFT_HP, {"number_generation": 17}), case(RFT_HP, {"number_generation": 16})),
    "rft_reasoning": (warned(RFT, {"reasoning_effort": "medium"}), case(RFT, {"reasoning_effort": None})),
    "rft_offpolicy": (warned(RFT_HP, {"refit_freq": 5}), case(RFT_HP, {"refit_freq": 1})),
    "rft_lr": (case(RFT, {"learning_rate": 1e-8}), case(RFT_HP, {"learning_rate": 1e-8})),
    "rft_hyperpod_sections": (
        case(RFT_HP, {"run.generation_replicas": 0}),
        case(RFT_HP, {"run.generation_replicas": 1}),
    ),
    "ppo_divisible": (
        warned(PPO, {PPO_BATCH.format("reward"): 48}),
        case(PPO, {PPO_BATCH.format("reward"): 80}),
    ),
    "ppo_lengths": (
        case(PPO, {"ppo_reward.max_length": 4096}),
        case(
            PPO,
            dict.fromkeys((f"ppo_{part}.max_length" for part in ("reward", "critic", "anchor", "actor_train")), 4096)
            | {"ppo_actor_generation.actor_model_max_length": 4096},
        ),
    ),
    "ppo_enums": (warned(PPO, {"trajectory_buffer_scale": 3}), case(PPO, {"trajectory_buffer_scale": 16})),
    "ppo_replicas": (warned(PPO, {"run.rm_replicas": 2}), case(PPO, {"run.actor_generation_replicas": 1})),
    "distill": (
        case(PREMIER, region="us-west-2"),
        case(PREMIER, {"max_response_length": "5120", "kms_key": "k", "customer_bucket": "b"}, region="us-east-1"),
    ),
    "eval_triplet": (
        case(TEXT, values={"evaluation.task": "bbh"}),
        case(TEXT, values={"evaluation.task": "bbh", "evaluation.strategy": "fs_cot"}),
    ),
    "eval_subtask": (
        case(TEXT, task="mmlu_pro", subtask="law"),
        case(TEXT, task="mmlu", subtask="anatomy"),
    ),
    "eval_reasoning": (
        case(OWN_DATA, {"inference.reasoning_effort": "low"}),
        case(OWN_DATA_2, {"inference.reasoning_effort": "low"}),
    ),
    "eval_replicas": (case(TEXT, instance_count=2, **HYPERPOD), case(TEXT, instance_count=2)),
    "eval_data": (case(OWN_DATA, own_data=False), case(OWN_DATA, own_data=True)),
    "eval_sampling": (case(OWN_DATA_2, {"max_new_tokens": 32769}), case(OWN_DATA, {"max_new_tokens": 32769})),
    "eval_processor": (case(TEXT, processor=True), case(OWN_DATA, processor=True)),
    "eval_multimodal": (case(OWN_DATA, media=frozenset({"image"})), case(IMAGES, task="mmmu")),
    "smtj_paths": (
        case(SFT, {"output_s3_path": "s3://b/o/"}),
        case(SFT, {"learning_rate": 1e-4}),
    ),
    "smtj_locked": (
        case(SFT, {"mlflow_run_name": "x"}),
        case(SFT, {"mlflow_run_name": "x"}, **HYPERPOD),
    ),
    "mtrl": (case(TURNS, {"lora_rank": 8}), case(TURNS, {"lora_rank": 16})),
}

# What else breaks a rule: the other halves of rules with several parts.
FURTHER = [
    ("min_lr_lt_lr", case(CPT, {"learning_rate": 1e-6})),
    ("max_length_multiple", case(DPO, {LENGTH: 0})),
    ("max_length_dpo", warned(DPO, {LENGTH: 33792})),
    ("max_length_sft_g", warned("nova_micro_1_0_g5_g6_48x_gpu_sft", {LENGTH: 5120})),
    ("gbs_sft1", warned("nova_pro_1_0_p5_gpu_sft", {"global_batch_size": 64})),
    ("gbs_rft", warned(RFT, {"global_batch_size": 24})),
    ("epochs_xor_steps", case(CPT, {"max_steps": 100})),
    ("warmup_share", warned(SFT_2, {"max_steps": 15, "warmup_steps": 16})),
    ("unit_interval", warned(PPO, {"ppo_actor_train.model.ffn_dropout": -0.1})),
    ("unit_interval", warned(SFT, {"betas": [0.9, 2]})),
    ("unit_interval", warned(SFT, {"adapter_dropout": -1})),
    ("unit_interval", warned(CPT, {"weight_decay": 2})),
    ("unit_interval", case(SFT, {"weight_decay": 2})),
    ("full_no_lora", case(SFT_FULL, {"peft_scheme": "lora"})),
    ("lora_block", case(SFT, values={"training_config.model.peft.peft_scheme": None})),
    ("full_no_lora", case(SFT_FULL, values={"training_config.model.peft.peft_scheme": "lora"})),
    ("lora_ratio_key", case(TURNS, {"loraplus_lr_ratio": 8})),
    ("dpo_beta", case(DPO, {"adam_beta": 0.0001})),
    ("save_le_max", case(RFT, {"save_steps": 6})),
    ("max_steps_min", case(RFT, {"max_steps": 4})),
    ("max_steps_min", case(SFT_2, {"save_steps": 0})),
    ("validation_keys", warned(SFT_2, validation_data=True)),
    ("replicas", case(SFT_2, instance_count=64)),
    ("replicas", warned("nova_micro_1_0_p5_gpu_ppo", instance_count=1)),
    ("replicas", warned(RFT, instance_count=3)),
    ("replicas", warned(RFT_FULL, instance_count=8)),
    ("model_pair", case(SFT, {"model_type": "x"})),
    ("model_pair", case(SFT, values={"run.model_type": "amazon.nova-pro-v1:0:300k"})),
    ("checkpoint_platform", case(SFT, start=ESCROW.format("smtj"), **HYPERPOD)),
    ("rft_lambda_name", case(REWARDED, values={"rl_env.reward_lambda_arn": FUNCTION.format("r")}, **HYPERPOD)),
    ("rft_tokens", warned(RFT, longest_prompt_tokens=3000)),
    ("rft_generation", warned(RFT, {"number_generation": 1})),
    ("rft_offpolicy", warned(RFT_HP, {"age_tolerance": 21})),
    ("rft_offpolicy", warned(RFT_HP, {"clip_ratio_high": 0.05})),
    ("rft_offpolicy", warned(RFT_HP, {"ent_coeff": 0.2})),
    ("ppo_divisible", warned(PPO, {PPO_BATCH.format("critic"): 64})),
    ("ppo_enums", warned(PPO, {"kl_loss_type": "kl"})),
    ("ppo_replicas", warned(PPO, {"run.am_replicas": 0, "kl_loss_coeff": 0.1})),
    ("ppo_replicas", warned("nova_pro_1_0_p5_gpu_ppo", {"run.actor_generation_replicas": 3})),
    ("distill", case(PREMIER, {"max_response_length": 5000})),
    ("distill", case(PREMIER, {"max_response_length": "4999"})),
    ("distill", warned(PREMIER, {"maxStudentModelFineTuningContextLengthInTokens": "48000"})),
    ("distill", case(PREMIER, {"kms_key": ""})),
    ("distill", warned(PREMIER, instance_count=2)),
    ("eval_subtask", case(TEXT, task="mmlu", subtask="anatomi")),
    ("eval_reasoning", case(OWN_DATA_2, {"inference.reasoning_effort": "medium"})),
    ("eval_replicas", warned(TEXT, instance_count=3)),
    ("eval_replicas", warned(TEXT, instance_count=17)),
    ("eval_data", case(TEXT, own_data=True)),
    ("eval_sampling", case(OWN_DATA, {"top_p": 1.1})),
    ("eval_sampling", warned(OWN_DATA, {"top_logprobs": 21})),
    ("eval_sampling", case("nova_micro_1_0_p5_48xl_gpu_llm_judge_eval", {"max_new_tokens": 10})),
    ("eval_processor", case(OWN_DATA, {"lambda_type": "rft"})),
    ("eval_processor", case(TEXT, {"aggregation": "max"})),
    ("eval_processor", case(REWARDED, reward=False)),
    ("eval_processor", case(TEXT, reward=True)),
    ("eval_multimodal", case(TEXT, task="mm_llm_judge")),
    ("smtj_locked", case(SFT, {"namespace": "x"})),
    *(("mtrl", case(TURNS, {key: value})) for key, value in (
        ("lora_alpha", 8), ("clip_low_threshold", 1.1), ("clip_high_threshold", 0.9), ("global_batch_size", 12),
        ("group_size", 33), ("rollout_max_concurrency", 97), ("sampling_max_tokens", 8193),
    )),
]  # fmt: skip


def told(found):
    return [(problem.rule, problem.severity) for problem in found]


def test_the_rules_are_those_that_amazon_states_each_with_its_level_and_sources():
    stated = {entry["id"]: (entry["level"], tuple(entry["sources"])) for entry in CONSTRAINTS.values()}
    ours = {rule.id: (" ".join(filter(None, (rule.level, rule.note))), rule.sources) for rule in RULES}
    assert ours == stated
    assert len(RULES) == len(BY_ID) == 65


def test_every_rule_says_how_it_is_upheld_and_why_its_severity_is_not_what_the_level_says():
    usual = {"enforced": "error", "documented": "warning", "advice": "warning"}
    for rule in RULES:
        assert rule.check or rule.carried or rule.absent, rule.id
        assert rule.statement.endswith("."), rule.id
        assert rule.because or rule.severity in (usual[rule.level], "by source"), rule.id


NAMES = {
    "SFT": "sft", "DPO": "dpo", "RFT": "rft", "CPT": "cpt", "PPO": "ppo", "DISTILL": "distillation",
    "MTRL": "multi-turn-rft", "EVAL": "evaluation", "EVAL:rft_eval": "evaluation", "1.0": "nova-1", "2.0": "nova-2",
    "smtj": "sagemaker",
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_holds_where_amazon_says_that_it_does(rule):
    when = CONSTRAINTS[rule.id]["when"]

    def several(name):
        return {NAMES.get(item, item) for item in when.get(name, ())}

    assert not when.get("technique") or set(rule.scope.techniques) == several("technique")
    assert rule.scope.generation == NAMES.get(when.get("generation"))
    assert rule.scope.tuning == when.get("tuning")
    assert rule.scope.platform == NAMES.get(when.get("platform"), when.get("platform"))
    assert set(rule.scope.models) == several("model")
    assert set(rule.scope.families) == several("instance_family")


def test_every_rule_has_a_case_that_breaks_it_and_one_that_keeps_it():
    assert CASES.keys() == CONSTRAINTS.keys()


@pytest.mark.parametrize("rule", CASES)
def test_what_breaks_a_rule_is_found_once(rule):
    breaking, _ = CASES[rule]
    assert told(problems(**breaking)) == [(rule, breaking["severity"])]


@pytest.mark.parametrize(("rule", "breaking"), FURTHER)
def test_every_part_of_a_rule_counts(rule, breaking):
    assert told(problems(**breaking)) == [(rule, breaking["severity"])]


@pytest.mark.parametrize("rule", CASES)
def test_what_keeps_a_rule_is_not_blamed(rule):
    _, keeping = CASES[rule]
    assert problems(**keeping) == ()


@pytest.mark.parametrize("count", [2, 4, 6, 8])
def test_reinforcement_with_lora_on_training_jobs_takes_the_numbers_of_instances_that_aws_documents(count):
    assert problems(**case(RFT, instance_count=count)) == ()


def test_a_part_of_a_rule_names_sources_of_that_rule_only():
    found = []
    for name, breaking in [*((name, broken) for name, (broken, _) in CASES.items()), *FURTHER]:
        rule, (situation, _) = BY_ID[name], looked_at(**breaking)
        found += [(set(fault.sources), set(rule.sources)) for fault in (rule.check(situation) if rule.check else ())]
    assert all(own <= whole for own, whole in found)
    assert any(own for own, _ in found)


def test_what_amazon_ships_breaks_no_rule():
    recipes = catalogue().all()
    assert len(recipes) == 56
    for recipe in recipes:
        for platform in recipe.platforms:
            assert problems(**case(recipe.id, platform=platform)) == (), recipe.id
            own = {path: spec.default for path, spec in recipe.keys.items() if spec.locked_on(platform) is None}
            literal = {path: value for path, value in own.items() if "${" not in str(value)}
            assert resolve_overrides(recipe, literal, platform=platform).problems == (), recipe.id


@pytest.mark.parametrize(
    ("breaking", "where", "message"),
    [
        (
            case(SFT_LITE, instance_count=5),
            ("instances", "count"),
            (
                "`count` for ml.p5.48xlarge must be one of 4, 8, 16 by the hub template and the recipe's own text,"
                " found 5"
            ),
        ),
        (
            case(SFT_2, instance_count=64),
            ("instances", "count"),
            (
                "`count` for ml.p5.48xlarge must be one of 4, 8, 16, 32 by the hub template and AWS's documentation and"
                " one of 1, 4, 8, 16, 32 by the recipe's own text, found 64"
            ),
        ),
        (
            warned(RFT, instance_count=3),
            ("instances", "count"),
            "`count: 3` for ml.p5.48xlarge is not among those of AWS's documentation (2, 4, 6, 8)",
        ),
        (
            warned(RFT_FULL, instance_count=8),
            ("instances", "count"),
            (
                "no source lists numbers of instances for ml.p5en.48xlarge here: the recipe has 4, and nothing says"
                " that 8 will do"
            ),
        ),
        (
            warned(TEXT, instance_count=17),
            ("instances", "count"),
            (
                "`count: 17` of an evaluation is not among those of AWS's documentation (1 to 16) and of the Nova"
                " Forge SDK (1, 2, 4, 8, 16)"
            ),
        ),
        (
            warned(PREMIER, instance_count=2),
            ("instances", "count"),
            "distillation should run on 1 instance, found 2; so says AWS's documentation",
        ),
        (
            case(PREMIER, region="us-west-2"),
            ("teacher",),
            ("Amazon Nova Premier teaches only in us-east-1, and this runs in us-west-2; so says AWS's documentation"),
        ),
        (
            case(PREMIER, {"kms_key": ""}),
            None,
            "distillation needs `kms_key`, and it is empty; so says the hub template",
        ),
        (
            case(SFT, start=ESCROW.format("hp")),
            ("start",),
            (
                "the checkpoint in s3://customer-escrow-111122223333-hp-0a1b2c3d/ was trained on HyperPod and cannot be"
                " used on training jobs; so say the Nova Forge SDK and the SageMaker SDK"
            ),
        ),
        (
            case(TEXT, task="mmlu_pro", subtask="law"),
            ("subtask",),
            "mmlu_pro has no subtasks, found law; so say the Nova Forge SDK and AWS's documentation",
        ),
        (
            case(OWN_DATA, media=frozenset({"video", "image"})),
            ("data",),
            (
                "the rows hold images and videos, and Amazon Nova Micro reads text only; so say the recipe's own text"
                " and AWS's documentation"
            ),
        ),
        (
            warned(RFT, longest_prompt_tokens=3000),
            ("data", "train"),
            (
                "the longest prompt (about 3000 tokens) and `training_config.rollout.generator.max_new_tokens` (6000)"
                " are more than `max_length` (8192); so says AWS's documentation"
            ),
        ),
        (
            case(SFT_2, {"save_steps": 61, "training_config.max_steps": 60}),
            None,
            (
                "`save_steps` (61) must be at most `training_config.max_steps` (60); so say the SageMaker SDK, the Nova"
                " Forge SDK and the recipe's own text"
            ),
        ),
        (
            warned(SFT_2, {"max_steps": 40}),
            None,
            "`warmup_steps` (15) is 38 % of `max_steps` (40); about 15 % is advised; so says the recipe's own text",
        ),
    ],
)
def test_a_message_names_what_was_written_what_was_found_and_who_says_so(breaking, where, message):
    (problem,) = problems(**breaking)
    assert (problem.where, problem.message) == (where, message)


def test_a_relation_blames_the_override_and_tells_of_the_recipes_own_value():
    (problem,) = problems(**case(SFT_2, {"learning_rate": 1e-6}))
    assert problem.key == "learning_rate"
    assert problem.hint == "`min_lr` is the recipe's; override it as well, or change `learning_rate`"


def test_a_value_that_is_wrong_itself_takes_part_in_no_relation():
    assert told(problems(**case(SFT_2, {"learning_rate": "fast", "min_lr": 0.5}))) == [(None, "error")]
    assert told(problems(**case(SFT_2, {"save_steps": -1, "max_steps": 3}))) == [("max_steps_min", "error")] * 2


def test_the_rules_of_a_stage_take_less_than_five_milliseconds():
    recipe = catalogue().recipe(RFT_HP)
    overrides = {"learning_rate": 1e-6, "max_steps": 3, "save_steps": 60, "lora_alpha": 100, "refit_freq": 9}

    def once():
        start = time.perf_counter()
        resolution = resolve_overrides(recipe, overrides, platform="hyperpod")
        check_rules(Situation.of(recipe, resolution, platform="hyperpod"))
        return time.perf_counter() - start

    assert min(once() for _ in range(20)) < 0.005
