"""A file with twenty mistakes gets twenty findings at once: none hides another, none is told twice."""

import json
from pathlib import Path

import pytest
from dataset_rows import write_rows
from typer.testing import CliRunner

from novaline.cli.commands import app

PLANTED = [
    ("wrong-value", "support intents", "letters and digits"),
    ("wrong-value", "nova-mikro", "nova-micro"),
    ("wrong-value", "stf", "sft"),
    ("unknown-key", "tunning", "tuning"),
    ("instance-count", "3}", "2, 4, 8"),
    ("missing-dataset", "data/validate.jsonl", "relative to the customization file"),
    ("unknown-override", "learning_rat:", "learning_rate"),
    ("override-bounds", "300", "from 1 to 100"),
    ("override-bounds", "1000", "multiple of 1024"),
    ("override-relation", "0.1", "below `learning_rate`"),
    ("locked-override", "run.replicas", "instances.count"),
    ("wrong-value", "6d", "from 15m to 5d"),
    ("unknown-start", "stf", "sft"),
    ("without-effect", "reward:", "it is of rft"),
    ("duplicate-name", "sft,", "taken"),
    ("override-bounds", "3}", "from 0 to 2"),
    ("subtask", "astronomi}", "astronomy"),
    ("not-available", "rubric_llm_judge", "nova-2-lite"),
    ("metric-not-given", "exact_match", "accuracy"),
    ("wrong-value", "2}", "0.02"),
]
"""Code, what the caret points at, and a word of the message or the hint, in the order of the file."""


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twenty")
    file = folder / "customization.yaml"
    file.write_text(Path(__file__).with_name("twenty_mistakes.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "data").mkdir()
    files = {"train": "sft", "preferences": "dpo", "eval": "gen_qa", "answers": "rubric_llm_judge"}
    for name, kind in files.items():
        write_rows(folder / "data" / f"{name}.jsonl", kind, 1)
    result = CliRunner().invoke(app, ["check", str(file), "--json"])
    assert result.exit_code == 1
    return [finding for finding in json.loads(result.stdout)["findings"] if finding["severity"] == "error"]


def test_every_mistake_is_found_and_nothing_else(findings):
    assert len(PLANTED) == 20
    assert [finding["code"] for finding in findings] == [code for code, *_ in PLANTED]


@pytest.mark.parametrize("index", range(len(PLANTED)))
def test_each_has_its_place_and_says_what_to_write(findings, index):
    _, pointed_at, word = PLANTED[index]
    finding = findings[index]
    assert finding["excerpt"][finding["column"] - 1 :].startswith(pointed_at)
    assert finding["line"] is not None
    assert word in f"{finding['message']} {finding['hint']}"
