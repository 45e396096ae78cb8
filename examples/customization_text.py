"""The customization.yaml that goes with a converted dataset: few keys, each explained, to be edited by hand."""

import math
from collections.abc import Mapping

_NOVA_2_BATCH = 32
_BUDGET_USD = {"nova-micro": 1000, "nova-2-lite": 1500}


def customization_text(*, name: str, model: str, rows: Mapping[str, int]) -> str:
    """The file's text. `rows` are the numbers of rows by split; a split without rows is not mentioned."""
    data = "train: train.jsonl" + (", validation: validation.jsonl" if rows["validation"] else "")
    return f"""\
# {rows["train"]} training rows, {rows["eval"]} evaluation rows. examples/support-intents explains the keys.
name: "{name}"
model: {model}

stages:
  - name: sft
    technique: sft
    tuning: lora
    platform: sagemaker
    data: {{{data}}}
    overrides: {_overrides(model, rows["train"])}
    timeout: 3h

evaluations:
  - {{name: holdout, task: gen_qa, data: eval.jsonl}}

gate: {{evaluation: holdout, metric: exact_match, against: base, margin: 0.02, confidence: 0.95}}

deployment: {{target: bedrock-on-demand, name: "{name}", time_to_live: 72h}}

budget: {{usd: {_BUDGET_USD[model]}}}
"""


def _overrides(model: str, train_rows: int) -> str:
    if model == "nova-micro":
        return "{max_epochs: 2}"
    # Nova 2 counts steps: two rounds through the data; the recipe takes no fewer than 4.
    steps = max(4, math.ceil(2 * train_rows / _NOVA_2_BATCH))
    warmup = max(1, min(15, round(0.15 * steps)))
    return (
        f"{{max_steps: {steps}, warmup_steps: {warmup}, global_batch_size: {_NOVA_2_BATCH}, max_length: 8192, "
        "reasoning_enabled: false}"
    )
