"""What each role is for, done once: a run, a scored rollout, an emptied bucket. Each tells what went wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

Exercise = Callable[[], str]
"""Does what a role is for; returns "" when it worked, and otherwise all that was said about the failure."""

_RUN_SECONDS = 180.0


def run_exercise(states: SFNClient, *, launch: Callable[[], str]) -> Exercise:
    """A whole run; `launch` starts one and returns its execution's ARN."""

    def exercise() -> str:
        execution = launch()
        until = time.monotonic() + _RUN_SECONDS
        while time.monotonic() < until:
            found = states.describe_execution(executionArn=execution)
            if found["status"] == "SUCCEEDED":
                return ""
            if found["status"] != "RUNNING":
                return f"{found['status']}: {found.get('error', '')}: {found.get('cause', '')}"
            time.sleep(0.1)
        return f"the run did not end within {_RUN_SECONDS:.0f} seconds"

    return exercise


def reward_exercise(lambda_: LambdaClient, *, function_arn: str) -> Exercise:
    """One rollout, scored by the reward function."""
    sample = {
        "id": "proof",
        "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "track_order"}],
        "reference_answer": "track_order",
    }

    def exercise() -> str:
        answer = lambda_.invoke(FunctionName=function_arn, Payload=json.dumps([sample]).encode())
        body = answer["Payload"].read().decode()
        return body if "FunctionError" in answer else ""

    return exercise


@dataclass(frozen=True, slots=True, kw_only=True)
class Emptied:
    """A bucket that the emptying function is asked to empty, as CloudFormation would when it deletes the stack."""

    function_arn: str
    bucket: str
    answers: str
    """A bucket of the exercise's own, where the function's answer to CloudFormation is put."""


def empty_exercise(lambda_: LambdaClient, s3: S3Client, *, what: Emptied) -> Exercise:
    """The bucket holds one object, its deletion is announced, and the answer is read where CloudFormation would."""

    def exercise() -> str:
        s3.put_object(Bucket=what.bucket, Key="proof/object", Body=b"to be emptied")
        key = f"answers/{time.monotonic_ns()}"
        url = s3.generate_presigned_url("put_object", Params={"Bucket": what.answers, "Key": key})
        event = {
            "RequestType": "Delete",
            "ResponseURL": url,
            "StackId": "proof",
            "RequestId": "proof",
            "LogicalResourceId": "Proof",
            "PhysicalResourceId": what.bucket,
            "ResourceProperties": {"BucketName": what.bucket},
        }
        said = lambda_.invoke(FunctionName=what.function_arn, Payload=json.dumps(event).encode())
        if "FunctionError" in said:
            return said["Payload"].read().decode()
        answer: dict[str, Any] = json.loads(s3.get_object(Bucket=what.answers, Key=key)["Body"].read())
        return "" if answer["Status"] == "SUCCESS" else f"{answer['Status']}: {answer['Reason']}"

    return exercise
