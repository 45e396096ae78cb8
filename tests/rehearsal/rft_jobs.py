"""Jobs and data for the tests of reinforcement fine-tuning: rows, recipes, requests, and functions that score."""

import json
from typing import Any

from tests.rehearsal.fake_cloud import ACCOUNT, REGION, FakeCloud
from tests.rehearsal.jobs import EVALUATOR, SYSTEM, gen_qa_rows, intents, job_request

LITE_2 = "amazon.nova-2-lite-v1:0:256k"
BASE = "nova-lite-2/prod"
REWARD = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:novaline-dev-SageMaker-intent"
PROCESSOR = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:novaline-dev-SageMaker-quality-processor"
RFT_RECIPE = f"""
run: {{name: intents-rft, model_type: "{LITE_2}", model_name_or_path: {BASE}, reward_lambda_arn: "{REWARD}"}}
training_config:
  max_length: 8192
  global_batch_size: 16
  rollout:
    advantage_strategy: {{number_generation: 4}}
    generator: {{max_new_tokens: 50, temperature: 1, top_k: 0}}
    rewards: {{api_endpoint: {{lambda_arn: "{REWARD}", lambda_concurrency_limit: 12}}}}
  trainer: {{max_steps: 30, optim_config: {{lr: 1e-4}}}}
"""
RFT_EVAL_RECIPE = f"""
run: {{name: reward, model_type: "{LITE_2}", model_name_or_path: MODEL, replicas: 1}}
evaluation: {{task: rft_eval, strategy: rft_eval, metric: all}}
inference: {{max_new_tokens: 50, top_k: -1, top_p: 1.0, temperature: 0, reasoning_effort: null}}
rl_env: {{reward_lambda_arn: "{REWARD}"}}
"""
PROCESSED_RECIPE = f"""
run: {{name: holdout, model_type: "{LITE_2}", model_name_or_path: MODEL, replicas: 1}}
evaluation: {{task: gen_qa, strategy: gen_qa, metric: all}}
processor:
  lambda_arn: "{PROCESSOR}"
  lambda_type: custom_metrics
  preprocessing: {{enabled: false}}
  postprocessing: {{enabled: true}}
  aggregation: average
inference: {{max_new_tokens: 50, top_k: -1, top_p: 1.0, temperature: 0, reasoning_effort: null}}
"""


def rft_rows(count: int, *, seed: int = 1, **fields: Any) -> bytes:
    rows = (
        {
            "id": f"row-{number}",
            "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}],
            "reference_answer": answer,
            **fields,
        }
        for number, (text, answer) in enumerate(intents(count, seed=seed))
    )
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def said(sample: dict[str, Any]) -> str:
    """The answer in a sample of the shape of training jobs."""
    (part,) = sample["messages"][-1]["content"]
    return part["text"]


def scored(samples: list[dict[str, Any]], judge: Any = None) -> list[dict[str, Any]]:
    """What a good reward function returns: 1 for the reference, unless `judge(sample)` says otherwise."""
    judge = judge or (lambda sample: float(said(sample) == sample["reference_answer"]))
    return [
        {
            "id": sample["id"],
            "aggregate_reward_score": judge(sample),
            "metrics_list": [{"name": "found", "value": 1.0, "type": "Metric"}],
        }
        for sample in samples
    ]


def rft_request(cloud: FakeCloud, name: str = "rft-1", **more: Any) -> dict[str, Any]:
    settings = {
        "data": rft_rows(160),
        "recipe": RFT_RECIPE,
        "image": "nova-fine-tune-repo:SM-TJ-RFT-V2-latest",
        "data_type": "S3Prefix",
        "hyperparameters": {"model_type": LITE_2, "base_model": BASE, "reward_lambda_arn": REWARD},
    }
    return job_request(cloud, name, **(settings | more))


def evaluation_of(cloud: FakeCloud, name: str, *, model: str, recipe: str, **more: Any) -> dict[str, Any]:
    base = "base_model_location" if model.startswith("s3://") else "base_model"
    own = {"eval_lambda_arn": PROCESSOR} if "processor:" in recipe else {}
    settings = {
        "data": rft_rows(80, seed=2) if "rft_eval" in recipe else gen_qa_rows(intents(80, seed=2)),
        "recipe": recipe.replace("MODEL", model),
        "image": "nova-evaluation-repo:SM-TJ-Eval-V2-latest",
        "file": "rft_eval.jsonl" if "rft_eval" in recipe else "gen_qa.jsonl",
        "data_type": "S3Prefix",
        "role_arn": EVALUATOR,
        "hyperparameters": {"model_type": LITE_2, base: model, **own},
    }
    return job_request(cloud, name, **(settings | more))
