"""The plan on a terminal: it fits narrow and wide ones, and says what a person has to know before money is spent."""

import io

import pytest
from rich.console import Console
from stage_kinds import DEV, KINDS, write_kind

from novaline.cli.plan_view import show_plan
from novaline.customization.checks import check_file
from novaline.customization.compile import compile_run
from novaline.customization.plan import make_plan
from novaline.requests.resources import Resources

RESOURCES = Resources.placeholder(DEV)


def shown(path, width=100, environment=DEV):
    """What the command prints on a terminal of that width."""
    checked = check_file(path, environment=environment)
    run = compile_run(checked, environment=environment, resources=RESOURCES, run="the-run", created="now")
    console = Console(file=io.StringIO(), width=width, soft_wrap=True, highlight=False)
    show_plan(make_plan(checked, run, environment=environment, resources=RESOURCES), console=console)
    return console.file.getvalue()


def unfolded(text):
    """The words of a page, however they were folded."""
    return " ".join(text.split())


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_of_every_kind_fits_eighty_columns_and_a_hundred_and_forty(tmp_path, kind):
    path = write_kind(tmp_path, kind)
    for width in (80, 140):
        too_long = [line for line in shown(path, width).splitlines() if len(line) > width]
        assert too_long == []


def test_a_wider_terminal_does_not_stretch_the_page(tmp_path):
    path = write_kind(tmp_path, "sft")
    assert shown(path, 300) == shown(path, 140)


def test_time_and_money_come_first(tmp_path):
    text = shown(write_kind(tmp_path, "sft"))
    assert text.index("Time: about") < text.index("Cost: expected") < text.index("Stage first")
    assert "in the worst case" in text
    assert "Price of ml.p5.48xlarge: $60 an hour. Source: the customization's budget.prices." in text


def test_a_stage_is_shown_with_recipe_image_data_machines_and_steps(tmp_path):
    text = unfolded(shown(write_kind(tmp_path, "sft")))
    tokens = float(f"{(tmp_path / 'sft.jsonl').stat().st_size / 4:.2g}")
    for part in (
        "supervised fine-tuning with LoRA, SageMaker training job, from the base model",
        "nova_micro_1_0_p5_p4d_gpu_lora_sft, version 1.2.0",
        "nova-fine-tune-repo:SM-TJ-SFT-latest, whatever it names that day",
        f"300 rows, about {tokens:,.0f} tokens",
        "300 rows of validation",
        "2 of ml.p5.48xlarge; about 0.5 h, stopped after 2h",
        "2 epochs, 64 rows a step: 10 steps follow",
        "nothing differs from the published recipe",
        "a job that Bedrock manages would cost about",
    ):
        assert part in text, part


def test_hours_that_nobody_can_expect_are_unknown_and_said_why(tmp_path):
    text = unfolded(shown(write_kind(tmp_path, "rft")))
    assert "Time: unknown, at most 6 h" in text
    assert "Cost: expected unknown, in the worst case $" in text
    assert "No hours are expected of first: they depend on what is generated" in text
    assert "4 of ml.p5.48xlarge; stopped after 2h" in text
    assert "No hours are expected" not in shown(write_kind(tmp_path, "sft"))
    text = unfolded(shown(write_kind(tmp_path, "benchmark")))
    assert "No hours are expected of holdout-base and holdout-candidate" in text


def test_another_way_is_called_cheaper_only_where_its_price_is_known(tmp_path):
    rft = shown(write_kind(tmp_path, "rft"))
    assert ("Cheaper" in rft, "Instead" in rft) == (False, True)
    sft = shown(write_kind(tmp_path, "sft"))
    assert ("Cheaper" in sft, "Instead" in sft) == (True, False)


