"""Jobs and data for the tests of the rehearsal's services: intents that words tell apart, recipes, requests."""

import io
import json
import random
import tarfile
import time
from typing import Any

from novaline.rehearsal.aws_call import Call
from novaline.rehearsal.sagemaker.service import SageMaker
from tests.rehearsal.fake_cloud import ACCOUNT, KEY, REGION, FakeCloud, role

TRAINER = role("Training")
EVALUATOR = role("Evaluation")
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/StateMachine/run"
MICRO = "amazon.nova-micro-v1:0:128k"
REGISTRY = f"708977205387.dkr.ecr.{REGION}.amazonaws.com"
WORDS = {
    "refund_request": ["money back", "reimburse me", "return the amount", "want a refund"],
    "lost_card": ["card is gone", "lost my card", "cannot find my plastic", "stolen wallet"],
    "opening_hours": ["when do you open", "closing time today", "branch on sunday", "are you there at noon"],
    "change_address": ["I moved house", "new street", "update where I live", "different postal code"],
}
SYSTEM = "Name the intent, one of: " + ", ".join(WORDS) + "."


def intents(count: int, *, seed: int = 1) -> list[tuple[str, str]]:
    chance = random.Random(seed)
    fillers = ["please", "hello", "quickly", "for my mother", "again", "it is urgent", "thanks", "in the app", "maybe"]
    rows = []
    for number in range(count):
        label = list(WORDS)[number % len(WORDS)]
        rows.append((f"{chance.choice(fillers)} {chance.choice(WORDS[label])} {chance.choice(fillers)}", label))
    return rows


def sft_rows(pairs: list[tuple[str, str]], system: str = SYSTEM) -> bytes:
    return b"".join(
        json.dumps(
            {
                "schemaVersion": "bedrock-conversation-2024",
                "system": [{"text": system}],
                "messages": [
                    {"role": "user", "content": [{"text": query}]},
                    {"role": "assistant", "content": [{"text": answer}]},
                ],
            }
        ).encode()
        + b"\n"
        for query, answer in pairs
    )


def gen_qa_rows(pairs: list[tuple[str, str]], system: str = SYSTEM) -> bytes:
    rows = ({"query": query, "response": answer, "system": system} for query, answer in pairs)
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


SFT_RECIPE = """
run:
  name: intents-sft
  model_type: amazon.nova-micro-v1:0:128k
  model_name_or_path: nova-micro/prod
  replicas: 2
training_config:
  max_length: 32768
  global_batch_size: 16
  trainer: {max_epochs: 2}
  model:
    optim: {lr: 1e-5, name: distributed_fused_adam, sched: {warmup_steps: 2, constant_steps: 0, min_lr: 1e-6}}
    peft: {peft_scheme: lora}
"""
LITE_2_RECIPE = """
run: {name: intents-sft, model_type: "amazon.nova-2-lite-v1:0:256k", model_name_or_path: nova-lite-2/prod}
training_config:
  max_steps: 10
  save_steps: ${oc.select:training_config.max_steps}
  global_batch_size: 32
  optim_config: {lr: 1e-5}
  lr_scheduler: {warmup_steps: 2, min_lr: 1e-6}
"""
EVALUATION_RECIPE = """
run: {name: holdout, model_type: "amazon.nova-micro-v1:0:128k", model_name_or_path: MODEL, replicas: 1}
evaluation: {task: gen_qa, strategy: gen_qa, metric: all}
inference: {max_new_tokens: 50, top_k: -1, top_p: 1.0, temperature: 0}
"""


def job_request(
    cloud: FakeCloud,
    name: str,
    *,
    data: bytes,
    recipe: str,
    image: str,
    file: str = "train.jsonl",
    data_type: str = "Converse",
    role_arn: str = TRAINER,
    hyperparameters: dict[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A CreateTrainingJob request whose data and recipe lie in the fake S3."""

    def channel(channel_name: str, uri: str, kind: str) -> dict[str, Any]:
        source = {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
        return {"ChannelName": channel_name, "InputMode": "File", "DataSource": {"S3DataSource": source}}

    train = cloud.put("data", f"data/{name}/{file}", data)
    rendered = cloud.put("artifacts", f"runs/r1/recipes/{name}/recipe.yaml", recipe.encode())
    return {
        "TrainingJobName": name,
        "RoleArn": role_arn,
        "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": f"{REGISTRY}/{image}"},
        "HyperParameters": {
            "sagemaker_recipe_local_path": "/opt/ml/input/data/recipe/recipe.yaml",
            **(hyperparameters or {"model_type": MICRO, "base_model": "nova-micro/prod"}),
        },
        "InputDataConfig": [channel("train", train, data_type), channel("recipe", rendered, "S3Prefix")],
        "OutputDataConfig": {
            "S3OutputPath": "s3://artifacts/runs/r1/training",
            "KmsKeyId": KEY,
            "CompressionType": "GZIP",
        },
        "ResourceConfig": {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400},
        **more,
    }


def sft_request(cloud: FakeCloud, name: str = "sft-1", **more: Any) -> dict[str, Any]:
    settings = {
        "data": sft_rows(intents(160)),
        "recipe": SFT_RECIPE,
        "image": "nova-fine-tune-repo:SM-TJ-SFT-latest",
    }
    return job_request(cloud, name, **(settings | more))


def evaluation_request(cloud: FakeCloud, name: str = "eval-1", *, model: str, **more: Any) -> dict[str, Any]:
    base = "base_model_location" if model.startswith("s3://") else "base_model"
    settings = {
        "data": gen_qa_rows(intents(80, seed=2)),
        "recipe": EVALUATION_RECIPE.replace("MODEL", model),
        "image": "nova-evaluation-repo:SM-TJ-Eval-V2-latest",
        "file": "gen_qa.jsonl",
        "data_type": "S3Prefix",
        "role_arn": EVALUATOR,
        "hyperparameters": {"model_type": MICRO, base: model},
    }
    return job_request(cloud, name, **(settings | more))


def call(operation: str, service: str = "sagemaker", **parameters: Any) -> Call:
    return Call(service, operation, parameters, ACCOUNT, REGION, CALLER)


def wait_for(sagemaker: SageMaker, name: str, *, until: str | None = None) -> dict[str, Any]:
    """The job's description once it has ended (or reached the secondary status `until`)."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        job = sagemaker.handle(call("DescribeTrainingJob", TrainingJobName=name))
        if job["TrainingJobStatus"] not in ("InProgress", "Stopping") or job["SecondaryStatus"] == until:
            return job
        time.sleep(0.005)
    raise AssertionError(f"{name} is still {job['SecondaryStatus']}")


def run_job(sagemaker: SageMaker, request: dict[str, Any]) -> dict[str, Any]:
    sagemaker.handle(call("CreateTrainingJob", **request))
    return wait_for(sagemaker, request["TrainingJobName"])


def output_of(cloud: FakeCloud, name: str) -> dict[str, bytes]:
    """The files in a job's output.tar.gz."""
    packed = cloud.get("artifacts", f"runs/r1/training/{name}/output/output.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        return {member.name: archive.extractfile(member).read() for member in archive.getmembers()}


def checkpoint_of(cloud: FakeCloud, name: str) -> str:
    return json.loads(output_of(cloud, name)["manifest.json"])["checkpoint_s3_bucket"]
