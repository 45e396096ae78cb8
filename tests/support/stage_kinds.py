"""A customization of every kind that can be planned, by name, with data for it: written to a folder on demand."""

from pathlib import Path

from dataset_rows import write_rows

from novaline.environments import Environment

DEV = Environment.model_validate(
    {
        "name": "dev", "account": "111111111111", "region": "us-east-1", "retain": False, "noncurrent_days": 7,
        "termination_protection": False, "log_retention_days": 30, "budget_usd_per_run": 1_000_000.0,
        "rewards": {"classification": {"function": "classification"}},
        "processors": {"decisions": {"metrics": {"settled": {"function": "classification"}}}},
    }
)  # fmt: skip

_EVALUATION = "{name: holdout, task: gen_qa, data: eval.jsonl}"
_PRICES = "{ml.p5.48xlarge: 60, ml.p5en.48xlarge: 70, ml.p4d.24xlarge: 40, ml.r5.24xlarge: 8, ml.g5.48xlarge: 20}"
_METRICS = "arn:aws:lambda:us-east-1:111111111111:function:metrics"
_ESCROW = "s3://customer-escrow-111111111111-smtj-abc123/run/7/"
_PACKAGE = "arn:aws:sagemaker:us-east-1:111111111111:model-package/earlier/3"

# model, stages, evaluation
KINDS: dict[str, tuple[str, list[str], str]] = {
    "sft": ("nova-micro", ["{technique: sft, validation}"], _EVALUATION),
    "sft of nova-2-lite": ("nova-2-lite", ["{technique: sft}"], _EVALUATION),
    "sft in full": ("nova-pro", ["{technique: sft, tuning: full}"], _EVALUATION),
    "sft from a checkpoint": ("nova-micro", [f"{{technique: sft, start: '{_ESCROW}'}}"], _EVALUATION),
    "sft from a model package": ("nova-micro", [f"{{technique: sft, start: '{_PACKAGE}'}}"], _EVALUATION),
    "dpo": ("nova-lite", ["{technique: dpo}"], _EVALUATION),
    "rft": ("nova-2-lite", ["{technique: rft, reward: classification}"], _EVALUATION),
    "sft, then rft": (
        "nova-2-lite", ["{technique: sft}", "{technique: rft, start: first, reward: classification}"], _EVALUATION,
    ),
    "distillation": ("nova-micro", ["{technique: distillation, teacher: nova-pro}"], _EVALUATION),
    "bedrock sft": ("nova-micro", ["{technique: sft, platform: bedrock, validation}"], _EVALUATION),
    "bedrock rft": ("nova-2-lite", ["{technique: rft, platform: bedrock, reward: classification}"], _EVALUATION),
    "bedrock distillation": (
        "nova-micro", ["{technique: distillation, platform: bedrock, teacher: nova-pro}"], _EVALUATION,
    ),
    "bedrock sft, twice": (
        "nova-micro",
        ["{technique: sft, platform: bedrock}", "{technique: sft, platform: bedrock, start: first}"],
        _EVALUATION,
    ),
    "serverless sft": ("nova-2-lite", ["{technique: sft, platform: serverless}"], _EVALUATION),
    "serverless dpo in full": ("nova-lite", ["{technique: dpo, platform: serverless, tuning: full}"], _EVALUATION),
    "serverless rft": ("nova-2-lite", ["{technique: rft, platform: serverless, reward: classification}"], _EVALUATION),
    "serverless sft, twice": (
        "nova-micro",
        ["{technique: sft, platform: serverless}", "{technique: sft, platform: serverless, start: first}"],
        _EVALUATION,
    ),
    "hyperpod cpt": ("nova-lite", ["{technique: cpt, platform: hyperpod}"], _EVALUATION),
    "hyperpod ppo": ("nova-micro", ["{technique: ppo, platform: hyperpod}"], _EVALUATION),
    "hyperpod rft": ("nova-2-lite", ["{technique: rft, platform: hyperpod, reward: classification}"], _EVALUATION),
    "hyperpod sft, twice": (
        "nova-micro",
        ["{technique: sft, platform: hyperpod}", "{technique: sft, platform: hyperpod, start: first}"],
        _EVALUATION,
    ),
    "benchmark": ("nova-micro", ["{technique: sft}"], "{name: holdout, task: mmlu, subtask: anatomy}"),
    "benchmark without subtasks": ("nova-2-lite", ["{technique: sft}"], "{name: holdout, task: ifeval}"),
    "own metrics": (
        "nova-2-lite",
        ["{technique: sft}"],
        f"{{name: holdout, task: gen_qa, data: eval.jsonl, processor: {{function: '{_METRICS}', aggregation: max}}}}",
    ),
    "declared metrics": (
        "nova-2-lite",
        ["{technique: sft}"],
        "{name: holdout, task: gen_qa, data: eval.jsonl, processor: decisions}",
    ),
    "rft_eval": (
        "nova-2-lite",
        ["{technique: sft}"],
        "{name: holdout, task: rft_eval, data: eval.jsonl, reward: classification}",
    ),
    "judge": ("nova-lite", ["{technique: sft}"], "{name: holdout, task: llm_judge, data: eval.jsonl}"),
}  # fmt: skip


def write_kind(folder: Path, kind: str, *, target: str = "bedrock-on-demand") -> Path:
    """The customization of that kind, with its data; returns the file's path."""
    model, stages, evaluation = KINDS[kind]
    folder.mkdir(exist_ok=True)
    names = ("first", "second")
    techniques = {text.partition("technique: ")[2].split(",")[0].rstrip("}") for text in stages}
    for technique in techniques:
        write_rows(folder / f"{technique}.jsonl", technique, 300)
    write_rows(folder / "validation.jsonl", "sft", 300, first=1000)
    write_rows(folder / "eval.jsonl", evaluation.partition("task: ")[2].split(",")[0].rstrip("}"), 300)
    lines = [f"name: every-kind\nmodel: {model}\nstages:"]
    for name, text in zip(names, stages, strict=False):
        technique = text.partition("technique: ")[2].split(",")[0].rstrip("}")
        data = f"train: {technique}.jsonl" + (", validation: validation.jsonl" if "validation" in text else "")
        keys = text.replace(", validation", "").strip("{}")
        lines.append(f"  - {{name: {name}, data: {{{data}}}, timeout: 2h, {keys}}}")
    gate = "{evaluation: judged, metric: exact_match}"
    lines.append(f"evaluations:\n  - {evaluation}")
    lines.append("  - {name: judged, task: gen_qa, data: judged.jsonl}")
    write_rows(folder / "judged.jsonl", "gen_qa", 300, first=5000)
    deployment = "{target: bedrock-on-demand, name: every-kind, keep: true}" if target != "none" else "{target: none}"
    lines.append(f"gate: {gate}\ndeployment: {deployment}\nbudget: {{usd: 900000, prices: {_PRICES}}}\n")
    path = folder / "customization.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
