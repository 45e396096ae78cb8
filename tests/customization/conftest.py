"""Customizations that are right, with their data, to be made wrong by tests."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from dataset_rows import row
from dataset_rows import write_rows as write_rows_of

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

OF_THEIR_OWN = ("dpo", "rft", "cpt", "distillation", "llm_judge", "rubric_llm_judge", "rft_eval")
"""Techniques and tasks with rows of a form of their own, in files of their names."""
PRICES = "{ml.p5en.48xlarge: 70, ml.p4d.24xlarge: 38, ml.r5.24xlarge: 8, ml.g5.48xlarge: 20}"


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes the right customization with replacements (`old`, `new`), and its data; returns the file's path."""
    write_rows(tmp_path / "train.jsonl", [row("sft", f"question {number}") for number in range(300)])
    write_rows(tmp_path / "eval.jsonl", [row("gen_qa", f"held out {number}") for number in range(50)])

    def written(*replacements: tuple[str, str], text: str = RIGHT) -> Path:
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "customization.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


@pytest.fixture
def write_stages(write, tmp_path) -> Callable[..., Path]:
    """Writes a customization of these stages: each a mapping of keys to their YAML; data and budget are enough."""
    for kind in OF_THEIR_OWN:
        write_rows_of(tmp_path / f"{kind}.jsonl", kind, 1000)
    write_rows(tmp_path / "rows.jsonl", [{"id": str(number)} for number in range(1000)])

    def written(*stages: dict[str, str], model: str = "nova-micro", evaluations: str = "", **extra: str) -> Path:
        lines = [f"name: chain\nmodel: {model}\nstages:"]
        for number, stage in enumerate(stages, 1):
            technique = stage["technique"]
            rows = "train" if technique == "sft" else technique if technique in OF_THEIR_OWN else "rows"
            keys = {"name": f"s{number}", "data": f"{{train: {rows}.jsonl}}", "timeout": "1h"} | stage
            lines.append("  - " + "\n    ".join(f"{key}: {value}" for key, value in keys.items()))
        lines.append("evaluations:\n  - {name: holdout, task: gen_qa, data: eval.jsonl, timeout: 1h}")
        if evaluations:
            lines.append(evaluations)
        rest = {
            "gate": "{evaluation: holdout, metric: exact_match}",
            "budget": f"{{usd: 1e6, prices: {PRICES}}}",
        } | extra
        lines += [f"{key}: {value}" for key, value in rest.items()]
        return write(text="\n".join(lines) + "\n")

    return written