def test_an_evaluation_says_what_it_measures(tmp_path):
    both = "gen_qa, of the base model and of the candidate, at the same time"
    assert both in unfolded(shown(write_kind(tmp_path, "sft")))
    for kind in ("bedrock sft", "distillation"):
        text = unfolded(shown(write_kind(tmp_path, kind)))
        assert "gen_qa, of the base model only: no job can read the candidate" in text
        assert both not in text
    text = unfolded(shown(write_kind(tmp_path, "hyperpod cpt")))
    assert "gen_qa, of the base model and of the candidate: two recipes, and Novaline sends nothing" in text
    assert both not in text


def test_data_that_is_read_very_often_is_told_in_whole_numbers(tmp_path):
    path = write_kind(tmp_path, "sft of nova-2-lite")
    path.write_text(path.read_text().replace("technique: sft", "technique: sft, overrides: {max_steps: 40000}"))
    assert "40,000 steps, 32 rows a step: the data is read 4,267 times" in unfolded(shown(path))


def test_machines_of_a_cluster_are_those_that_the_file_asks_for(tmp_path):
    path = write_kind(tmp_path, "hyperpod rft")
    asked = "platform: hyperpod, overrides: {run.generation_replicas: 8}"
    path.write_text(path.read_text().replace("platform: hyperpod", asked))
    text = unfolded(shown(path))
    assert "2 of ml.p5.48xlarge, and generation_replicas 8, rollout_worker_replicas 1: 11 in all" in text


def test_a_price_that_nobody_states_sends_no_one_to_look_for_it(tmp_path):
    text = unfolded(shown(write_kind(tmp_path, "serverless sft")))
    assert "No source states a price for first, and `novaline prices refresh` cannot ask for one." in text


def test_an_override_is_shown_beside_what_the_recipe_has(tmp_path):
    path = write_kind(tmp_path, "sft")
    path.write_text(path.read_text().replace("technique: sft", "technique: sft, overrides: {learning_rate: 5e-6}"))
    assert "training_config.model.optim.lr: 1e-05 → 5e-06" in shown(path)


def test_a_pinned_image_is_shown_with_its_digest(tmp_path):
    pins = {"nova-fine-tune-repo:SM-TJ-SFT-latest": f"sha256:{'ab' * 32}"}
    text = shown(write_kind(tmp_path, "sft"), environment=DEV.model_copy(update={"images": pins}))
    assert "nova-fine-tune-repo:SM-TJ-SFT-latest, pinned to sha256:abababababab…" in text


def test_what_nothing_grants_yet_is_named_with_its_resource(tmp_path):
    text = unfolded(shown(write_kind(tmp_path, "own metrics"), 140))
    assert "not granted yet: lambda: InvokeFunction on arn:aws:lambda:us-east-1:111111111111:function:metrics" in text
    assert "not granted yet" not in shown(write_kind(tmp_path, "rft"))


def test_a_plan_that_cannot_run_says_so_at_its_end(tmp_path):
    text = shown(write_kind(tmp_path, "distillation"))
    assert "This plan cannot run" in text
    assert text.rstrip().endswith("the workflow runs `sft`, `dpo` or `rft`, and not `distillation` yet")
    assert "cannot run yet" not in shown(write_kind(tmp_path, "sft"))


def test_jobs_on_a_cluster_have_no_price_of_their_own(tmp_path):
    text = shown(write_kind(tmp_path, "hyperpod ppo"))
    assert "the cluster's" in text
    assert "Cost: expected $0.00, in the worst case $0.00, beside the cluster." in text
    assert "7 in all" in unfolded(text)
    assert "Left to you" in text


def test_what_has_no_known_price_is_called_unknown(tmp_path):
    text = shown(write_kind(tmp_path, "serverless sft"))
    assert "Cost: expected unknown, in the worst case unknown." in text
    assert "max_steps = 100" in text
    assert "everything is left to Bedrock" in shown(write_kind(tmp_path, "bedrock rft"))


def test_a_run_that_stops_after_the_gate_says_so(tmp_path):
    text = shown(write_kind(tmp_path, "sft", target="none"))
    assert "Deployment: none; the run stops after the gate." in text
    assert "Import model" not in text
