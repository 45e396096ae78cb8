"""`novaline data stats`: what a person reads, what `--json` and `--html` give, and what is told when it is wrong."""

import gzip
import json
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pyarrow
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from novaline.cli.data_stats import register
from novaline.cli.data_stats_view import show_statistics
from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.stats.measure import measure
from novaline.reporting import extra

EXAMPLE = Path(__file__).parents[2] / "examples" / "support-intents" / "train.jsonl"
APP = typer.Typer(add_completion=False, rich_markup_mode=None)
register(APP)


def data_stats(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def on_screen(path, width, format_name="sft", encoding="utf-8"):
    file = type("Screen", (StringIO,), {"encoding": encoding})()
    console = Console(file=file, width=width, force_terminal=True, no_color=True, highlight=False, soft_wrap=True)
    show_statistics(measure(path, FORMATS[format_name]), console=console)
    return re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue()).splitlines()


@pytest.fixture
def skewed(tmp_path):
    names = ["refund"] * 30 + ["a_label_with_a_name_that_is_rather_long_for_any_screen"] * 4 + ["track"] * 2
    names += [f"other {number}" for number in range(12)] * 2
    rows = [{"query": f"question {number}", "response": name} for number, name in enumerate(names)]
    return write(tmp_path / "eval.jsonl", rows)


def test_the_example_is_shown_on_one_screen():
    told = data_stats(EXAMPLE, "--format", "sft")
    assert (told.exit_code, told.stderr) == (0, "")
    lines = told.stdout.splitlines()
    assert len(lines) < 24
    assert re.search(r"^  row +153 +163 +172 +178 +348,076", told.stdout, re.MULTILINE)
    assert "  labels      21, 108 rows each; always the commonest is right in 4.8 %" in lines
    assert "  repeats     none: every prompt is there once" in lines


@pytest.mark.parametrize("width", [60, 80, 120])
def test_nothing_is_wider_than_the_screen_and_no_line_ends_in_blanks(skewed, width):
    lines = on_screen(skewed, width, "gen_qa")
    assert not any(line != line.rstrip() for line in lines)
    shown = [line for line in lines[1:] if not line.startswith(("warning", "      ="))]
    assert max(map(len, shown)) <= width


def test_the_commonest_labels_have_bars_and_the_rest_is_summed(skewed):
    lines = on_screen(skewed, 100, "gen_qa")
    start = next(number for number, line in enumerate(lines) if line.startswith("  refund"))
    bars = [line.count("█") for line in lines[start : start + 11]]
    assert bars == [24, 3, *[2] * 8, 0]
    assert lines[start + 10].split() == ["5", "more", "10", "16.7", "%"]


def test_a_screen_that_knows_only_ascii_gets_ascii(skewed):
    assert all(line.isascii() for line in on_screen(skewed, 120, "gen_qa", encoding="ascii"))


def test_the_json_is_one_document_with_remarks(skewed):
    told = data_stats(skewed, "--format", "gen_qa", "--json")
    document = json.loads(told.stdout)
    assert (told.exit_code, document["rows"], document["format"], document["findings"]) == (0, 60, "gen_qa", [])
    assert document["labels"]["counts"]["refund"] == 30
    assert document["tokens"]["estimated"] is True
    assert [remark["code"] for remark in document["remarks"]] == ["imbalance"]
    assert document["html"] is None


def test_the_json_stays_small_however_large_the_dataset(tmp_path):
    rows = [{"query": f"q{n}", "response": f"a rather long label {n % 4000}"} for n in range(12_000)]
    told = data_stats(write(tmp_path / "data.jsonl", rows), "--format", "gen_qa", "--json")
    document = json.loads(told.stdout)
    assert (document["labels"]["different"], len(document["labels"]["counts"])) == (4000, 1000)
    assert len(told.stdout) < 64 * 1024


