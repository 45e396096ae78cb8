"""The life of one training job, from Starting to its end, in a thread of its own.

Whatever touches the account is done under the execution role, so that a missing permission fails the job, by a reason
that names role and action: pulling the image (ecr), the log (logs), channels and output (s3, kms), metrics
(cloudwatch), rewards and processors (lambda). The escrow bucket alone is written with the service's own credentials.
"""

import json
import logging
import time
from typing import Any

from botocore.exceptions import ClientError

from novaline.rehearsal import escrow
from novaline.rehearsal.aws_call import AwsError, Cloud
from novaline.rehearsal.escrow import CheckpointCache
from novaline.rehearsal.faults import Fault
from novaline.rehearsal.learner.stand_in import TrainedStandIn, to_checkpoint
from novaline.rehearsal.sagemaker import container, storage
from novaline.rehearsal.sagemaker.failures import FunctionFailure, Interrupted, JobFailure
from novaline.rehearsal.sagemaker.images import PULL_ACTIONS, Image, find_image
from novaline.rehearsal.sagemaker.job_log import JobLog, put_metrics
from novaline.rehearsal.sagemaker.training_job import TrainingJob

PRINCIPAL = "sagemaker.amazonaws.com"
STATUS_SECONDS = 12.0  # of the fast clock, for each status that has nothing to do here
_SLOW_TICK = 10.0  # of the fast clock

logger = logging.getLogger("novaline.rehearsal")


