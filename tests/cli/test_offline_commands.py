"""`check` and `plan`: exit statuses, JSON, no traceback, no AWS."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from novaline.cli.commands import COMMANDS, app

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(ROOT.glob("examples/*/customization.yaml"))


@pytest.fixture
def run(monkeypatch):
    """Runs the command line in the project's folder."""
    monkeypatch.chdir(ROOT)

    def invoked(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoked


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_every_example_passes_its_check(run, path):
    result = run("check", path)
    assert (result.exit_code, "ok" in result.stdout) == (0, True), result.stderr


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_plan_of_every_example_lists_its_requests_cost_and_findings(run, path):
    result = run("plan", path, "--env", "dev", "--json")
    assert result.exit_code == 0, result.stderr
    plan = json.loads(result.stdout)
    assert {"customization", "requests", "cost", "findings", "quotas"} <= plan.keys()
    for request in plan["requests"]:
        assert {"state", "service", "action", "parameters", "at_run"} <= request.keys()
    expected, worst = plan["cost"]["expected_usd"], plan["cost"]["worst_case_usd"]
    generates = any(stage["technique"] == "rft" for stage in plan["customization"]["stages"])
    assert (expected is None) == generates  # nobody publishes how fast answers are written
    assert 0 < (expected or 1) <= worst <= plan["customization"]["budget"]["usd"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_a_plan_for_a_person_shows_every_section(run, path):
    result = run("plan", path, "--env", "dev")
    assert result.exit_code == 0, result.stderr
    for heading in ("Jobs", "Recipe", "Data", "Requests", "Quotas", "Cost", "Gate", "Deployment", "Budget"):
        assert heading in result.stdout
    assert "to be confirmed" in result.stdout


def test_a_plan_that_is_too_dear_is_shown_with_its_refusal(run, tmp_path):
    source = EXAMPLES[0]
    for data in source.parent.glob("*.jsonl"):
        (tmp_path / data.name).symlink_to(data)
    dear = tmp_path / "customization.yaml"
    dear.write_text(re.sub(r"usd: \d+", "usd: 5", source.read_text(encoding="utf-8")), encoding="utf-8")
    result = run("plan", dear, "--env", "dev")
    assert result.exit_code == 1
    assert "Requests to AWS" in result.stdout
    assert "above its budget of $5.00" in result.stderr
    result = run("plan", dear, "--env", "dev", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["runnable"]) == (1, False)
    assert "over-budget" in {finding["code"] for finding in document["findings"]}
    assert document["requests"]


def test_check_in_json_gives_datasets_cost_and_findings(run):
    result = run("check", EXAMPLES[0], "--json")
    document = json.loads(result.stdout)
    assert {"customization", "datasets", "cost", "findings"} <= document.keys()


BAD_FILES = {
    "empty": b"",
    "list": b"- a\n",
    "syntax": b"name: [\n",
    "duplicate": b"name: a\nname: b\n",
    "binary": bytes(range(256)),
    "tab": b"name:\n\t- a\n",
    "numbers": b"name: 1\nmodel: 2\nstages: 3\nevaluations: 4\ngate: 5\ndeployment: 6\nbudget: 7\n",
    "nulls": b"name:\nmodel:\nstages:\nevaluations:\ngate:\ndeployment:\nbudget:\n",
    "lists": b"stages: [1, null, [], {}]\nevaluations: [{data: 1}]\ngate: []\nbudget: {usd: {}}\n",
    "deep": b"[" * 3000,
}


@pytest.mark.parametrize("name", sorted(BAD_FILES))
@pytest.mark.parametrize("json_flag", [[], ["--json"]])
def test_a_bad_file_is_explained_with_exit_status_1_and_without_a_traceback(run, tmp_path, name, json_flag):
    path = tmp_path / "bad.yaml"
    path.write_bytes(BAD_FILES[name])
    for command in (["check", path], ["plan", path, "--env", "dev"]):
        result = run(*command, *json_flag)
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.stderr + result.stdout
        if json_flag:
            assert json.loads(result.stdout)["findings"]
        else:
            assert "bad.yaml" in result.stderr
            assert result.stdout == ""


def test_a_missing_file_an_unknown_environment_and_wrong_options_are_wrong_usage(run, tmp_path):
    example = EXAMPLES[0]
    assert run("check", tmp_path / "nope.yaml").exit_code == 2
    assert run("check", tmp_path).exit_code == 2
    unknown = run("plan", example, "--env", "devv")
    assert (unknown.exit_code, "dev" in unknown.stderr) == (2, True)
    assert run("plan", example).exit_code == 2
    assert run("check").exit_code == 2
    assert run("chek", example).exit_code == 2
    assert run("check", example, "--jsonn").exit_code == 2


def test_a_file_of_a_thousand_mistakes_is_reported_in_full_and_at_once(run, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("".join(f"key{number}: {number}\n" for number in range(1000)))
    result = run("check", path, "--json")
    assert sum(finding["code"] == "unknown-key" for finding in json.loads(result.stdout)["findings"]) == 1000


@pytest.mark.parametrize("command", [["check"], ["plan", "--env", "dev"]])
def test_no_aws_client_is_loaded_and_no_network_is_touched(command):
    script = (
        "import sys, socket\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = refuse\n"
        "sys.argv = ['novaline', *sys.argv[1:]]\n"
        "from novaline.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "loaded = [name for name in ('boto3', 'aws_cdk', 'ministack') if name in sys.modules]\n"
        "assert not loaded, loaded\n"
    )
    arguments = [command[0], str(EXAMPLES[0]), *command[1:]]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_command_can_be_loaded_and_says_what_it_does(run):
    groups = {
        "recipes": ("list", "show", "diff"),
        "prices": ("show", "refresh"),
        "data": ("prepare", "validate", "stats"),
        "reward": ("list", "test", "size"),
    }
    assert groups.keys() < COMMANDS.keys()
    calls = [[name] for name in COMMANDS if name not in groups]
    calls += [[name, part] for name, parts in groups.items() for part in parts]
    for words in calls:
        result = run(*words, "--help")
        assert result.exit_code == 0, (words, result.stderr)
        assert "--json" in result.stdout
