"""Small customizations for the proof: the first rows of an example, so that a run takes seconds."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

EXAMPLE = Path("examples") / "support-intents"
ROWS = {"train.jsonl": 700, "eval.jsonl": 150}
CUSTOMIZATION = """\
name: least-privilege
model: nova-micro
stages:
  - name: sft
    technique: sft
    data: {train: train.jsonl}
    overrides: {max_epochs: 4}
    timeout: 1h
evaluations:
  - {name: holdout, task: gen_qa, data: eval.jsonl, timeout: 1h}
gate: {evaluation: holdout, metric: exact_match, against: base, margin: 0.02, confidence: 0.95}
deployment: {target: bedrock-on-demand, name: least-privilege, time_to_live: 1h}
budget: {usd: 1000}
"""


REWARDED = Path("examples") / "return-decisions"
REWARDED_ROWS = {"taught.jsonl": 64, "train.jsonl": 240, "eval.jsonl": 40, "rewards.jsonl": 40}
REWARDED_CUSTOMIZATION = """\
name: rewarded
model: nova-2-lite
stages:
  - name: sft
    technique: sft
    data: {train: taught.jsonl}
    overrides: {max_steps: 4, global_batch_size: 32, warmup_steps: 1}
    timeout: 1h
  - name: rft
    technique: rft
    start: sft
    reward: classification
    data: {train: train.jsonl}
    overrides:
      max_steps: 8
      global_batch_size: 16
      training_config.rollout.advantage_strategy.number_generation: 4
      training_config.rollout.generator.top_k: 0
    timeout: 1h
evaluations:
  - {name: holdout, task: gen_qa, data: eval.jsonl, processor: decisions, timeout: 1h}
  - {name: reward, task: rft_eval, data: rewards.jsonl, reward: classification, timeout: 1h}
gate: {evaluation: holdout, metric: exact_match, against: base, margin: 0.02, confidence: 0.95}
deployment: {target: none}
budget: {usd: 10000}
"""


def with_validation(file: Path, uri: str) -> Path:
    """Write the same customization beside `file`, with an object in S3 as its validation data; its path."""
    text = file.read_text(encoding="utf-8").replace(
        "{train: train.jsonl}", f"{{train: train.jsonl, validation: {uri}}}"
    )
    path = file.with_name("with-validation.yaml")
    path.write_text(text, encoding="utf-8")
    return path


def write_small(root: Path, folder: Path) -> Path:
    """Write the customization and its data into the folder; the customization's path."""
    return _written(folder, CUSTOMIZATION, root / EXAMPLE, ROWS)


def write_rewarded(root: Path, folder: Path) -> Path:
    """The same for one of two stages, the second of which learns from a reward function; it has metrics of its own."""
    return _written(folder, REWARDED_CUSTOMIZATION, root / REWARDED, REWARDED_ROWS)


def _written(folder: Path, text: str, example: Path, rows: Mapping[str, int]) -> Path:
    folder.mkdir(parents=True)
    for name, count in rows.items():
        with (example / name).open("rb") as source:
            (folder / name).write_bytes(b"".join(islice(source, count)))
    path = folder / "customization.yaml"
    path.write_text(text, encoding="utf-8")
    return path
