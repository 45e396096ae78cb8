"""`novaline recipes list | show | diff`: what a person reads, what a pipe gets, and what is told when it is wrong."""

import json
from io import StringIO
from pathlib import Path

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from novaline.cli.commands import app
from novaline.cli.recipe_view import show_recipe
from novaline.cli.recipes_view import show_comparison, show_list
from novaline.customization.yaml_source import parse_yaml
from novaline.recipes.catalogue import catalogue
from novaline.recipes.comparison import compare
from novaline.recipes.rendering import default_values, render, resolve
from novaline.recipes.trial import try_settings

RECIPES = catalogue().all()
MICRO = "nova_micro_1_0_p5_p4d_gpu_lora_sft"
MICRO_FULL = "nova_micro_1_0_p5_p4d_gpu_sft"
MICRO_SMALL = "nova_micro_1_0_g5_g6_12x_gpu_lora_sft"
LITE_2 = "nova_lite_2_0_p5_gpu_lora_sft"
PPO = "nova_micro_1_0_p5_gpu_ppo"


@pytest.fixture(autouse=True)
def _nobody_says_how_wide_the_screen_is(monkeypatch):
    """A test runner's workers, like some shells, have the variable COLUMNS."""
    monkeypatch.delenv("COLUMNS", raising=False)


def recipes(*arguments):
    return CliRunner().invoke(app, ["recipes", *arguments])


def on_terminal(width, show, *arguments) -> list[str]:
    """The lines that a terminal of this width gets."""
    file = StringIO()
    console = Console(file=file, width=width, force_terminal=True, no_color=True, highlight=False, soft_wrap=True)
    show(*arguments, console=console)
    lines = file.getvalue().replace("\x1b[0m", "").replace("\x1b[1m", "").replace("\x1b[2m", "").splitlines()
    assert not any("\x1b" in line for line in lines)
    return lines


def too_wide(lines, width) -> list[str]:
    """Lines that could have been narrower: an id or a path that is long by itself is not broken."""
    return [line for line in lines if len(line) > width and max(map(len, line.split())) < width - 24]


# ---- list --------------------------------------------------------------------------------------------------------


def test_on_a_pipe_each_of_the_56_recipes_is_one_line_that_begins_with_its_id():
    lines = recipes("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["recipe", *(recipe.id for recipe in RECIPES)]
    assert len(RECIPES) == 56


def test_on_a_narrow_terminal_the_list_fits_and_names_every_recipe():
    lines = on_terminal(80, show_list, RECIPES)
    assert max(map(len, lines)) <= 80
    assert {line.strip() for line in lines} >= {recipe.id for recipe in RECIPES}
    assert "56 recipes" in lines[-1]


def test_on_a_wide_terminal_the_list_is_a_table():
    lines = on_terminal(200, show_list, RECIPES)
    assert len(lines) == len(RECIPES) + 3
    assert max(map(len, lines)) <= 200


def test_a_pipe_that_says_its_width_gets_lines_of_that_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = recipes("list").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert {line.strip() for line in lines} >= {recipe.id for recipe in RECIPES}
    monkeypatch.setenv("COLUMNS", "240")
    assert len(recipes("list").stdout.splitlines()) == len(RECIPES) + 1


def test_the_list_of_one_platform_has_the_numbers_of_instances_of_that_platform():
    def machines(*options):
        return [
            line.rpartition("  ")[2] for line in recipes("list", "--model", "nova-pro", *options).stdout.split("\n")
        ]

    assert "1 of p5.48" in machines("--platform", "hyperpod", "--technique", "evaluation")
    assert not [text for text in machines("--platform", "hyperpod") if "1 to 16" in text]
    assert "1 to 16 of p5.48" in machines("--platform", "sagemaker")
    assert "1 to 16 of p5.48; 1 on HyperPod" in machines()


def test_the_list_counts_the_instances_of_other_roles_as_the_page_does():
    lines = recipes("list", "--platform", "hyperpod").stdout.splitlines()
    page = (Path(__file__).resolve().parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
    for recipe in RECIPES:
        if recipe.instances.roles:
            (line,) = (line for line in lines if line.startswith(f"{recipe.id} "))
            machines = line.rpartition("  ")[2]
            assert machines.endswith(f" + {sum(recipe.instances.roles.values())}")
            assert machines in page
    assert "+ counts the instances of other roles" in "".join(on_terminal(200, show_list, RECIPES))


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        (["--model", "nova-pro"], lambda recipe: recipe.model.name == "nova-pro"),
        (["--technique", "rft"], lambda recipe: recipe.technique == "rft"),
        (["--platform", "hyperpod"], lambda recipe: "hyperpod" in recipe.platforms),
        (["--tuning", "full"], lambda recipe: recipe.tuning == "full"),
        (
            ["--model", "nova-micro", "--technique", "sft", "--platform", "sagemaker", "--tuning", "lora"],
            lambda recipe: (recipe.model.name, recipe.technique, recipe.tuning) == ("nova-micro", "sft", "lora"),
        ),
    ],
)
def test_filters_leave_what_is_all_of_that(options, fits):
    document = json.loads(recipes("list", *options, "--json").stdout)
    expected = [recipe.id for recipe in RECIPES if fits(recipe)]
    assert expected
    assert [recipe["id"] for recipe in document["recipes"]] == expected
    assert document["findings"] == []


