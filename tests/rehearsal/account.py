"""What tests of the embedded AWS make in it: roles, functions, keys and state machines, under names of their own."""

import io
import itertools
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

from novaline.rehearsal.emulator import Emulator

ACCOUNT = "111111111111"
_numbers = itertools.count(1)

Statement = dict[str, Any]


def unique(stem: str) -> str:
    """A name that no other test has."""
    return f"{stem}-{next(_numbers)}-{time.time_ns() % 10**9}"


def allow(*actions: str, on: str | list[str] = "*", **more: Any) -> Statement:
    """One Allow statement."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


class Account:
    """The test account, seen through its root."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.client = emulator.client

    def role(self, *statements: Statement, service: str, condition: dict[str, Any] | None = None) -> str:
        """The ARN of a new role that `service` may assume for this account."""
        name = unique("role")
        trust = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": service},
            "Condition": condition or {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        }
        iam = self.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]["Arn"]
        if statements:
            document = {"Version": "2012-10-17", "Statement": list(statements)}
            iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=json.dumps(document))
        return str(arn)

    def as_role(self, service: str, *statements: Statement) -> Any:
        """A client of `service` under a new role with these permissions."""
        role = self.role(*statements, service="lambda.amazonaws.com")
        return self.client(service, credentials=self.emulator.assume(role))

    def key(self, *, policy: list[Statement] | None = None) -> str:
        """The ARN of a new key; its policy delegates to the account's IAM policies unless one is given."""
        root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        statements = policy or [allow("kms:*", Principal=root)]
        made = self.client("kms").create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
        return str(made["KeyMetadata"]["Arn"])

    def function(self, code: str, *statements: Statement, **environment: str) -> str:
        """The ARN of a new Python function under a role of its own."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as files:
            files.writestr("index.py", code)
        made = self.client("lambda").create_function(
            FunctionName=unique("function"),
            Runtime="python3.12",
            Architectures=["arm64"],
            Handler="index.handler",
            Role=self.role(*statements, service="lambda.amazonaws.com"),
            Code={"ZipFile": archive.getvalue()},
            Environment={"Variables": environment},
            Timeout=30,
        )
        return str(made["FunctionArn"])

    def invoke(self, function: str, event: Any = None) -> Any:
        """What the function returns."""
        answer = self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
        found = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, found
        return found

    def bucket(self, *, key: str | None = None, bucket_key: bool = False) -> str:
        """The name of a new bucket, encrypted by default under `key`, if given."""
        name, s3 = unique("bucket"), self.client("s3")
        s3.create_bucket(Bucket=name)
        if key is not None:
            default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
            rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bucket_key}
            s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
        return name

    def state_machine(self, definition: dict[str, Any], *statements: Statement, role: str | None = None) -> str:
        """The ARN of a new JSONata state machine under a role with these permissions."""
        made = self.client("stepfunctions").create_state_machine(
            name=unique("machine"),
            definition=json.dumps({"QueryLanguage": "JSONata", **definition}),
            roleArn=role or self.role(*statements, service="states.amazonaws.com"),
        )
        return str(made["stateMachineArn"])

    def start(self, machine: str, given: dict[str, Any] | None = None) -> str:
        """The ARN of a new execution."""
        started = self.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(given or {}))
        return str(started["executionArn"])

    def finish(self, execution: str, *, seconds: float = 20) -> dict[str, Any]:
        """The description of an execution once it has ended."""
        return self.wait_for(
            lambda: self.client("stepfunctions").describe_execution(executionArn=execution),
            lambda found: found["status"] != "RUNNING",
            seconds=seconds,
        )

    def run(self, machine: str, given: dict[str, Any] | None = None) -> dict[str, Any]:
        """The description of a new execution once it has ended."""
        return self.finish(self.start(machine, given))

    def wait_for(
        self, look: Callable[[], dict[str, Any]], good: Callable[[dict[str, Any]], bool], *, seconds: float = 20
    ) -> dict[str, Any]:
        """What `look` finds as soon as it is `good`; fails the test after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            found = look()
            if good(found):
                return found
            assert time.monotonic() < deadline, f"still {found}"
            time.sleep(0.05)


def only_task(resource: str, arguments: Any, **more: Any) -> dict[str, Any]:
    """A state machine of a single task."""
    return {
        "StartAt": "Task",
        "States": {"Task": {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True, **more}},
    }
