"""A customization that is right, with its data, to be made wrong by tests."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

RIGHT = """\
name: support-intents
model: nova-micro
stages:
  - name: sft
    technique: sft
    data: {train: train.jsonl}
    overrides: {learning_rate: 5e-6, max_epochs: 3}
    timeout: 2h
evaluations:
  - {name: holdout, task: gen_qa, data: eval.jsonl, timeout: 1h}
gate: {evaluation: holdout, metric: exact_match, margin: 0.02}
deployment: {target: bedrock-on-demand, name: support-intents, time_to_live: 72h}
budget: {usd: 1000}
"""


def conversation(question, answer="billing"):
    """One SFT row."""
    turns = [("user", question), ("assistant", answer)]
    return {"messages": [{"role": role, "content": [{"text": text}]} for role, text in turns]}


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes the right customization with replacements (`old`, `new`), and its data; returns the file's path."""
    write_rows(tmp_path / "train.jsonl", [conversation(f"question {number}") for number in range(300)])
    write_rows(
        tmp_path / "eval.jsonl", [{"query": f"held out {number}", "response": "billing"} for number in range(50)]
    )

    def written(*replacements: tuple[str, str], text: str = RIGHT) -> Path:
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "customization.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written