def test_the_page_is_written_and_named(skewed, tmp_path):
    page = tmp_path / "stats.html"
    told = data_stats(skewed, "--format", "gen_qa", "--html", page)
    assert told.exit_code == 0
    assert told.stdout.splitlines()[-1] == f"The page: {page}"
    assert "<h1>eval.jsonl</h1>" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["{file}", "--format", "stf"], 2, "did you mean sft?"),
        (["{file}", "--format", "zzzzz"], 2, "the formats are sft, dpo, rft"),
        (["{folder}/nothing.jsonl", "--format", "sft"], 2, "there is no file"),
        (["{folder}", "--format", "sft"], 2, "is a folder"),
        (["{file}", "--format", "gen_qa", "--html", "{folder}"], 2, "is a folder"),
        (["{file}", "--format", "gen_qa", "--html", "{folder}/no/a.html"], 2, "there is no folder"),
        (["{file}", "--format", "gen_qa", "--html", "{file}"], 2, "the page would replace it"),
        (["{file}", "--format", "sft"], 1, "none of the file's 60 lines is a row of the format sft"),
        (["{empty}", "--format", "sft"], 1, "the file has no rows"),
    ],
)
def test_what_cannot_be_done_is_told_before_and_without_any_output(skewed, tmp_path, arguments, code, expected):
    (tmp_path / "empty.jsonl").write_bytes(b"\n")
    places = {"file": skewed, "folder": tmp_path, "empty": tmp_path / "empty.jsonl"}
    given = [argument.format(**places) for argument in arguments]
    told = data_stats(*given)
    assert (told.exit_code, told.stdout) == (code, "")
    assert expected in " ".join(told.stderr.split())
    (finding,) = json.loads(data_stats(*given, "--json").stdout)["findings"]
    assert finding["severity"] == "error"


def test_who_lacks_the_extra_is_told_before_the_dataset_is_read(monkeypatch, skewed, tmp_path):
    monkeypatch.setattr(extra, "find_spec", lambda name: None)
    monkeypatch.setattr("novaline.datasets.stats.measure.measure", lambda *_: pytest.fail("it was read"))
    told = data_stats(skewed, "--format", "gen_qa", "--html", tmp_path / "stats.html")
    assert (told.exit_code, "pip install 'novaline[report]'" in told.stderr) == (1, True)


_LOADED = """
import sys
from typer.testing import CliRunner
import typer
from novaline.cli.data_stats import register
app = typer.Typer(add_completion=False, rich_markup_mode=None)
register(app)
result = CliRunner().invoke(app, sys.argv[1:])
assert result.exit_code == 0, result.output
heavy = {"altair", "jinja2", "vl_convert", "boto3", "botocore", "pyarrow", "numpy", "msgspec"}
print(*sorted(heavy & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("arguments", "loaded"), [(["--help"], []), ([str(EXAMPLE), "--format", "sft"], ["msgspec", "numpy"])]
)
def test_libraries_for_charts_are_loaded_for_pages_only(arguments, loaded):
    told = subprocess.run([sys.executable, "-c", _LOADED, *arguments], capture_output=True, text=True, check=True)
    assert told.stdout.split() == loaded


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_compressed_dataset_is_measured_as_what_it_holds(skewed, suffix):
    data = skewed.read_bytes()
    packed = skewed.with_name(f"{skewed.name}{suffix}")
    packed.write_bytes(gzip.compress(data) if suffix == ".gz" else pyarrow.compress(data, "zstd", asbytes=True))
    plain, told = (json.loads(data_stats(path, "--format", "gen_qa", "--json").stdout) for path in (skewed, packed))
    assert told.pop("file") == str(packed)
    assert plain.pop("file") == str(skewed)
    assert told == plain
    packed.write_bytes(packed.read_bytes()[:-9])
    refused = data_stats(packed, "--format", "gen_qa", "--html", skewed.with_name("page.html"))
    assert (refused.exit_code, "breaks off" in refused.stderr or "damaged" in refused.stderr) == (1, True)
    assert not skewed.with_name("page.html").exists()


def test_the_json_stays_small_however_long_the_labels_are(tmp_path):
    rows = [{"query": f"q{number}", "response": f"{'é' * 70} {number % 1500}"} for number in range(6000)]
    told = data_stats(write(tmp_path / "data.jsonl", rows), "--format", "gen_qa", "--json")
    assert len(told.stdout.encode()) < 64 * 1024
    labels = json.loads(told.stdout)["labels"]
    assert labels["different"] == 1500
    assert 50 < len(labels["counts"]) < 1000
