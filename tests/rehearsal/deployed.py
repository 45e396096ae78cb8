"""An environment deployed in the embedded AWS, and small customizations that run through its workflow in seconds."""

import hashlib
import itertools
import json
import random
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from novaline.customization.compile import CompiledRun
from novaline.rehearsal.emulator import Emulator
from novaline.rehearsal.proof.small import write_small
from novaline.rehearsal.proof.statements import Statement, statements
from novaline.rehearsal.session import Plan, Session
from novaline.runs.launch import Order, compiled, environment_named, order
from novaline.runs.start import start
from novaline.runs.status import RunStatus, run_status
from novaline.runs.steps import Board
from novaline.runs.stored_data import EnvironmentData
from novaline.runs.upload import ClaimCheck, upload_run
from novaline.s3_uri import split_s3_uri

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "support-intents"
ENVIRONMENT = "dev"
ON_DEMAND = "{target: bedrock-on-demand, name: %s, time_to_live: 1h}"
NOWHERE = "{target: none}"
CUSTOMIZATION = """\
name: %(name)s
model: nova-micro
stages:
  - {name: sft, technique: sft, data: {train: train.jsonl}, overrides: {max_epochs: 4}, timeout: 1h}
evaluations:
  - {name: holdout, task: gen_qa, data: eval.jsonl, timeout: 1h}
gate: {evaluation: holdout, metric: exact_match, against: base, margin: 0.02, confidence: 0.95}
deployment: %(deployment)s
budget: {usd: 1000}
"""


