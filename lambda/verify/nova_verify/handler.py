"""Verify a deployment: does the model behind it answer as the candidate that was evaluated?

Input: ``{"run", "deployment_arn", "data_uri", "rows"}``; data_uri is the held-out ``gen_qa.jsonl``.
Output: ``{"rows", "agreement", "transcript": [{"query", "expected", "evaluated", "answer"}]}``, texts cut
to 500 characters.
Errors: ``VerificationFailed``: an empty answer, or fewer than half of the answers agree with the evaluation. Sampling
and serving precision may change single answers; a wrong checkpoint changes most.
Writes ``verification.json`` into the run's folder.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from nova_verify.questions import Question, VerificationFailed, judge, pick
from novaline.s3_uri import split_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_s3 import S3Client


@cache
def _clients() -> tuple[S3Client, BedrockRuntimeClient]:
    import boto3  # noqa: PLC0415 - the runtime's own; imported when first needed
    from botocore.config import Config  # noqa: PLC0415 - likewise

    patient = Config(retries={"mode": "standard", "max_attempts": 8})
    return boto3.client("s3"), boto3.client("bedrock-runtime", config=patient)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point."""
    s3, runtime = _clients()
    return verify(event, artifact_bucket=os.environ["ARTIFACT_BUCKET"], s3=s3, runtime=runtime)


def verify(
    event: dict[str, Any], *, artifact_bucket: str, s3: S3Client, runtime: BedrockRuntimeClient
) -> dict[str, Any]:
    """Ask, judge, write down."""
    bucket, key = split_s3_uri(event["data_uri"])
    folder = f"runs/{event['run']}"
    data = s3.get_object(Bucket=bucket, Key=key)["Body"]
    samples = s3.get_object(Bucket=artifact_bucket, Key=f"{folder}/samples.jsonl")["Body"]
    questions = pick(data.iter_lines(), samples.iter_lines(), rows=event["rows"])
    answers = [ask(question, deployment_arn=event["deployment_arn"], runtime=runtime) for question in questions]
    verification = judge(questions, answers)
    s3.put_object(
        Bucket=artifact_bucket,
        Key=f"{folder}/verification.json",
        Body=json.dumps(verification, indent=2, ensure_ascii=False).encode("utf-8"),
        ContentType="application/json",
    )
    return verification


def ask(question: Question, *, deployment_arn: str, runtime: BedrockRuntimeClient) -> str:
    """One answer through Converse at temperature 0."""
    request: dict[str, Any] = {
        "modelId": deployment_arn,
        "messages": [{"role": "user", "content": [{"text": question.query}]}],
        "inferenceConfig": {"maxTokens": 1024, "temperature": 0.0},
    }
    if question.system:
        request["system"] = [{"text": question.system}]
    message = runtime.converse(**request)["output"]["message"]
    answer = "".join(part.get("text", "") for part in message["content"])
    if not answer.strip():
        msg = f"the deployment {deployment_arn} answered {question.query[:80]!r} with nothing"
        raise VerificationFailed(msg)
    return answer
