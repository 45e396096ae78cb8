"""`novaline data prepare`: what a person says, what they see, and what they are told when it does not fit together."""

import json
import os
import re

import pytest
from typer.testing import CliRunner

import benchmarks.commands
from benchmarks.commands import HEAVY, heavy_imports
from novaline.cli.commands import app

INTENTS = {
    "train": [[f"please book flight {number}", "book_flight"] for number in range(60)]
    + [[f"what is my balance {number}", "balance"] for number in range(60)],
    "val": [["book me a seat", "book_flight"]],
    "test": [["how much do i have", "balance"], ["fly me out", "book_flight"]],
}
MAP = ("--map", "prompt=0", "--map", "answer=1")


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A file as CLINC150 is: an object of lists of [text, intent]; the folder around it is the working directory."""
    (tmp_path / "data_full.json").write_text(json.dumps(INTENTS))
    (tmp_path / "rows.csv").write_text("text,label\nhello there,greet\nbye now,leave\n")
    (tmp_path / "semicolons.csv").write_text("text;label\nhello there;greet\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def prepare(*arguments):
    return CliRunner().invoke(app, ["data", "prepare", *map(str, arguments)])


def told(result) -> str:
    """What stderr says, in one line."""
    return re.sub(r"\s+", " ", result.stderr)


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


# ---- one command each --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "more", "check"),
    [
        ("sft", (), lambda row: row["messages"][1]["content"][0]["text"] == "book_flight"),
        ("rft", (), lambda row: row["reference_answer"] == "book_flight"),
        ("dpo", ("--make-pairs",), lambda row: row["messages"][1]["candidates"][1]["content"][0]["text"] == "balance"),
        ("gen_qa", (), lambda row: row["response"] == "book_flight"),
        (
            "llm_judge",
            ("--make-pairs",),
            lambda row: (row["response_A"], row["response_B"]) == ("book_flight", "balance"),
        ),
    ],
)
def test_intents_become_rows_of_a_format_with_one_command(source, to, more, check):
    result = prepare("data_full.json", "--select", "train", "--to", to, *MAP, *more, "--output", "out")
    assert result.exit_code == 0, result.output
    (path,) = (source / "out").glob("*.jsonl")
    found = rows(path)
    assert len(found) == 120
    assert check(found[0])
    assert f"novaline data validate out/{path.name} --format {to}" in result.stdout
    assert "120 rows" in result.stdout


def test_what_is_written_is_what_validate_accepts(source):
    prepare("data_full.json", "--select", "train", "--to", "sft", *MAP, "--output", "out", "--split", "80/10/10")
    for split in ("train", "validation", "test"):
        result = CliRunner().invoke(app, ["data", "validate", f"out/{split}.jsonl", "--format", "sft"])
        assert result.exit_code == 0, result.output


def test_columns_are_found_by_their_names(source):
    result = prepare("rows.csv", "--to", "gen_qa", "--output", "eval.jsonl")
    assert "query from text, response from label" in result.stdout
    assert rows(source / "eval.jsonl")[0] == {"query": "hello there", "response": "greet"}


def test_the_system_prompt_comes_from_a_file_without_the_white_space_at_its_end(source):
    (source / "prompt.txt").write_text("Name the intent.\n\n")
    prepare("rows.csv", "--to", "sft", "--output", "out", "--system-file", "prompt.txt")
    assert rows(source / "out" / "train.jsonl")[0]["system"] == [{"text": "Name the intent."}]


# ---- showing -----------------------------------------------------------------------------------------------------


def test_samples_are_shown_and_nothing_is_written_without_an_output(source):
    result = prepare("rows.csv", "--to", "sft", "--show", "1")
    assert result.exit_code == 0
    assert '"text": "hello there"' in result.stdout
    assert "bye now" not in result.stdout
    assert "nothing was written: add --output" in result.stdout


def test_json_is_one_document(source):
    result = prepare("rows.csv", "--to", "sft", "--output", "out", "--show", "1", "--json")
    document = json.loads(result.stdout)
    assert document["manifest"] == json.loads((source / "out" / "manifest.json").read_text())
    assert document["files"] == ["out/train.jsonl"]
    assert document["samples"][0]["row"]["messages"][0]["role"] == "user"
    assert document["findings"] == []


def test_bad_rows_are_shown_with_their_line_and_what_to_do(source):
    with (source / "rows.csv").open("a") as file:
        file.write(",nothing\nUser: hi,greet\none field\n")
    result = prepare("rows.csv", "--to", "sft", "--output", "out")
    assert result.exit_code == 1
    for part in ("rows.csv:4", "the prompt is empty", "rows.csv:5", "'User:'", "rows.csv:6", "2 fields", "--skip-bad"):
        assert part in told(result), part
    assert not (source / "out").exists()
    result = prepare("rows.csv", "--to", "sft", "--output", "out", "--skip-bad")
    assert result.exit_code == 0
    assert "3 rows left out" in result.stdout


def test_bad_rows_in_json_are_findings(source):
    (source / "rows.csv").write_text("text,label\n,x\n")
    result = prepare("rows.csv", "--to", "sft", "--output", "out", "--json")
    assert (result.exit_code, result.stderr) == (1, "")
    assert [finding["code"] for finding in json.loads(result.stdout)["findings"]] == ["empty-prompt"]


def test_a_preview_of_bad_rows_shows_both_and_fails(source):
    (source / "rows.csv").write_text("text,label\n,x\na,b\n")
    result = prepare("rows.csv", "--to", "sft", "--show", "3")
    assert result.exit_code == 1
    assert '"text": "a"' in result.stdout
    assert "the prompt is empty" in told(result)


# ---- what does not fit together ----------------------------------------------------------------------------------


def test_sources_of_different_columns_tell_what_each_column_was_taken_for(source):
    (source / "others.jsonl").write_text('{"question": "hello", "answer": "greet"}\n')
    result = prepare("rows.csv", "others.jsonl", "--to", "sft", "--output", "o")
    assert "rows.csv: prompt from text, answer from label" in result.stdout
    assert "others.jsonl: prompt from question, answer from answer" in result.stdout
    sources = json.loads((source / "o" / "manifest.json").read_text())["sources"]
    assert [each.get("mapping") for each in sources] == [{"prompt": "text", "answer": "label"}, None]


def test_a_file_whose_name_is_no_unicode_is_prepared_and_named_in_the_manifest(source):
    name = os.fsdecode(b"rows\xff.csv")
    (source / "rows.csv").rename(name)
    result = prepare(name, "--to", "sft", "--output", "o")
    assert result.exit_code == 0, result.output
    assert json.loads((source / "o" / "manifest.json").read_text())["sources"][0]["uri"] == name


def test_a_folder_with_a_dot_in_its_name_takes_the_rows_when_it_is_there(source):
    (source / "v1.2").mkdir()
    assert prepare("rows.csv", "--to", "sft", "--output", "v1.2").exit_code == 0
    assert sorted(path.name for path in (source / "v1.2").iterdir()) == ["manifest.json", "train.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (("rows.csv", "--to", "sft"), 2, "add --output DIR, or --show 3"),
        (("rows.csv", "--to", "sfd", "--output", "o"), 2, "sfd"),
        (("gone.csv", "--to", "sft", "--output", "o"), 2, "no file, folder or match for gone.csv"),
        (("rows.csv", "--to", "sft", "--output", "o.json"), 2, "expected a folder or a .jsonl file"),
        (("rows.csv", "--to", "sft", "--output", "s3://b/k"), 2, "the output is local"),
        (("rows.csv", "--to", "sft", "--output", "o.jsonl", "--split", "80/20"), 2, "several splits do not fit"),
        (("rows.csv", "--to", "sft", "--output", "o", "--split", "8/1"), 0, ""),
        (("rows.csv", "--to", "sft", "--output", "o", "--split", "80/10"), 2, "the shares of 80/10 make 90"),
        (("rows.csv", "--to", "sft", "--output", "o", "--split", "80/30/10"), 2, "let the shares make 100"),
        (("rows.csv", "--to", "sft", "--output", "v1.2"), 2, "a folder with a dot in its name must be there already"),
        (("", "--to", "sft", "--output", "o"), 2, "the name of a source is empty"),
        (
            ("rows.csv", "--to", "sft", "--output", "o", "--map", "prompt=text", "--map", "answer=text"),
            2,
            "both mapped",
        ),
        (("semicolons.csv", "--to", "sft", "--output", "o"), 1, "--delimiter ';'"),
        (("rows.csv", "--to", "sft", "--output", "o", "--split", "all"), 2, "expected whole shares like 80/10/10"),
        (("rows.csv", "--to", "sft", "--output", "o", "--stratify", "label"), 2, "add --split 80/10/10"),
        (("rows.csv", "--to", "sft", "--output", "o", "--split", "9/1", "--only", "test"), 2, "there is no split test"),
        (("rows.csv", "--to", "sft", "--output", "o", "--map", "prompt"), 2, "expected role=column"),
        (("rows.csv", "--to", "sft", "--output", "o", "--map", "promt=text"), 2, "did you mean prompt?"),
        (("rows.csv", "--to", "sft", "--output", "o", "--map", "prompt=a", "--map", "query=b"), 2, "two columns"),
        (("rows.csv", "--to", "sft", "--output", "o", "--map", "prompt=txet"), 1, "did you mean text?"),
        (("rows.csv", "--to", "dpo", "--output", "o"), 1, "--map rejected=COLUMN"),
        (("rows.csv", "--to", "sft", "--output", "o", "--make-pairs"), 2, "no pairs to make"),
        (("rows.csv", "--to", "cpt", "--output", "o", "--system", "x"), 2, "no place for a system prompt"),
        (("rows.csv", "--to", "sft", "--output", "o", "--select", "train"), 2, "--select names lists of a JSON object"),
        (("data_full.json", "--to", "sft", "--output", "o", "--no-header"), 2, "are about CSV files"),
        (("rows.csv", "--to", "sft", "--output", "o", "--map", "system=gone"), 1, "no column 'gone'"),
        (("rows.csv", "--to", "sft", "--output", "o", "--system", " "), 2, "the system prompt is empty"),
        (("rows.csv", "--to", "sft", "--output", "o", "--system", "User: x"), 1, "'User:'"),
        (("rows.csv", "--to", "sft", "--output", "o", "--system", "a", "--system-file", "b"), 2, "leave one out"),
        (("rows.csv", "--to", "sft", "--output", "o", "--system-file", "gone.txt"), 2, "cannot read gone.txt"),
        (("rows.csv", "--to", "sft", "--output", "o", "--delimiter", "||"), 2, "one character"),
        (("rows.csv", "--to", "sft", "--output", "o", "--split-like", "gone"), 1, "cannot read"),
        (("rows.csv", "--to", "sft", "--output", "o", "--from", "openai-chat"), 1, "--map messages=COLUMN"),
        (("rows.csv", "--to", "sft", "--output", "o", "--split", "8/2", "--group", "x"), 1, "no column 'x'"),
        (("data_full.json", "--to", "sft", "--output", "o"), 1, "several lists: train, val, test"),
        (("data_full.json", "--to", "sft", "--output", "o", "--select", "trian"), 1, "did you mean train?"),
        (("data_full.json", "--to", "sft", "--output", "o", "--select", "val"), 1, "as in [\"book me a seat\""),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_told_with_what_to_do(source, arguments, code, part):
    result = prepare(*arguments)
    assert (result.exit_code, part in told(result)) == (code, True), result.output
    assert "Traceback" not in result.output
    assert code == 0 or not (source / "o").exists()


def test_a_later_output_can_be_split_like_an_earlier_one(source):
    shared = ("data_full.json", "--select", "train", "--to", "sft", *MAP, "--stratify", "1")
    assert prepare(*shared, "--output", "a", "--split", "80/10/10", "--seed", "5").exit_code == 0
    result = prepare(*shared, "--output", "b", "--split-like", "a")
    assert result.exit_code == 0, result.output
    assert (source / "a" / "test.jsonl").read_bytes() == (source / "b" / "test.jsonl").read_bytes()


def test_its_help_loads_nothing_heavy():
    assert heavy_imports(("data", "prepare", "--help")) == []


def test_a_csv_needs_no_pyarrow_and_no_aws_client(source, monkeypatch):
    arguments = ("data", "prepare", str(source / "rows.csv"), "--to", "sft", "--show", "1")
    script = benchmarks.commands._LOADED.replace(repr(HEAVY), repr((*HEAVY, "pyarrow")))
    assert "pyarrow" in script
    monkeypatch.setattr(benchmarks.commands, "_LOADED", script)
    assert heavy_imports(arguments) == []
