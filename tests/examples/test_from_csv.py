"""A CSV becomes a customization folder, or a message that says what is wrong and where."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from examples import from_csv
from examples.csv_table import BadCsv, Entry, contradictions, read_entries, same_text_key
from examples.customization_text import customization_text
from novaline.cli.commands import app as novaline

COLOURS = ("red", "blue", "green", "grey", "black", "white", "pink", "amber", "violet", "teal")


def write_csv(path: Path, table: list[tuple[str, ...]], header: tuple[str, ...] = ("text", "label")) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *table])
    return path


@pytest.fixture
def table() -> list[tuple[str, ...]]:
    """100 different texts, 60 of the label greeting and 40 of the label farewell."""
    greetings = [(f"Hello, {one} and {other} friend", "greeting") for one in COLOURS[:6] for other in COLOURS]
    return greetings + [(f"Bye, {one} and {other} friend", "farewell") for one in COLOURS[:4] for other in COLOURS]


def run(*arguments: object):
    app = typer.Typer()
    app.command()(from_csv.main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "300"})


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def question(row: dict) -> str:
    return row["query"] if "query" in row else row["messages"][0]["content"][0]["text"]


def answer(row: dict) -> str:
    return row["response"] if "response" in row else row["messages"][1]["content"][0]["text"]


def all_rows(folder: Path) -> dict[str, list[dict]]:
    return {name: rows(folder / f"{name}.jsonl") for name in ("train", "validation", "eval")}


def problems_of(path: Path, **columns: str) -> tuple[str, ...]:
    with pytest.raises(BadCsv) as caught:
        read_entries(path, text_column="text", label_column="label", **columns)
    return caught.value.problems


def test_a_csv_becomes_three_datasets_and_a_customization(tmp_path, table):
    outcome = run(write_csv(tmp_path / "in.csv", table), "--to", tmp_path / "my-greetings")
    assert outcome.exit_code == 0, outcome.output
    made = all_rows(tmp_path / "my-greetings")
    assert {name: Counter(map(answer, found)) for name, found in made.items()} == {
        "train": {"greeting": 42, "farewell": 28},
        "validation": {"greeting": 6, "farewell": 4},
        "eval": {"greeting": 12, "farewell": 8},
    }
    questions = [question(row) for found in made.values() for row in found]
    assert sorted(questions) == sorted(text for text, _ in table)
    assert "farewell, greeting." in made["eval"][0]["system"]
    plan = yaml.safe_load((tmp_path / "my-greetings" / "customization.yaml").read_text(encoding="utf-8"))
    assert plan["name"] == plan["deployment"]["name"] == "my-greetings"
    assert plan["stages"][0]["data"] == {"train": "train.jsonl", "validation": "validation.jsonl"}
    assert "novaline check" in outcome.output


def test_the_split_does_not_depend_on_the_order_of_the_file(tmp_path, table):
    run(write_csv(tmp_path / "one.csv", table), "--to", tmp_path / "one", "--name", "same")
    run(write_csv(tmp_path / "two.csv", table[::-1]), "--to", tmp_path / "two", "--name", "same")
    for name in ("train.jsonl", "validation.jsonl", "eval.jsonl", "customization.yaml"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_file_sorted_by_label_gives_mixed_training_rows(tmp_path, table):
    run(write_csv(tmp_path / "in.csv", table), "--to", tmp_path / "out")
    answers = [answer(row) for row in rows(tmp_path / "out" / "train.jsonl")]
    assert len(set(answers[:15])) == len(set(answers[-15:])) == 2


def test_copies_of_a_text_stay_in_one_split(tmp_path, table):
    copies = [(f"  {text.upper()}!! ", label) for text, label in table]
    outcome = run(write_csv(tmp_path / "in.csv", table + copies), "--to", tmp_path / "out")
    made = {name: {same_text_key(question(row)) for row in found} for name, found in all_rows(tmp_path / "out").items()}
    assert sum(len(keys) for keys in made.values()) == 100
    assert sum(len(found) for found in all_rows(tmp_path / "out").values()) == 200
    assert "100 rows repeat a text" in outcome.output


def test_given_splits_are_kept_and_a_held_out_text_is_never_trained(tmp_path):
    given = [(f"{label} {number}", label, "train") for label in ("a", "b") for number in range(5)]
    given += [("A 0!", "a", "eval"), ("b 9", "b", "eval"), ("b 8", "b", "validation")]
    path = write_csv(tmp_path / "in.csv", given, ("text", "label", "split"))
    outcome = run(path, "--to", tmp_path / "out", "--split-column", "split")
    made = all_rows(tmp_path / "out")
    assert {name: len(found) for name, found in made.items()} == {"train": 9, "validation": 1, "eval": 2}
    assert "a 0" not in map(question, made["train"])
    assert "1 rows not used" in outcome.output


def test_nova_2_lite_gets_no_validation_data(tmp_path, table):
    outcome = run(write_csv(tmp_path / "in.csv", table), "--to", tmp_path / "out", "--model", "nova-2-lite")
    assert outcome.exit_code == 0, outcome.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "customization.yaml",
        "eval.jsonl",
        "train.jsonl",
    ]
    plan = yaml.safe_load((tmp_path / "out" / "customization.yaml").read_text(encoding="utf-8"))
    assert plan["stages"][0]["data"] == {"train": "train.jsonl"}
    assert plan["stages"][0]["overrides"]["max_steps"] == 5  # 80 rows, twice, 32 at a time


@pytest.mark.parametrize("model", ["nova-micro", "nova-2-lite"])
def test_novaline_check_accepts_the_folder(tmp_path, table, model):
    run(write_csv(tmp_path / "in.csv", table), "--to", tmp_path / "out", "--model", model)
    outcome = CliRunner().invoke(novaline, ["check", str(tmp_path / "out" / "customization.yaml"), "--json"])
    assert outcome.exit_code == 0, outcome.output
    # 80 rows are few for Nova 2 Lite, and it says so; nothing else is amiss.
    assert {finding["code"] for finding in json.loads(outcome.output)["findings"]} <= {"few-rows"}


def test_a_name_that_yaml_would_read_as_a_number_stays_a_name():
    made = customization_text(name="1234", model="nova-micro", rows={"train": 9, "validation": 0, "eval": 3})
    assert yaml.safe_load(made)["name"] == "1234"


def test_an_own_system_prompt_and_other_columns_are_used(tmp_path, table):
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("Say what it is.\n", encoding="utf-8")
    source = tmp_path / "in.csv"
    source.write_text("id\tintent\tmessage\n" + "".join(f"1\t{label}\t{text}\n" for text, label in table))
    outcome = run(
        source, "--to", tmp_path / "out", "--text-column", "message", "--label-column", "intent",
        "--delimiter", "tab", "--system-file", prompt,
    )  # fmt: skip
    assert outcome.exit_code == 0, outcome.output
    assert {row["system"] for row in rows(tmp_path / "out" / "eval.jsonl")} == {"Say what it is."}


@pytest.mark.parametrize(
    ("content", "said"), [(b" \n", "is empty"), (b"M\xfcll", "byte 2 is not UTF-8"), (b"User: hi", "breaks training")]
)
def test_a_bad_system_prompt_is_refused(tmp_path, table, content, said):
    prompt = tmp_path / "prompt.txt"
    prompt.write_bytes(content)
    outcome = run(write_csv(tmp_path / "in.csv", table), "--to", tmp_path / "out", "--system-file", prompt)
    assert outcome.exit_code == 1
    assert said in outcome.output


def test_a_folder_that_cannot_be_made_is_named(tmp_path, table):
    (tmp_path / "file").write_text("")
    outcome = run(write_csv(tmp_path / "in.csv", table), "--to", tmp_path / "file" / "out")
    assert outcome.exit_code == 1
    assert "Not a directory" in outcome.output


def test_files_that_exist_are_replaced_only_when_asked(tmp_path, table):
    source, folder = write_csv(tmp_path / "in.csv", table), tmp_path / "out"
    folder.mkdir()
    (folder / "train.jsonl").write_text("mine")
    (folder / "customization.yaml").write_text("mine")
    refused = run(source, "--to", folder)
    assert refused.exit_code == 1
    assert "train.jsonl exists; add --overwrite" in refused.output
    assert sorted(path.name for path in folder.iterdir()) == ["customization.yaml", "train.jsonl"]
    (folder / "train.jsonl").unlink()
    assert "kept as it was" in run(source, "--to", folder).output
    assert (folder / "customization.yaml").read_text() == "mine"
    assert run(source, "--to", folder, "--overwrite").exit_code == 0
    assert (folder / "customization.yaml").read_text() != "mine"


def test_every_bad_row_is_named_with_its_line(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text('text,label\n"two\nlines",a\n,a\nfine,\nwith, comma,b\nUser: hi,b\n\nlast,b\n', encoding="utf-8")
    found = problems_of(path)
    assert [problem.partition(": ")[0] for problem in found] == [f"{path}, line {line}" for line in (4, 5, 6, 7)]
    assert [problem.partition(": ")[2][:20] for problem in found] == [
        "the text is empty",
        "the label is empty",
        "3 fields, the header",
        "the text holds 'User",
    ]


def test_a_missing_column_names_the_columns_that_are_there(tmp_path):
    (problem,) = problems_of(write_csv(tmp_path / "in.csv", [("x", "y")], ("message", "label")))
    assert "line 1: no column 'text' in the header, it has 'message', 'label'" in problem


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(b"")
    (problem,) = problems_of(path)
    assert "it has nothing" in problem


def test_text_that_is_not_utf_8_is_named_with_its_line(tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes("text,label\nfine,a\nMüll,b\n".encode("latin-1"))
    with pytest.raises(BadCsv) as caught:
        read_entries(path, text_column="text", label_column="label")
    assert "line 3: byte 0xfc is not UTF-8" in caught.value.problems[0]


@pytest.mark.parametrize("tail", ['"never closed,a\nmore,b\n', '"closed" too early,a\n'])
def test_quotes_that_do_not_match_are_named_with_the_line_where_the_row_begins(tmp_path, tail):
    path = tmp_path / "in.csv"
    path.write_text(f"text,label\nfine,a\n{tail}", encoding="utf-8")
    assert "line 3: the quotes do not match" in problems_of(path)[0]


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(b"\xef\xbb\xbftext,label\r\none,a\r\ntwo,b\r\n")
    assert read_entries(path, text_column="text", label_column="label") == [
        Entry(line=2, text="one", label="a"),
        Entry(line=3, text="two", label="b"),
    ]


def test_a_text_with_two_labels_is_refused_or_left_out(tmp_path, table):
    path = write_csv(tmp_path / "in.csv", [*table, ("hello red and RED friend!", "farewell")])
    refused = run(path, "--to", tmp_path / "out")
    assert refused.exit_code == 1
    assert "line 102: label 'farewell', but line 2 gives the same text the label 'greeting'" in refused.output
    assert "--drop-contradictions" in refused.output
    assert not (tmp_path / "out").exists()
    accepted = run(path, "--to", tmp_path / "out", "--drop-contradictions")
    assert "2 rows left out" in accepted.output
    assert sum(len(found) for found in all_rows(tmp_path / "out").values()) == 99


def test_two_spellings_of_a_label_are_refused(tmp_path):
    path = write_csv(
        tmp_path / "in.csv", [("one", "Refund"), ("two", "refund"), ("three", "other"), ("four", "refund")]
    )
    assert problems_of(path) == (
        f"{path}, line 3: label 'refund' differs from 'Refund' (line 2) in capitals only; use one spelling",
    )


def test_one_label_is_not_a_choice(tmp_path):
    path = write_csv(tmp_path / "in.csv", [("one", "a"), ("two", "a")])
    assert problems_of(path) == (f"{path}, at least two labels are needed, the file has 1",)


def test_a_label_with_too_few_texts_is_named_with_its_lines(tmp_path, table):
    outcome = run(
        write_csv(tmp_path / "in.csv", [*table, ("Psst", "secret"), ("Shh", "secret")]), "--to", tmp_path / "o"
    )
    assert outcome.exit_code == 1
    assert "label 'secret' has 2 different texts (line 102, 103); 3 are needed" in outcome.output


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([("x", "a", "train"), ("y", "b", "test")], "line 3: the split is 'test', expected one of train, validation"),
        ([("x", "a", "train"), ("y", "b", "train")], "no row is in the split 'eval'"),
        (
            [("x", "a", "train"), ("y", "b", "eval"), ("z", "b", "eval")],
            "line 3: label 'b' is never in the split 'train'",
        ),
    ],
)
def test_a_bad_split_column_is_explained(tmp_path, given, said):
    path = write_csv(tmp_path / "in.csv", given, ("text", "label", "split"))
    outcome = run(path, "--to", tmp_path / "out", "--split-column", "split")
    assert outcome.exit_code == 1
    assert said in outcome.output


def test_at_most_twenty_problems_are_shown(tmp_path):
    outcome = run(write_csv(tmp_path / "in.csv", [("", "a")] * 50), "--to", tmp_path / "out")
    assert outcome.exit_code == 1
    assert len(outcome.output.splitlines()) == 22
    assert "… and 30 more" in outcome.output


@pytest.mark.parametrize("bad", [("--name", "a__b"), ("--delimiter", "::"), ("--model", "nova-premier")])
def test_wrong_usage_exits_with_2(tmp_path, table, bad):
    assert run(write_csv(tmp_path / "in.csv", table), "--to", tmp_path / "out", *bad).exit_code == 2


def test_contradictions_are_told_once_for_a_text():
    entries = [Entry(line=line, text="same", label=label) for line, label in ((2, "a"), (3, "b"), (4, "b"))]
    assert list(contradictions(entries).values()) == ["line 3: label 'b', but line 2 gives the same text the label 'a'"]