class JobRun:
    """Runs one job to its end. Every outcome, also a defect of ours, ends in a final status."""

    def __init__(self, job: TrainingJob, *, cloud: Cloud, checkpoints: CheckpointCache, fault: Fault | None) -> None:
        self._job = job
        self._cloud = cloud
        self._checkpoints = checkpoints
        self._fault = fault
        self._role: str = job.request["RoleArn"]
        self._limit: float = job.request["StoppingCondition"].get("MaxRuntimeInSeconds", 86_400)
        self._log: JobLog | None = None
        self._training_since: float | None = None
        self._slept = 0.0  # seconds of the fast clock since training began

    def run(self) -> None:
        """From Starting to the end."""
        job, now = self._job, self._cloud.now
        try:
            self._work()
        except Interrupted as end:
            job.end("Stopped", end.status, now())
        except JobFailure as failure:
            if self._log is not None:
                self._log.note(f"stand-in: {failure}")
            job.end("Failed", "Failed", now(), reason=str(failure))
        except AwsError as refusal:
            job.end("Failed", "Failed", now(), reason=f"ClientError: {refusal}")
        except ClientError as error:
            job.end("Failed", "Failed", now(), reason=f"ClientError: {error}")
        except Exception:
            logger.exception("training job %s failed by a defect of the rehearsal", job.name)
            job.end("Failed", "Failed", now(), reason="InternalServerError: the rehearsal's log says what happened")
        finally:
            self._close_log()

    def _work(self) -> None:
        self._wait()
        self._move("Pending")
        image = self._pull_image()
        self._wait()
        self._move("Downloading")
        s3 = self._client("s3")
        self._use_volume_key()
        channels = {
            channel["ChannelName"]: storage.download(s3, channel)
            for channel in self._job.request.get("InputDataConfig", ())
        }
        self._wait()
        self._move("Training")
        self._training_since = time.monotonic()
        log = self._open_log()
        outcome = container.run(
            container.Surroundings(
                image=image,
                hyperparameters=self._job.request.get("HyperParameters", {}),
                channels=channels,
                log=log.line,
                check=self._check,
                load_checkpoint=self._load_checkpoint,
                invoke=self._invoke,
                now=self._cloud.now,
            )
        )
        self._go_wrong_in_training()
        log.flush()
        self._move("Uploading")
        self._finish(outcome, s3)

    def _finish(self, outcome: container.Outcome, s3: Any) -> None:  # noqa: ANN401 - a boto3 client
        output = self._job.request["OutputDataConfig"]
        self._use_output_key(output.get("KmsKeyId"))
        files = dict(outcome.files)
        if outcome.model is not None:
            uri = escrow.write_checkpoint(
                self._cloud.client("s3"),
                to_checkpoint(outcome.model),
                account=self._cloud.account,
                region=self._cloud.region,
                path=f"{self._job.name}/{outcome.checkpoint_step}",
            )
            if not self._is("no-manifest"):
                files["manifest.json"] = json.dumps({"checkpoint_s3_bucket": uri}).encode()
        storage.upload(s3, files, output=output, job=self._job.name)
        now = self._cloud.now()
        put_metrics(self._client("cloudwatch"), outcome.metrics, job=self._job.name, at=now)
        self._job.record(outcome.metrics, now)
        self._wait()
        self._check()
        self._job.end("Completed", "Completed", self._cloud.now())

    def _client(self, service: str) -> Any:  # noqa: ANN401 - a boto3 client
        return self._cloud.client(service, role_arn=self._role, service_principal=PRINCIPAL, source_arn=self._job.arn)

    def _pull_image(self) -> Image:
        image = find_image(self._job.request["AlgorithmSpecification"]["TrainingImage"], region=self._cloud.region)
        try:
            self._cloud.require_of_role(self._role, "ecr:GetAuthorizationToken", "*")
            for action in PULL_ACTIONS:
                self._cloud.require_of_role(self._role, action, image.repository_arn)
        except AwsError as refusal:
            raise JobFailure.client(f"pulling the image {image.repository}:{image.tag}: {refusal}") from refusal
        return image

    def _use_volume_key(self) -> None:
        """A key for the storage volume needs a grant that the role makes (API reference of ResourceConfig)."""
        key = self._job.request["ResourceConfig"].get("VolumeKmsKeyId")
        if key:
            self._require_of_key("kms:CreateGrant", key, "encrypting the storage volume")

    def _use_output_key(self, key: str | None) -> None:
        """kms:Encrypt is what the API reference of OutputDataConfig asks of the role; S3 asks for the rest itself."""
        if not key:
            return
        if self._is("deny-key"):
            raise JobFailure.client(f"uploading the output: {self._denial_of_key(key)}")
        self._require_of_key("kms:Encrypt", key, "uploading the output")

    def _denial_of_key(self, key: str) -> str:
        if self._fault is not None and self._fault.message:
            return self._fault.message
        return (
            f"AccessDenied: User: {self._role} is not authorized to perform: kms:GenerateDataKey on resource: {key} "
            "(a fault that the rehearsal was told to make)"
        )

    def _require_of_key(self, action: str, key: str, doing: str) -> None:
        via = {"kms:ViaService": f"s3.{self._cloud.region}.amazonaws.com"} if action == "kms:Encrypt" else {}
        try:
            self._cloud.require_of_role(self._role, action, self._key_arn(key), via)
        except AwsError as refusal:
            raise JobFailure.client(f"{doing}: {refusal}") from refusal

    def _key_arn(self, key: str) -> str:
        prefix = f"arn:aws:kms:{self._cloud.region}:{self._cloud.account}:"
        return key if key.startswith("arn:") else prefix + (key if key.startswith("alias/") else f"key/{key}")

    def _open_log(self) -> JobLog:
        log = JobLog(self._client("logs"), job=self._job.name, started=self._cloud.now())
        log.open()
        self._log = log
        return log

    def _close_log(self) -> None:
        try:
            if self._log is not None:
                self._log.flush()
        except JobFailure as failure:
            logger.warning("training job %s: %s", self._job.name, failure)

    def _load_checkpoint(self, uri: str) -> TrainedStandIn:
        if not escrow.is_escrow(uri):
            raise JobFailure.algorithm(f"{uri} lies in no escrow bucket of training jobs")
        try:
            return self._checkpoints.load(self._client("s3"), uri)
        except ClientError as error:
            raise JobFailure.denied(f"reading the checkpoint {uri}", error) from error
        except ValueError as problem:
            raise JobFailure.algorithm(str(problem)) from problem

    def _invoke(self, function_arn: str, payload: bytes) -> bytes:
        """What a function answers; asked from several threads at once."""
        self._check()
        try:
            answer = self._client("lambda").invoke(FunctionName=function_arn, Payload=payload)
        except ClientError as error:
            raise JobFailure.denied(f"calling the function {function_arn}", error) from error
        content: bytes = answer["Payload"].read()
        if "FunctionError" in answer:
            raise FunctionFailure(f"{function_arn.rpartition(':')[2]} failed: {content.decode(errors='replace')[:400]}")
        return content

    def _go_wrong_in_training(self) -> None:
        """What a fault that was injected makes of the job, once it has trained."""
        fault = self._fault
        if fault is None:
            return
        if fault.kind == "fail":
            text = fault.message or "AlgorithmError: the container ended with exit code 1 (a fault of the rehearsal)"
            raise JobFailure(text if ": " in text else f"AlgorithmError: {text}")
        if fault.kind == "stop":
            raise Interrupted("MaxRuntimeExceeded" if fault.code == "MaxRuntimeExceeded" else "Stopped")
        while fault.kind == "slow":
            self._cloud.sleep(_SLOW_TICK)
            self._slept += _SLOW_TICK
            self._check()

    def _is(self, kind: str) -> bool:
        return self._fault is not None and self._fault.kind == kind

    def _move(self, secondary: str) -> None:
        self._check()
        self._job.move(secondary, self._cloud.now())

    def _wait(self) -> None:
        self._cloud.sleep(STATUS_SECONDS)

    def _check(self) -> None:
        """End the job if it was asked to stop or its time is over. Time counts from the start of Training: the real
        seconds, and the fast clock's where the job was told to be slow."""
        if self._job.status != "InProgress":
            raise Interrupted("Stopped")
        if self._training_since is not None and time.monotonic() - self._training_since + self._slept > self._limit:
            raise Interrupted("MaxRuntimeExceeded")