def rows(name: str, count: int) -> tuple[bytes, ...]:
    """So many rows of a file of the example, from all over it."""
    lines = (EXAMPLE / name).read_bytes().splitlines(keepends=True)
    return tuple(lines[index * len(lines) // count] for index in range(count))


def shuffled(training_rows: Iterable[bytes]) -> tuple[bytes, ...]:
    """The same questions and the same answers, but each question with the answer to another."""
    found = [json.loads(row) for row in training_rows]
    answers = [row["messages"][-1] for row in found]
    random.Random(7).shuffle(answers)
    for row, answer in zip(found, answers, strict=True):
        row["messages"][-1] = answer
    return tuple(json.dumps(row).encode() + b"\n" for row in found)


TRAIN = rows("train.jsonl", 240)
HELD_OUT = rows("eval.jsonl", 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A run that was started, and what it was started with."""

    run: str
    execution: str
    claim: Mapping[str, Any]

    def job(self, subject: str) -> str:
        """The base name of a job: of a stage, `sft` for the first one, or of the `base` or `candidate`."""
        stages = {stage["name"]: stage["job"]["base_name"] for stage in reversed(self.claim["stages"])}
        if subject in stages or subject == "sft":
            return str(stages.get(subject, self.claim["stages"][0]["job"]["base_name"]))
        return str(self.claim["evaluations"][0][subject]["base_name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Started):
    """A run that has ended, and all that it left behind."""

    status: str
    error: str
    cause: str
    output: Mapping[str, Any]
    events: tuple[Mapping[str, Any], ...] = field(repr=False)
    ledger: Mapping[str, str]
    files: frozenset[str]
    jobs: Mapping[str, str]  # name: status

    def visits(self, state: str) -> int:
        """How often the execution entered a state."""
        entered = (event.get("stateEnteredEventDetails", {}) for event in self.events)
        return sum(details.get("name") == state for details in entered)

    def entered(self) -> list[str]:
        """The states in the order in which they were entered."""
        return [e["stateEnteredEventDetails"]["name"] for e in self.events if "stateEnteredEventDetails" in e]

    def failed_tasks(self) -> list[str]:
        """The error of each attempt at a task that failed."""
        return [e["taskFailedEventDetails"]["error"] for e in self.events if "taskFailedEventDetails" in e]


class Deployed:
    """The environment `dev` with everything that a test may do to it. Names of customizations are a test's own."""

    def __init__(self, session: Session, folder: Path) -> None:
        self._folder = folder
        self._later = itertools.count(1)
        self._began = datetime.now(UTC)
        self._said: list[dict[str, str]] = []
        self.environment = session.plan.environment
        self.resources, self.clients = session.deploy()
        self.emulator: Emulator = session.emulator  # faults and sessions of roles are no part of a rehearsal
        self.statements = tuple(statements(self.client("cloudformation"), self.client("iam"), stacks=session.stacks))
        self._queue = self._listen()

    def client(self, service: str, *, role: str | None = None) -> Any:
        """A client of the account's root, or of a role, by its ARN."""
        return self.emulator.client(service, credentials=self.emulator.assume(role) if role else None)

    def role(self, logical_id: str) -> str:
        """The ARN of a role of the stacks, by its logical id without the hash."""
        (name,) = {statement.role_name for statement in self.statements if statement.role == logical_id}
        return f"arn:aws:iam::{self.environment.account}:role/{name}"

    def statement(self, role: str, sid: str) -> Statement:
        """One statement of one role."""
        (found,) = (statement for statement in self.statements if (statement.role, statement.sid) == (role, sid))
        return found

    # ---- runs

    def compiled(
        self,
        name: str,
        *,
        train: Iterable[bytes] = TRAIN,
        held_out: Iterable[bytes] = HELD_OUT,
        deployment: str | None = None,
        train_uri: str | None = None,
        template: str = CUSTOMIZATION,
        files: Mapping[str, bytes] | None = None,
    ) -> CompiledRun:
        """A run of a customization of that name, checked and compiled; deployed under its own name by default.

        With `train_uri` its training data is an object in S3. `template` is another customization than the usual one,
        `files` are what it reads beside the usual two.
        """
        folder = self.place(name)
        folder.mkdir()
        (folder / "train.jsonl").write_bytes(b"".join(train))
        (folder / "eval.jsonl").write_bytes(b"".join(held_out))
        for file, content in (files or {}).items():
            (folder / file).write_bytes(content)
        text = template % {"name": name, "deployment": deployment or ON_DEMAND % name}
        if train_uri is not None:
            text = text.replace("{train: train.jsonl}", f"{{train: {train_uri}}}")
        (folder / "customization.yaml").write_text(text, encoding="utf-8")
        return compiled(self._order(folder / "customization.yaml"), self.resources)

    def place(self, name: str) -> Path:
        """Where a customization of that name may be written; nothing is there yet."""
        return self._folder / f"{name}-{next(self._later)}"

    def as_it_stands(self, file: Path) -> CompiledRun:
        """A run of the customization in the file, checked and compiled."""
        return compiled(self._order(file), self.resources)

    def _order(self, file: Path) -> Order:
        moment = self._began + timedelta(seconds=next(self._later))  # a run id has seconds
        stored = EnvironmentData(self.clients.s3, self.resources)
        return order(file, self.environment, stored=stored, now=lambda: moment)

    def upload(self, run: CompiledRun) -> ClaimCheck:
        """Data and claim in S3, as `novaline run` leaves them before it starts the execution."""
        return upload_run(self.clients.s3, run, self.resources)

    def exchange(self, uri: str, content: bytes) -> dict[str, Any]:
        """Write another version of an object; what a claim would have to say about it."""
        bucket, key = split_s3_uri(uri)
        version = self.clients.s3.put_object(Bucket=bucket, Key=key, Body=content)["VersionId"]
        return {"version_id": version, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}

    def restated(
        self, claim: ClaimCheck, objects: Mapping[str, Mapping[str, Any]] | None = None, **changes: Any
    ) -> ClaimCheck:
        """Another version of a claim, and a claim check that says so: what somebody may write who skips our checks.

        `objects` are changes to what the claim says about the object of a URI.
        """
        bucket, key = self.resources.artifact_bucket, f"runs/{claim.run}/claim.json"
        written = json.loads(self.clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        for item in written["objects"]:
            item.update((objects or {}).get(item["uri"], {}))
        content = json.dumps(written | changes).encode()
        stored = self.exchange(f"s3://{bucket}/{key}", content)
        return replace(claim, version_id=stored["version_id"], sha256=stored["sha256"])

    def start(self, run: CompiledRun, claim: ClaimCheck | None = None, *, machine: str | None = None) -> Started:
        """Start the run, by its own claim unless another is given, and on its own machine."""
        claim = claim or self.upload(run)
        resources = replace(self.resources, state_machine_arn=machine or self.resources.state_machine_arn)
        execution = start(self.clients.states, claim, resources)
        return Started(run=run.run, execution=execution, claim=run.claim)

    def run(self, name: str, **given: Any) -> Ended:
        """A run from beginning to end."""
        return self.end(self.start(self.compiled(name, **given)))

    def end(self, started: Started, *, seconds: float = 120) -> Ended:
        """Wait for the end of a run and gather what it left."""
        described = self.wait_for(
            lambda: self.clients.states.describe_execution(executionArn=started.execution),
            lambda found: found["status"] != "RUNNING",
            seconds=seconds,
        )
        return Ended(
            run=started.run,
            execution=started.execution,
            claim=started.claim,
            status=described["status"],
            error=described.get("error", ""),
            cause=described.get("cause", ""),
            output=json.loads(described["output"]) if described["status"] == "SUCCEEDED" else {},
            events=self.events(started),
            ledger=self.ledger(started.run, "run"),
            files=self._files(started.run),
            jobs={
                name: status
                for job in (*(stage["name"] for stage in started.claim["stages"]), "base", "candidate")
                for name, status in self.jobs(started.job(job))
            },
        )

    def status(self, run: str) -> RunStatus:
        """What `novaline status` finds."""
        return run_status(self.clients, self.resources, run)

    def events(self, started: Started) -> tuple[Mapping[str, Any], ...]:
        """The execution's history so far."""
        pages = self.clients.states.get_paginator("get_execution_history").paginate(executionArn=started.execution)
        return tuple(event for page in pages for event in page["events"])

    def ledger(self, run: str, entry: str) -> dict[str, str]:
        """An item of the ledger; empty if there is none."""
        key = {"run": {"S": run}, "entry": {"S": entry}}
        found = self.client("dynamodb").get_item(TableName=self.resources.ledger_table, Key=key).get("Item", {})
        return {name: next(iter(value.values())) for name, value in found.items()}

    def jobs(self, base_name: str) -> list[tuple[str, str]]:
        """Name and status of each training job made of a base name."""
        found = self.client("sagemaker").list_training_jobs(NameContains=base_name, MaxResults=100)
        return [(job["TrainingJobName"], job["TrainingJobStatus"]) for job in found["TrainingJobSummaries"]]

    def models(self, started: Started) -> list[str]:
        """ARNs of the models that the run imported."""
        found = self.client("bedrock").list_custom_models(nameContains=started.claim["custom_model_name"])
        return [model["modelArn"] for model in found["modelSummaries"]]

    def deployment(self, name: str) -> dict[str, Any] | None:
        """The deployment of that name."""
        bedrock = self.client("bedrock")
        for found in bedrock.list_custom_model_deployments(nameContains=name)["modelDeploymentSummaries"]:
            if found["customModelDeploymentName"] == name:
                return dict(
                    bedrock.get_custom_model_deployment(
                        customModelDeploymentIdentifier=found["customModelDeploymentArn"]
                    )
                )
        return None

    def read(self, run: str, name: str) -> dict[str, Any]:
        """A JSON file of the run's folder."""
        answer = self.clients.s3.get_object(Bucket=self.resources.artifact_bucket, Key=f"runs/{run}/{name}")
        return dict(json.loads(answer["Body"].read()))

    def wait_for(self, look: Any, good: Any, *, seconds: float = 30) -> Any:
        """What `look` finds as soon as it is `good`; fails the test after `seconds`."""
        deadline = time.monotonic() + seconds
        while not good(found := look()):
            assert time.monotonic() < deadline, f"still {str(found)[-1000:]}"
            time.sleep(0.05)
        return found

    # ---- what a run leaves

    def _files(self, run: str) -> frozenset[str]:
        folder = f"runs/{run}/"
        pages = self.clients.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.resources.artifact_bucket, Prefix=folder
        )
        return frozenset(found["Key"].removeprefix(folder) for page in pages for found in page.get("Contents", ()))

    def _listen(self) -> str:
        """A queue that hears what the topic says."""
        sqs = self.client("sqs")
        queue = sqs.create_queue(QueueName="listener")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        self.client("sns").subscribe(TopicArn=self.resources.topic_arn, Protocol="sqs", Endpoint=arn)
        return str(queue)

    def notifications(self, run: str) -> tuple[Mapping[str, str], ...]:
        """What the topic said about the run: `Subject` and `Message` of each notification."""
        sqs = self.client("sqs")
        while messages := sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._said.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return tuple(said for said in self._said if run in said["Message"])


@contextmanager
def deployed_environment(folder: Path) -> Iterator[Deployed]:
    """The environment for as long as the block lasts; afterwards nothing of it is left."""
    (folder / "runs").mkdir()
    given = order(write_small(ROOT, folder / "plan"), environment_named(ENVIRONMENT, root=ROOT))
    with Session(Plan(order=given, root=ROOT, output=folder / "output"), Board()) as session:
        yield Deployed(session, folder / "runs")
