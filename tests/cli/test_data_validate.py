"""`novaline data validate`: one line for a good dataset, its findings for a bad one, and words for a wrong call."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dataset_rows import row, turns, write_rows
from typer.testing import CliRunner

from novaline.cli.commands import app
from novaline.datasets.formats.catalogue import FORMATS

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "support-intents"


@pytest.fixture
def run(monkeypatch):
    """Runs `novaline data validate` in the project's folder."""
    monkeypatch.chdir(ROOT)

    def invoked(*arguments):
        return CliRunner().invoke(app, ["data", "validate", *map(str, arguments)])

    return invoked


@pytest.fixture
def bad(tmp_path):
    """Two good rows and two bad ones."""
    path = write_rows(tmp_path / "bad.jsonl", "sft", 2)
    with path.open("a") as file:
        file.write("{\n" + json.dumps({"messages": turns("User: hi", "x")}) + "\n")
    return path


def test_a_good_dataset_is_one_line(run):
    result = run(EXAMPLE / "train.jsonl", "--format", "sft", "--model", "nova-micro")
    assert (result.exit_code, result.stderr) == (0, "")
    (line,) = result.stdout.splitlines()
    assert line.startswith(f"{EXAMPLE / 'train.jsonl'}: ok (no findings; 2,268 rows")


def test_the_examples_hold_nothing_of_their_evaluations(run):
    for path in sorted((ROOT / "examples").glob("*/train.jsonl")):
        rows_of = "rft" if path.parent.name == "return-decisions" else "sft"
        result = run(path, "--technique", rows_of, "--held-out", path.with_name("eval.jsonl"))
        assert result.exit_code == 0, result.stderr


def test_findings_of_a_bad_one_go_to_stderr_with_their_lines(run, bad):
    result = run(bad, "--format", "sft")
    assert result.exit_code == 1
    assert f"{bad}:3: error: the object goes on over several lines" in result.stderr
    assert f"{bad}:4: error: the text contains the reserved word 'User:'" in result.stderr
    assert "not ok (2 errors; 4 rows" in result.stdout


def test_json_is_one_document_with_everything(run, bad):
    result = run(bad, "--format", "sft", "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (1, "")
    assert (report["rows"], report["bytes"], report["errors"]) == (4, bad.stat().st_size, 2)
    assert [(each["code"], each["severity"], each["line"], each["count"]) for each in report["findings"]] == [
        ("not-lines", "error", 3, 1), ("reserved-word", "error", 4, 1),
    ]  # fmt: skip
    first, second = report["findings"]
    content = bad.read_bytes()
    assert content[first["offset"] :].startswith(b"{\n")
    assert content[second["offset"] :].startswith(b'{"messages"')
    assert report["files"][0]["path"] == str(bad)


def test_warnings_pass_and_fail_when_they_shall(run, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text((json.dumps(row("sft", "q")) + "\n") * 2)
    assert run(path, "--format", "sft").exit_code == 0
    assert run(path, "--format", "sft", "--strict").exit_code == 1


def test_secrets_are_looked_for_unless_told_otherwise(run, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row("sft", "q", "write to jane.doe@acme-widgets.com")) + "\n")
    assert "email-address" in run(path, "--format", "sft").stderr
    assert run(path, "--format", "sft", "--no-sensitive").stderr == ""


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_be_asked_for(run, tmp_path, name):
    kind = "rft" if name == "multi-turn-rft" else name
    path = write_rows(tmp_path / "rows.jsonl", kind, 30)
    if name == "multi-turn-rft":
        rows = [{"id": str(number), "metadata": {"prompt": f"prompt {number}"}} for number in range(30)]
        path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    result = run(path, "--format", name, "--json")
    assert (result.exit_code, json.loads(result.stdout)["rows"]) == (0, 30), result.stdout


def test_a_folder_and_compressed_files_are_one_dataset(run, tmp_path):
    write_rows(tmp_path / "one.jsonl", "sft", 10)
    second = write_rows(tmp_path / "two.jsonl", "sft", 11, first=9)
    (tmp_path / "two.jsonl.gz").write_bytes(gzip.compress(second.read_bytes()))
    second.unlink()
    result = run(tmp_path, "--format", "sft", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [Path(file["path"]).name for file in report["files"]] == ["one.jsonl", "two.jsonl.gz"]
    assert [(each["code"], Path(each["file"]).name, each["line"]) for each in report["findings"]] == [
        ("duplicate-row", "two.jsonl.gz", 1)
    ]


def test_a_compressed_file_that_breaks_off_is_told(run, tmp_path):
    write_rows(tmp_path / "rows.jsonl", "sft", 500)
    whole = gzip.compress((tmp_path / "rows.jsonl").read_bytes())
    (tmp_path / "rows.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    result = run(tmp_path / "rows.jsonl.gz", "--format", "sft", "--json")
    assert result.exit_code == 1
    assert [each["code"] for each in json.loads(result.stdout)["findings"]] == ["broken-compression"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{train}"], ["nobody says which format", "--format sft"]),
        (["{train}", "--format", "sfft"], ["there is no format 'sfft'", "did you mean sft?"]),
        (["{train}", "--format", "sft", "--model", "nova-mikro"], ["no model 'nova-mikro'", "nova-micro"]),
        (["{train}", "--format", "sft", "--platform", "smtj"], ["no platform 'smtj'", "sagemaker"]),
        (["nothing.jsonl", "--format", "sft"], ["nothing.jsonl"]),
        (["{train}", "--format", "sft", "--held-out", "nothing.jsonl"], ["nothing.jsonl"]),
        (["README.md", "--format", "sft"], ["README.md"]),
        (["{train}", "--format", "sft", "--remote"], ["--remote and --env belong together"]),
        (["{train}", "--format", "sft", "--env", "dev"], ["--remote and --env belong together"]),
        (["{train}", "--format", "sft", "--max-length", "0"], ["max-length"]),
    ],
)
def test_a_wrong_call_is_told_with_what_to_write(run, arguments, words):
    result = run(*(word.replace("{train}", str(EXAMPLE / "train.jsonl")) for word in arguments))
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    for word in words:
        assert word in result.stderr.replace("\n", " ")


def test_a_table_is_refused_with_the_command_that_converts_it(run, tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    result = run(tmp_path / "rows.csv", "--format", "sft")
    assert result.exit_code == 2
    assert "novaline data prepare" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_is_told(run, bad):
    bad.chmod(0)
    result = run(bad, "--format", "sft")
    assert (result.exit_code, "Traceback" in result.output) == (1, False)


def test_neither_aws_nor_tables_nor_for_a_small_file_numpy_is_loaded():
    script = """
import sys
sys.argv = ["novaline", *sys.argv[1:]]
from novaline.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("loaded:", *(name for name in ("boto3", "botocore", "pyarrow", "aws_cdk", "numpy") if name in sys.modules))
"""
    arguments = ["data", "validate", str(EXAMPLE / "train.jsonl"), "--format", "sft", "--no-sensitive"]
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.rpartition("loaded:")[2].split() == []
