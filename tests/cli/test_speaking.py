"""How the command line speaks when something is wrong: one message, one document, on any terminal, at any moment."""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from novaline.cli.commands import app
from novaline.cli.output import print_findings, reporting
from novaline.findings import Finding, Interruption

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = "examples/support-intents/customization.yaml"
COMMAND = [sys.executable, "-c", "from novaline.cli.main import main; main()"]


def novaline(*arguments, **how):
    """The command in a process of its own, with what a person's shell does to its streams."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **how.pop("environment", {})}
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdout=how.pop("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        check=False,
        **how,
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["chek", "x"], "novaline check"),
        (["deploy"], "check, plan, rehearse, run, runs, status"),
        (["check"], "usage: novaline check"),
        (["plan", EXAMPLE], "--env"),
        (["check", EXAMPLE, "--jsno"], "--jsno"),
        (["rehearse", EXAMPLE, "--port", "many"], "--port"),
        (["rehearse", EXAMPLE, "--port", "70000"], "--port"),
        (["status", "not a run", "--env", "dev"], "'not a run'"),
    ],
)
def test_wrong_usage_is_told_in_one_form_and_in_json_as_one_document(arguments, expected, monkeypatch):
    monkeypatch.chdir(ROOT)
    told = CliRunner().invoke(app, arguments)
    assert (told.exit_code, told.stdout) == (2, "")
    assert expected in told.stderr
    as_json = CliRunner().invoke(app, [*arguments, "--json"])
    assert as_json.exit_code == 2
    assert expected in json.dumps(json.loads(as_json.stdout)["findings"], ensure_ascii=False)


def test_without_a_command_the_help_is_printed_as_wrong_usage():
    told = CliRunner().invoke(app, [])
    assert told.exit_code == 2
    assert "rehearse  Rehearse the whole run on this computer, for nothing." in told.stdout


def findings(count: int) -> list[Finding]:
    return [
        Finding(code="c", severity="error", message=f"m{n}", file="f", line=n + 1, excerpt="source", hint="do this")
        for n in range(count)
    ]


def test_few_findings_are_shown_with_their_lines_more_in_one_line_each_and_very_many_in_part(capsys):
    print_findings(findings(3))
    assert capsys.readouterr().err.count("source") == 3
    print_findings(findings(20))
    brief = capsys.readouterr().err.splitlines()
    assert (len(brief), sum("do this" in line for line in brief)) == (20, 1)
    print_findings(findings(10_000))
    cut = capsys.readouterr().err.splitlines()
    assert len(cut) < 40
    assert "9,970 more" in cut[-1]


def test_an_interrupted_command_ends_with_130_and_one_document(capsys):
    with pytest.raises(typer.Exit) as caught, reporting(json=True):
        raise KeyboardInterrupt
    assert caught.value.exit_code == Interruption.exit_code == 130
    assert json.loads(capsys.readouterr().out)["findings"][0]["code"] == "interrupted"


def test_what_the_operating_system_refuses_is_told_in_words(capsys):
    with pytest.raises(typer.Exit) as caught, reporting(json=False):
        raise OSError(errno.ENOSPC, "No space left on device", "somewhere")
    assert caught.value.exit_code == 1
    assert "somewhere: No space left on device" in capsys.readouterr().err


def test_ctrl_c_while_the_command_still_imports_leaves_no_traceback():
    code = (
        "import sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from novaline.cli.main import main\n"
        "main()\n"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert (told.returncode, told.stdout, told.stderr) == (130, b"", b"interrupted\n")


def test_a_terminal_that_knows_only_ascii_gets_every_message(tmp_path):
    folder = tmp_path / "größer 日本"
    folder.mkdir()
    file = folder / "c.yaml"
    file.write_text("näme: x\n", encoding="utf-8")
    environment = {"PYTHONIOENCODING": "ascii"}
    told = novaline("check", file, environment=environment)
    assert (told.returncode, b"Traceback" in told.stderr) == (1, False)
    assert b"unknown key `n\\xe4me`" in told.stderr
    as_json = novaline("check", file, "--json", environment=environment)
    assert json.loads(as_json.stdout)["findings"][0]["file"] == str(file)


def test_a_reader_that_goes_away_and_a_full_disk_are_no_defects_of_ours():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        told = novaline("plan", EXAMPLE, "--env", "dev", stdout=gone)
    assert (told.returncode, told.stderr) == (1, b"")
    full = Path("/dev/full")
    if full.exists():
        with full.open("wb") as sink:
            told = novaline("check", EXAMPLE, stdout=sink)
        assert (told.returncode, b"No space left" in told.stderr, b"Traceback" in told.stderr) == (1, True, False)


@pytest.mark.skipif(os.name == "nt", reason="closes a descriptor as POSIX shells do")
def test_a_closed_stdout_is_not_written_to():
    told = novaline("check", EXAMPLE, "--json", stdout=None, preexec_fn=lambda: os.close(1))
    assert (told.returncode, told.stderr) == (0, b"")


def test_a_broken_environment_that_is_not_rehearsed_is_told_before_anything_starts(tmp_path, monkeypatch):
    (tmp_path / "cdk.json").write_text("{}", encoding="utf-8")
    environments = tmp_path / "environments"
    environments.mkdir()
    (environments / "dev.yaml").write_bytes((ROOT / "environments" / "dev.yaml").read_bytes())
    (environments / "prod.yaml").write_text("name: [\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(app, ["rehearse", str(ROOT / EXAMPLE)])
    assert (told.exit_code, told.stdout) == (1, "")
    assert "prod.yaml:1:8: error: this is not YAML" in told.stderr


def test_a_busy_port_is_told_before_anything_starts(tmp_path, monkeypatch):
    import socket

    monkeypatch.chdir(ROOT)
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        told = CliRunner().invoke(app, ["rehearse", EXAMPLE, "--port", port, "--output", str(tmp_path / "out")])
    assert (told.exit_code, told.stdout) == (1, "")
    assert f"port {port} on 127.0.0.1 cannot be opened" in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_streams_that_are_no_files_are_left_alone(monkeypatch):
    from novaline.cli.output import prepare_streams

    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    prepare_streams()
    assert sys.stdout is stream
