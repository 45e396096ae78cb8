"""A small customization for the proof: the first rows of an example, so that a run takes seconds."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

EXAMPLE = Path("examples") / "support-intents"
ROWS = {"train.jsonl": 700, "eval.jsonl": 150}
CUSTOMIZATION = """\
name: least-privilege
model: nova-micro
stages:
  - {name: sft, technique: sft, data: {train: train.jsonl}, overrides: {max_epochs: 4}, timeout: 1h}
evaluations:
  - {name: holdout, task: gen_qa, data: eval.jsonl, timeout: 1h}
gate: {evaluation: holdout, metric: exact_match, against: base, margin: 0.02, confidence: 0.95}
deployment: {target: bedrock-on-demand, name: least-privilege, time_to_live: 1h}
budget: {usd: 1000}
"""


def write_small(root: Path, folder: Path) -> Path:
    """Write the customization and its data into the folder; the customization's path."""
    folder.mkdir(parents=True)
    for name, rows in ROWS.items():
        with (root / EXAMPLE / name).open("rb") as source:
            (folder / name).write_bytes(b"".join(islice(source, rows)))
    path = folder / "customization.yaml"
    path.write_text(CUSTOMIZATION, encoding="utf-8")
    return path
