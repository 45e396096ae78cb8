"""`novaline reward …`: what a person reads, what `--json` and `--html` give, and what is told when it is wrong."""

import json
import os
import re
import sys
import zipfile
from io import StringIO
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from novaline.cli import reward
from novaline.cli.reward_test_view import show_examination
from novaline.own_code import read_pins
from novaline.places import reward_libraries
from novaline.rewards.kinds import KINDS
from novaline.rewards.laboratory.judgement import judge
from tests.rewards.laboratory.trials import exact, examined, label_rows

ROOT = Path(__file__).resolve().parents[2]
OWN = """\
from novaline.rewards import Rollout, Score


def contains(rollout: Rollout) -> float:
    return float(str(rollout.reference) in rollout.answer)


def exact(rollout: Rollout, bonus: float = 0.0) -> Score:
    return Score(float(rollout.answer.strip() == rollout.reference) + bonus)


def worded(rollout: Rollout, words: tuple[str, ...] = ()) -> float:
    print("a word on stdout")
    return float(any(word in rollout.answer for word in words))


def untyped(rollout):
    return float(rollout.answer.strip() == rollout.reference)


def broken(rollout):
    return rollout.fields["label"] == rollout.answer
"""
ENVIRONMENT = """\
name: dev
account: "111111111111"
region: us-east-1
retain: false
termination_protection: false
log_retention_days: 30
noncurrent_days: 30
budget_usd_per_run: 10000
rewards:
  intent: {function: classification, timeout_seconds: 30}
  tone: {function: "rewards/own.py:exact", options: {bonus: 0.5}, concurrency: 2}
  helpful:
    function: judge
    options: {model: "us.amazon.nova-pro-v1:0", rubric: "10 is right, 0 is wrong."}
"""
CUSTOMIZATION = """\
name: intents
model: nova-2-lite
stages:
  - name: rft
    technique: rft
    tuning: lora
    reward: %(reward)s
    instances: {type: ml.p5.48xlarge, count: 2}
    data: {train: train.jsonl}
    overrides:
      max_steps: 10
      global_batch_size: 128
      training_config.rollout.advantage_strategy.number_generation: 16
evaluations:
  - {name: holdout, task: gen_qa, data: eval.jsonl}
gate: {evaluation: holdout, metric: exact_match}
budget: {usd: 100000}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with an environment, a reward of one's own, rows and a customization."""
    (tmp_path / "cdk.json").write_text("{}", encoding="utf-8")
    for folder in ("environments", "rewards"):
        (tmp_path / folder).mkdir()
    (tmp_path / "environments" / "dev.yaml").write_text(ENVIRONMENT, encoding="utf-8")
    (tmp_path / "rewards" / "own.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "customization.yaml").write_text(CUSTOMIZATION % {"reward": "intent"}, encoding="utf-8")
    write(tmp_path / "train.jsonl", label_rows(256))
    write(tmp_path / "eval.jsonl", [{"query": f"held out {n}", "response": "card_arrival"} for n in range(20)])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def run(*arguments):
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    reward.register(app)
    app.callback()(lambda: None)  # without it, typer makes the only group the whole command
    return CliRunner().invoke(app, ["reward", *map(str, arguments)])


def trial(*arguments):
    return run("test", *arguments, "--data", "train.jsonl", "--rows", "12")


# ---- test --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [["classification"], ["intent", "--env", "dev"]])
def test_a_sound_reward_passes(project, which):
    told = trial(*which)
    assert (told.exit_code, told.stderr) == (0, "")
    assert "nothing stands against it (no findings)" in told.stdout
    assert "12 of 256 rows" in told.stdout


def test_a_function_in_a_file_is_examined_and_refused(project):
    told = trial("rewards/own.py:contains")
    assert told.exit_code == 1
    assert "exploit: all answers, in a row" in told.stdout
    assert "a run with it should not be paid for" in told.stdout


def test_an_environments_own_file_is_seen_from_its_folder(project, monkeypatch):
    (project / "elsewhere").mkdir()
    monkeypatch.chdir(project / "elsewhere")
    told = run("test", "tone", "--environment-file", "../environments/dev.yaml", "--data", "../train.jsonl", "--json")
    assert json.loads(told.stdout)["right_mean"] == 1.5


def test_options_are_taken_as_values_or_as_json(project):
    for given in (["--options", "bonus=0.25"], ["--options", '{"bonus": 0.25}']):
        assert json.loads(trial("rewards/own.py:exact", *given, "--json").stdout)["right_mean"] == 1.25


def test_a_reward_that_always_raises_is_refused_with_the_reason_and_a_row(project):
    told = trial("rewards/own.py:broken")
    assert told.exit_code == 1
    assert "KeyError: 'label' (at own.py:22) (first in line 1, id row-0)" in told.stderr


def test_the_json_is_one_document_with_findings(project):
    told = trial("rewards/own.py:contains", "--json")
    document = json.loads(told.stdout)
    assert told.exit_code == 1
    assert {finding["code"] for finding in document["findings"]} == {"exploit", "hedging"}
    assert document["rows"] == 12
    assert {each["name"] for each in document["orders"]} == {"wrong", "cut", "refusal", "empty"}
    assert document["distribution"]["fallbacks"] == 0


def test_the_page_is_written_and_named(project):
    told = trial("classification", "--html", "reward.html")
    assert told.stdout.splitlines()[-1] == "The page: reward.html"
    assert "<h1>Reward classification</h1>" in (project / "reward.html").read_text(encoding="utf-8")


def test_a_persons_answers_are_shown_beside_the_made_ones(project):
    write(project / "answers.jsonl", [{"line": 1, "answers": ["card_arrival", "no"]}])
    told = trial("classification", "--answers", "answers.jsonl")
    assert re.search(r"your answers +0\.500 .*2 answers", told.stdout)


def test_answers_to_rows_that_were_not_taken_are_told(project):
    write(project / "answers.jsonl", [{"line": number, "answer": "no"} for number in (1, 2, 3)])
    told = trial("classification", "--answers", "answers.jsonl")
    assert "2 of 3 answers in answers.jsonl belong to none of the rows that were taken" in told.stdout
    assert "12 of 256 rows were taken, --rows takes more" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["classificaton"], 2, "did you mean classification?"),
        (["intnt", "--env", "dev"], 2, "did you mean intent?"),
        (["intent", "--env", "dve"], 2, "dev"),
        (["intent", "--environment-file", "none.yaml"], 2, "there is no file none.yaml"),
        (["intent", "--env", "dev", "--environment-file", "environments/dev.yaml"], 2, "name two environments"),
        (["rewards/none.py:score"], 2, "there is no file rewards/none.py"),
        (["rewards/own.py:worded", "--options", "words=please"], 1, "`words` is 'please', expected tuple[str, ...]"),
        (["rewards/own.py:nothing"], 1, "has no function nothing"),
        (["rewards/own.py:exact", "--options", "malus=1"], 1, "cannot be called with a rollout and these options"),
        (["classification", "--options", "label=x"], 1, "did you mean labels?"),
        (["classification", "--options", "labels"], 2, "is no option of a reward"),
        (["classification", "--deployed"], 2, "add --env NAME"),
        (["intent", "--env", "dev", "--deployed", "--options", "a=1"], 2, "leave --options out"),
        (["classification", "--html", "rewards"], 2, "is a folder"),
        (["classification", "--html", "none/page.html"], 2, "there is no folder"),
        (["classification", "--html", "train.jsonl"], 2, "the page would replace it"),
        (["classification", "--answers", "none.jsonl"], 2, "does not exist"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_else_is_printed(project, arguments, code, expected):
    told = trial(*arguments)
    assert (told.exit_code, told.stdout) == (code, "")
    assert expected in told.stderr


def test_a_file_that_does_not_load_is_told_without_a_traceback(project):
    (project / "rewards" / "bad.py").write_text("import nothing_like_it\n", encoding="utf-8")
    told = trial("rewards/bad.py:score")
    assert told.exit_code == 1
    assert "cannot be imported: No module named 'nothing_like_it'" in told.stderr
    (project / "rewards" / "worse.py").write_text("1 / 0\n", encoding="utf-8")
    assert "ZeroDivisionError" in trial("rewards/worse.py:score").stderr


def test_what_ones_own_code_prints_is_no_part_of_the_document(project):
    told = trial("rewards/own.py:worded", "--options", 'words=["card"]', "--json")
    assert json.loads(told.stdout)["name"] == "worded"
    assert "a word on stdout" in told.stderr


def test_what_an_environment_would_refuse_is_a_warning_where_none_is_named(project):
    told = trial("rewards/own.py:untyped")
    assert told.exit_code == 0
    assert re.search(r"own.py:17:\d+: warning: the first parameter, rollout, has no type", told.stdout)
    assert "an environment that declares it is refused" in told.stdout


def test_an_environments_libraries_are_used_where_they_are_installed(project, monkeypatch):
    pins = "thing_that_scores==1.0 --hash=sha256:" + "0" * 64 + "\n"
    (project / "rewards" / "pins.txt").write_text(pins, encoding="utf-8")
    own = OWN.replace("from novaline", "import thing_that_scores\nfrom novaline", 1)
    (project / "rewards" / "own.py").write_text(own, encoding="utf-8")
    path = project / "environments" / "dev.yaml"
    declared = ENVIRONMENT.replace("concurrency: 2}", "concurrency: 2, requirements: rewards/pins.txt}")
    path.write_text(declared, encoding="utf-8")
    monkeypatch.setattr("sys.prefix", str(project / "python"))
    monkeypatch.setattr("sys.path", list(sys.path))
    told = trial("tone", "--env", "dev")
    assert told.exit_code == 1
    assert "No module named 'thing_that_scores'" in told.stderr
    assert "-m novaline.reward_libraries" in told.stderr
    folder = reward_libraries(read_pins(project / "rewards" / "pins.txt").digest)
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "here.zip", "w") as archive:
        archive.writestr("python/thing_that_scores.py", "")
    assert trial("tone", "--env", "dev", "--json").exit_code == 0