def test_filters_that_nothing_fits_are_no_error_and_print_nothing_on_stdout():
    told = recipes("list", "--model", "nova-premier", "--technique", "sft")
    assert (told.exit_code, told.stdout, "No recipe is all of that" in told.stderr) == (0, "", True)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["list", "--model", "nova-mikro"], "did you mean nova-micro?"),
        (["list", "--technique", "sftt"], "did you mean sft?"),
        (["list", "--technique", "zzzzzz"], "there are cpt, dpo, evaluation"),
        (["list", "--platform", "bedrock"], "'bedrock'"),
        (["show", MICRO[:-1]], f"did you mean {MICRO}?"),
        (["show", "zzz"], "`novaline recipes list` shows all"),
        (["diff", MICRO, "zzz"], "there is no recipe 'zzz'"),
        (["show", PPO, "--platform", "sagemaker"], "does not run on SageMaker training jobs; it runs on HyperPod"),
        (["lst"], "did you mean `novaline recipes list`?"),
        (["zzz"], "the commands are list, show, diff"),
    ],
)
def test_what_does_not_exist_is_wrong_usage_and_told_with_what_does(arguments, expected):
    told = recipes(*arguments)
    assert (told.exit_code, told.stdout) == (2, "")
    assert expected in told.stderr
    as_json = recipes(*arguments, "--json")
    assert as_json.exit_code == 2
    assert len(json.loads(as_json.stdout)["findings"]) == 1


def test_without_a_command_the_help_of_the_group_is_printed_as_wrong_usage():
    told = recipes()
    assert (told.exit_code, "Show what tells two recipes apart." in told.stdout) == (2, True)


# ---- show --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.id)
def test_every_recipe_is_explained_key_by_key_within_80_columns(recipe):
    lines = on_terminal(80, show_recipe, try_settings(recipe, ()))
    assert too_wide(lines, 80) == []
    text = "\n".join(lines)
    for path, spec in recipe.keys.items():
        assert f"\n  {path.rpartition('.')[2]}  " in text, path
        if spec.override is not None and spec.locked_on(recipe.platforms[0]) is None:
            assert spec.override in text
    for image in recipe.images.values():
        assert image.name in text
        assert all(account in text for account in image.accounts.values())
    assert all(name in text for name in recipe.instances.types)


def test_a_key_is_shown_with_default_unit_short_name_and_who_allows_what():
    text = recipes("show", LITE_2).stdout
    lines = [line.split() for line in text.splitlines()]
    assert ["global_batch_size", "32", "rows", "global_batch_size"] in lines
    assert ["lr", "1e-05", "learning_rate"] in lines
    assert ["save_steps", "100", "steps", "(as", "max_steps)", "save_steps"] in lines
    prose = " ".join(text.split())
    assert "Allowed: 32, 64, 128, 256 (template); 32, 64, 128 (text, docs: SFT on Nova 2.0 page)." in prose
    assert "Not open here: `model` says it." in prose


def test_where_a_job_reads_is_closed_on_hyperpod_too():
    for name in ("sagemaker", "hyperpod"):
        told = recipes("show", LITE_2, "--platform", name, "--set", "data_s3_path=s3://mine/x.jsonl")
        assert (told.exit_code, "say `data.train`" in told.stderr) == (1, True)


def test_what_is_closed_on_one_platform_is_open_on_the_other():
    assert "Not open here: not offered on training jobs." in recipes("show", MICRO).stdout
    assert "not offered on training jobs" not in recipes("show", MICRO, "--platform", "hyperpod").stdout


def test_the_json_of_a_recipe_has_every_key_with_its_bounds_and_every_image_uri():
    document = json.loads(recipes("show", MICRO, "--json").stdout)
    recipe = catalogue().recipe(MICRO)
    keys = {key["path"]: key for key in document["keys"]}
    assert list(keys) == list(recipe.keys)
    assert keys["training_config.model.optim.lr"]["bounds"]["template"] == {"minimum": 0.0, "maximum": 1.0}
    uris = document["images"]["sagemaker"]["uris"]
    assert uris["us-east-1"] == recipe.image("sagemaker", "us-east-1")
    assert document["findings"] == []


# ---- show --set, --render ----------------------------------------------------------------------------------------


def test_settings_are_yaml_1_2_scalars_by_short_name_or_path():
    told = recipes(
        "show", LITE_2, "--set", "learning_rate=2e-5", "--set", "training_config.reasoning_enabled=false", "--json"
    )
    assert told.exit_code == 0, told.stderr
    values = {key["path"]: key["value"] for key in json.loads(told.stdout)["keys"]}
    assert values["training_config.optim_config.lr"] == 2e-5
    assert values["training_config.reasoning_enabled"] is False


def test_a_setting_stands_beside_the_default_that_it_replaces():
    assert "4 epochs instead of 2" in recipes("show", MICRO, "--set", "max_epochs=4").stdout


