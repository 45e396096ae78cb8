"""Try a reward function on a few real rows, before a training job is paid for.

Input: ``{"run", "stage", "reward_arn"}``.
Output: ``{"reward", "samples", "unscorable", "mean_scores": {"reference", "wrong", "empty"}, "undecided"}``.
Errors: ``RewardTrialFailed`` (the function raises, breaks the contract, scores nothing, or scores all alike),
``NoRows``; ``TooManyRequestsException`` when Lambda throttles it, which the workflow tries again.
Reads ``trial/<stage>.jsonl`` of the run's folder, writes ``trial/<stage>.json`` beside it.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from nova_trial.rollouts import SHAPES, Rollout, read_rows, rollouts, samples
from nova_trial.verdict import RewardTrialFailed, judge

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

_WAIT_SECONDS = 130
"""For the answer to one batch; there are two, and this function has five minutes."""


@cache
def _s3() -> S3Client:
    import boto3  # noqa: PLC0415 - the runtime's own; imported when first needed

    return boto3.client("s3")


@cache
def _functions() -> LambdaClient:
    import boto3  # noqa: PLC0415 - likewise
    from botocore.config import Config  # noqa: PLC0415 - likewise

    return boto3.client("lambda", config=Config(read_timeout=_WAIT_SECONDS, retries={"total_max_attempts": 1}))


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point."""
    return attempt(event, artifact_bucket=os.environ["ARTIFACT_BUCKET"], s3=_s3(), functions=_functions())


def attempt(event: dict[str, Any], *, artifact_bucket: str, s3: S3Client, functions: LambdaClient) -> dict[str, Any]:
    """Invoke the function with the rollouts in each shape that trainers use; it must serve them all."""
    folder, name = f"runs/{event['run']}", event["reward_arn"].rpartition(":")[2]
    rows = s3.get_object(Bucket=artifact_bucket, Key=f"{folder}/trial/{event['stage']}.jsonl")["Body"].read()
    asked = rollouts(read_rows(rows))
    found: dict[str, Any] = {}
    for shape in SHAPES:
        found = _tried(event["reward_arn"], name, asked, samples(asked, shape=shape), functions)
    record = {"stage": event["stage"], "reward": name, **found}
    s3.put_object(
        Bucket=artifact_bucket,
        Key=f"{folder}/trial/{event['stage']}.json",
        Body=json.dumps(record, indent=2, sort_keys=True).encode(),
        ContentType="application/json",
    )
    return {"reward": name, **found}


def _tried(
    arn: str, name: str, asked: Sequence[Rollout], batch: list[dict[str, Any]], functions: LambdaClient
) -> dict[str, Any]:
    from botocore.exceptions import ReadTimeoutError  # noqa: PLC0415 - the runtime's own; imported when first needed

    payload = json.dumps(batch, ensure_ascii=False).encode()
    try:
        answer = functions.invoke(FunctionName=arn, Payload=payload, LogType="Tail")
    except ReadTimeoutError as problem:
        msg = f"the reward function {name} did not answer to {len(batch)} samples within {_WAIT_SECONDS} seconds"
        raise RewardTrialFailed(msg) from problem
    content = answer["Payload"].read()
    if "FunctionError" in answer:
        raise RewardTrialFailed(f"the reward function {name} failed: {_error(content)}")
    try:
        answers = json.loads(content)
    except ValueError as problem:
        raise RewardTrialFailed(f"the reward function {name} answered no JSON: {problem}") from problem
    return judge(name, asked, batch, answers, logged=_reasons(answer))


def _error(content: bytes) -> str:
    """What Lambda says about a function that raised, or that it ended."""
    try:
        problem = json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")[:500]
    if not isinstance(problem, Mapping):
        return str(problem)[:500]
    return f"{problem.get('errorType', 'Error')}: {problem.get('errorMessage', 'no message')}"[:500]


def _reasons(answer: Mapping[str, Any]) -> str:
    """Why samples could not be scored, as far as the end of the function's log tells; each reason once."""
    tail = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
    found: dict[str, None] = {}
    for line in tail.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, Mapping) and said.get("message") == "unscorable" and "reason" in said:
            where = f" ({said['where']})" if "where" in said else ""
            found[f"{said['reason']}{where}"] = None
    return "; ".join(found)[:500]