def test_a_judge_without_credentials_is_told_before_anything_is_asked(project, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(project / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(project / "none"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    told = trial("helpful", "--env", "dev")
    assert (told.exit_code, told.stdout) == (1, "")
    assert "there are no AWS credentials in this shell" in told.stderr
    assert os.environ["AWS_DEFAULT_REGION"] == "us-east-1"  # where the environment's own function asks
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    options = ["--options", "model=us.amazon.nova-pro-v1:0", "--options", "rubric=10 is right"]
    assert "You must specify a region" in trial("judge", *options).stderr


@pytest.mark.parametrize(("width", "encoding"), [(80, "utf-8"), (120, "utf-8"), (80, "ascii")])
def test_the_summary_fits_the_screen(width, encoding):
    file = type("Screen", (StringIO,), {"encoding": encoding})()
    console = Console(file=file, width=width, force_terminal=True, no_color=True, highlight=False, soft_wrap=True)
    for function in (exact, lambda rollout: float(rollout.reference in rollout.answer)):
        found = examined(function)
        show_examination(found, judge(found), console=console)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue()).splitlines()
    shown = [line for line in lines if not line.startswith(("error", "warning", "      ="))]
    assert max(map(len, shown)) <= width
    assert not any(line != line.rstrip() for line in lines)
    assert encoding != "ascii" or all(line.isascii() for line in shown)


# ---- list --------------------------------------------------------------------------------------------------------


def test_every_kind_is_listed_with_its_options(project):
    told = run("list")
    assert told.exit_code == 0
    for name in KINDS:
        assert f"  {name}" in told.stdout
    assert "pattern*" in told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 80


def test_one_kind_is_explained_and_an_unknown_one_is_guessed(project):
    assert "a list (text each); default none" in run("list", "classification").stdout
    assert "did you mean classification?" in run("list", "clasification").stderr


def test_what_an_environment_declares_is_listed(project):
    assert re.search(r"tone +rewards/own.py:exact +60 s, 512 MB", run("list", "--env", "dev").stdout)
    document = json.loads(run("list", "--env", "dev", "--json").stdout)
    assert list(document["declared"]["rewards"]) == ["intent", "tone", "helpful"]
    assert {kind["name"] for kind in document["kinds"]} == set(KINDS)


@pytest.mark.parametrize("arguments", [("reward", "--help"), ("reward", "list"), ("reward", "test", "--help")])
def test_neither_the_cdk_nor_an_aws_client_is_loaded(arguments):
    from benchmarks.commands import heavy_imports

    assert heavy_imports(arguments) == []


# ---- size --------------------------------------------------------------------------------------------------------


def sized(*arguments):
    return run("size", "customization.yaml", "--env", "dev", *arguments)


def test_two_thousand_rollouts_at_100_ms_are_17_s_and_60_cents_of_two_p5(project):
    document = json.loads(sized("--latency-ms", 100, "--batch-size", 1, "--json").stdout)
    assert (document["rollouts_per_step"], document["concurrency_limit"]) == (2048, 12)
    assert document["stall_seconds"] == pytest.approx(17.1)
    assert document["stall_usd"] == pytest.approx(0.60, abs=0.005)
    more = json.loads(sized("--latency-ms", 100, "--batch-size", 1, "--concurrency", 100, "--json").stdout)
    assert more["stall_seconds"] == pytest.approx(2.1)


def test_the_recipe_and_the_environment_are_on_screen(project):
    told = sized("--latency-ms", 100, "--step-seconds", 60)
    assert told.exit_code == 0
    assert "128 prompts x 16 answers = 2,048 rewards, in 16 calls of 128" in told.stdout
    assert "set         lambda_concurrency_limit 16: the wait is 13 s then" in told.stdout
    assert "[stall]" in told.stdout
    assert "unconfirmed" in told.stdout
    shown = [line for line in told.stdout.splitlines() if not line.startswith(("warning", "      ="))]
    assert max(map(len, shown)) <= 80


def test_an_unknown_step_time_is_called_unknown(project):
    told = sized("--latency-ms", 100)
    assert "nobody knows before a run: --step-seconds" in " ".join(told.stdout.split())
    assert json.loads(sized("--latency-ms", 100, "--json").stdout)["stall_share"] is None


def test_without_a_latency_the_reward_is_measured_here(project):
    document = json.loads(sized("--json").stdout)
    assert document["measured_sample_seconds"] > 0
    assert document["sample_seconds"] == pytest.approx(document["measured_sample_seconds"] * 1769 / 512)
    assert "512 MB have 29% of a CPU" in " ".join(sized().stdout.split())


def test_a_timeout_that_a_batch_outlives_is_an_error(project):
    told = sized("--latency-ms", 1000)
    assert told.exit_code == 1
    assert "a batch of 128 takes 128 s, and the function is ended after 30 s" in told.stdout.replace("2 min", "128 s")


def test_a_judge_needs_its_latency_and_has_a_price(project):
    (project / "customization.yaml").write_text(CUSTOMIZATION % {"reward": "helpful"}, encoding="utf-8")
    refused = sized()
    assert refused.exit_code == 2
    assert "say --latency-ms" in refused.stderr
    document = json.loads(sized("--latency-ms", 200, "--json").stdout)
    assert document["judge_usd_per_1000"] > 0.5
    assert {price["of"] for price in document["prices"]} == {"ml.p5.48xlarge", "Lambda", "nova-pro, tokens"}


def test_fewer_reserved_calls_than_the_recipe_makes_are_warned_about(project):
    (project / "customization.yaml").write_text(CUSTOMIZATION % {"reward": "tone"}, encoding="utf-8")
    told = sized("--latency-ms", 1)
    assert told.exit_code == 0
    assert "calls the function up to 12 times at once, and 2 are reserved" in told.stdout


def test_a_stage_whose_rows_lie_in_s3_asks_for_others(project):
    text = (project / "customization.yaml").read_text(encoding="utf-8")
    (project / "customization.yaml").write_text(text.replace("train.jsonl", "s3://dev-data/sets/train.jsonl"))
    told = sized()
    assert (told.exit_code, told.stdout) == (2, "")
    assert "the rows of stage rft lie in S3 (s3://dev-data/sets/train.jsonl)" in told.stderr
    assert "a call" in sized("--data", "train.jsonl").stdout


def test_a_customization_without_reinforcement_is_refused():
    told = run("size", ROOT / "examples" / "support-intents" / "customization.yaml", "--env", "dev")
    assert told.exit_code == 1
    assert "no stage is trained by a reward" in told.stderr


def test_a_stage_that_is_not_there_is_wrong_usage(project):
    assert "did you mean rft?" in sized("--stage", "rtf").stderr