def test_all_that_is_wrong_with_settings_is_told_at_once_and_nothing_is_printed():
    wrong = [
        "foo",
        "learning_rate=5",
        "lernin_rate=1",
        "betas=[0.1",
        "max_epochs=x",
        "max_epochs=3",
        "run.model_type=z",
    ]
    told = recipes("show", MICRO, *(word for setting in wrong for word in ("--set", setting)), "--json")
    assert told.exit_code == 1
    document = json.loads(told.stdout)
    assert sorted(finding["code"] for finding in document["findings"]) == [
        "duplicate-override",
        "locked-override",
        "override-bounds",
        "override-type",
        "setting-form",
        "unknown-override",
        "yaml-syntax",
    ]
    plain = recipes("show", MICRO, *(word for setting in wrong for word in ("--set", setting)), "--render")
    assert (plain.exit_code, plain.stdout) == (1, "")
    assert "did you mean `learning_rate`?" in plain.stderr


def test_settings_that_contradict_each_other_are_told_and_rules_about_the_stage_are_not():
    told = recipes("show", MICRO, "--set", "learning_rate=1e-7")
    assert (told.exit_code, told.stdout) == (1, "")
    assert "`min_lr` (1e-06) must be below `learning_rate` (1e-07)" in told.stderr
    for recipe in RECIPES:
        assert try_settings(recipe, ()).findings == ()


def test_a_doubtful_setting_is_a_warning_on_stderr_and_the_rendered_recipe_alone_is_on_stdout():
    told = recipes("show", MICRO, "--set", "max_epochs=7", "--set", "learning_rate=1e-4", "--render")
    assert (told.exit_code, "warning: " in told.stderr) == (0, True)
    data = yaml.safe_load(told.stdout)
    assert data["training_config"]["trainer"]["max_epochs"] == 7
    assert data["training_config"]["model"]["optim"]["lr"] == 1e-4
    as_json = json.loads(recipes("show", MICRO, "--set", "max_epochs=7", "--render", "--json").stdout)
    assert yaml.safe_load(as_json["yaml"])["training_config"]["trainer"]["max_epochs"] == 7
    assert [finding["severity"] for finding in as_json["findings"]] == ["warning"]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.id)
def test_the_rendered_recipe_is_the_bytes_that_a_container_reads(recipe):
    told = recipes("show", recipe.id, "--render")
    assert (told.exit_code, told.stderr) == (0, "")
    assert told.stdout_bytes == render(recipe, default_values(recipe))
    data = parse_yaml(told.stdout, file="rendered").data
    for path, value in resolve(default_values(recipe)).items():
        found = data
        for part in path.split("."):
            found = found[part]
        assert found == value, path


# ---- diff --------------------------------------------------------------------------------------------------------


def test_siblings_differ_in_few_lines_that_say_everything():
    small = recipes("diff", MICRO, MICRO_SMALL).stdout
    assert len(small.splitlines()) < 20
    assert "max_length        32768" in small
    assert "8192" in small
    assert "replicas" not in small
    full = recipes("diff", MICRO, MICRO_FULL).stdout
    assert len(full.splitlines()) < 35
    assert "training_config.model.peft.lora_tuning: loraplus_lr_ratio, alpha" in full


def test_a_recipe_does_not_differ_from_itself():
    assert "Nothing tells them apart" in recipes("diff", MICRO, MICRO).stdout


@pytest.mark.parametrize("a", RECIPES[::5], ids=lambda recipe: recipe.id)
def test_the_difference_of_any_two_recipes_fits_80_columns_and_is_the_same_from_both_sides(a):
    for b in RECIPES[::7]:
        compared, turned = compare(a, b), compare(b, a)
        assert too_wide(on_terminal(80, show_comparison, compared), 80) == []
        assert (compared.only_a, compared.only_b) == (turned.only_b, turned.only_a)
        assert {(item.path, item.what, item.a, item.b) for item in compared.facts} == {
            (item.path, item.what, item.b, item.a) for item in turned.facts
        }
        assert {(item.path, item.a, item.b) for item in compared.keys} == {
            (item.path, item.b, item.a) for item in turned.keys
        }


def test_the_difference_in_json_names_facts_keys_and_what_only_one_has():
    document = json.loads(recipes("diff", MICRO, MICRO_FULL, "--json").stdout)
    assert {"what": "variant", "a": "lora", "b": "full"} in document["facts"]
    assert {"path": "training_config.trainer.max_epochs", "what": "default", "a": "2", "b": "1"} in document["keys"]
    assert document["only_in_b"] == []
    assert "training_config.model.peft.lora_tuning.alpha" in document["only_in_a"]


def test_null_and_the_text_null_are_told_apart():
    compared = compare(catalogue().recipe(MICRO_FULL), catalogue().recipe("nova_lite_2_0_p5_gpu_sft"))
    assert "training_config.model.peft.peft_scheme" in compared.only_a
    shown = recipes("show", "nova_lite_2_0_p5_gpu_sft").stdout
    assert 'peft_scheme  "null"' in shown
    assert "peft_scheme  null" in recipes("show", MICRO_FULL).stdout
