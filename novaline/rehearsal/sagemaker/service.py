"""The SageMaker service of a rehearsal: training jobs, and tags on them.

IAM actions and resources follow AWS's service authorization reference (as bundled with cfn-lint 1.58): the job's ARN
for CreateTrainingJob, DescribeTrainingJob, StopTrainingJob, AddTags, ListTags and DeleteTags, `*` for ListTrainingJobs.
Creating also needs iam:PassRole of the execution role to sagemaker.amazonaws.com, and sagemaker:AddTags if there are
tags. A missing job is a ValidationException, as AWS answers, though its model names ResourceNotFound.
"""

import threading
from collections.abc import Mapping
from typing import Any

from novaline.rehearsal.aws_call import AwsError, Call, Cloud
from novaline.rehearsal.escrow import CheckpointCache
from novaline.rehearsal.faults import Fault
from novaline.rehearsal.paging import newest_first, page
from novaline.rehearsal.sagemaker.training_job import TrainingJob
from novaline.requests.conformance import check_request

PRINCIPAL = "sagemaker.amazonaws.com"
# Families of accelerated instances with local NVMe storage, for which the API takes no VolumeKmsKeyId.
_LOCAL_STORAGE = frozenset({"p3dn", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "g4dn", "g5", "g6", "g6e"})


class SageMaker:
    """Training jobs of one account and region. Safe between threads."""

    OPERATIONS = (
        "CreateTrainingJob",
        "DescribeTrainingJob",
        "StopTrainingJob",
        "ListTrainingJobs",
        "AddTags",
        "ListTags",
        "DeleteTags",
    )

    def __init__(self, cloud: Cloud, *, warm_up: bool = True) -> None:
        """`warm_up` imports the learner in the background, so that the first job need not wait for scikit-learn."""
        self._cloud = cloud
        self._checkpoints = CheckpointCache()
        self._lock = threading.Lock()
        self._jobs: dict[str, TrainingJob] = {}
        self._tags: dict[str, dict[str, str]] = {}
        if warm_up:
            threading.Thread(target=_import_learner, name="warm-up", daemon=True).start()

    def iam(self, call: Call) -> tuple[str, str, Mapping[str, str]]:
        """See `aws_call.Service`."""
        action = f"sagemaker:{call.operation}"
        if call.operation == "ListTrainingJobs":
            return action, "*", {}
        if call.operation in ("AddTags", "ListTags", "DeleteTags"):
            arn = call.parameters["ResourceArn"]
            return action, arn, _tag_context(call.parameters.get("Tags", ())) | self._resource_tags(arn)
        arn = _job_arn(call, call.parameters["TrainingJobName"])
        context = _tag_context(call.parameters.get("Tags", ())) | self._resource_tags(arn)
        if call.operation == "CreateTrainingJob":
            keys = {
                "sagemaker:OutputKmsKey": call.parameters.get("OutputDataConfig", {}).get("KmsKeyId"),
                "sagemaker:VolumeKmsKey": call.parameters.get("ResourceConfig", {}).get("VolumeKmsKeyId"),
                "sagemaker:InstanceTypes": call.parameters.get("ResourceConfig", {}).get("InstanceType"),
            }
            context |= {name: value for name, value in keys.items() if value}
        return action, arn, context

    def handle(self, call: Call) -> dict[str, Any]:
        """See `aws_call.Service`."""
        problems = check_request("sagemaker", call.operation, call.parameters)
        if problems:
            raise AwsError("ValidationException", f"{len(problems)} validation errors: {'; '.join(problems)}")
        handlers = {
            "CreateTrainingJob": self._create,
            "DescribeTrainingJob": lambda call: self._find(call).describe(),
            "StopTrainingJob": self._stop,
            "ListTrainingJobs": self._list,
            "AddTags": self._add_tags,
            "ListTags": lambda call: {"Tags": _as_tags(self._tags_of(call))},
            "DeleteTags": self._delete_tags,
        }
        return handlers[call.operation](call)

    def _create(self, call: Call) -> dict[str, Any]:
        request, name = call.parameters, call.parameters["TrainingJobName"]
        arn = _job_arn(call, name)
        _check_settings(request)
        self._cloud.require(call, "iam:PassRole", request["RoleArn"], {"iam:PassedToService": PRINCIPAL})
        tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
        if tags:
            self._cloud.require(call, "sagemaker:AddTags", arn, _tag_context(request["Tags"]))
        self._assume(request["RoleArn"], arn)
        fault = self._cloud.take_fault("sagemaker", "CreateTrainingJob", name)
        if fault is not None and fault.kind == "error":
            raise AwsError(fault.code or "InternalServerError", fault.message or "A fault of the rehearsal.")
        job = TrainingJob(request, arn=arn, now=self._cloud.now())
        with self._lock:
            if arn in self._tags:  # names that differ by case only have one ARN
                raise AwsError("ResourceInUse", f"A training job with the name {name} exists already ({arn}).")
            self._jobs[name] = job
            self._tags[arn] = tags
        threading.Thread(target=self._run, args=(job, fault), name=f"training-job-{name}", daemon=True).start()
        return {"TrainingJobArn": arn}

    def _run(self, job: TrainingJob, fault: Fault | None) -> None:
        from novaline.rehearsal.sagemaker.job_run import JobRun  # noqa: PLC0415 - takes scikit-learn along

        JobRun(job, cloud=self._cloud, checkpoints=self._checkpoints, fault=fault).run()

    def _assume(self, role_arn: str, job_arn: str) -> None:
        try:
            self._cloud.client("s3", role_arn=role_arn, service_principal=PRINCIPAL, source_arn=job_arn)
        except AwsError as refusal:
            message = f"Could not assume role {role_arn} as {PRINCIPAL}: {refusal.message}"
            raise AwsError("ValidationException", message) from refusal

    def _stop(self, call: Call) -> dict[str, Any]:
        job = self._find(call)
        if not job.ask_to_stop(self._cloud.now()):
            raise AwsError("ValidationException", f"The training job {job.name} is {job.status} and cannot be stopped.")
        return {}

    def _list(self, call: Call) -> dict[str, Any]:
        asked = call.parameters
        with self._lock:
            jobs = [job.summary() for job in self._jobs.values()]
        kept = [
            job
            for job in newest_first(jobs, "CreationTime", ascending=asked.get("SortOrder") == "Ascending")
            if asked.get("NameContains", "") in job["TrainingJobName"]
            and asked.get("StatusEquals", job["TrainingJobStatus"]) == job["TrainingJobStatus"]
            and asked.get("CreationTimeAfter", job["CreationTime"]) <= job["CreationTime"]
            and asked.get("CreationTimeBefore", job["CreationTime"]) >= job["CreationTime"]
            and asked.get("LastModifiedTimeAfter", job["LastModifiedTime"]) <= job["LastModifiedTime"]
            and asked.get("LastModifiedTimeBefore", job["LastModifiedTime"]) >= job["LastModifiedTime"]
        ]
        shown, token = page(kept, asked.get("NextToken"), asked.get("MaxResults", 10))
        return {"TrainingJobSummaries": shown} | ({"NextToken": token} if token else {})

    def _add_tags(self, call: Call) -> dict[str, Any]:
        tags = self._tags_of(call)
        with self._lock:
            tags |= {tag["Key"]: tag["Value"] for tag in call.parameters["Tags"]}
            return {"Tags": _as_tags(tags)}

    def _delete_tags(self, call: Call) -> dict[str, Any]:
        tags = self._tags_of(call)
        with self._lock:
            for key in call.parameters["TagKeys"]:
                tags.pop(key, None)
        return {}

    def _find(self, call: Call) -> TrainingJob:
        name = call.parameters["TrainingJobName"]
        with self._lock:
            job = self._jobs.get(name)
        if job is None:
            raise AwsError("ValidationException", f"Requested resource not found: training job {name}.")
        return job

    def _resource_tags(self, arn: str) -> dict[str, str]:
        """aws:ResourceTag/<key> for each tag of a job that there is; the reference lists the key for training jobs."""
        with self._lock:
            return {f"aws:ResourceTag/{key}": value for key, value in self._tags.get(arn, {}).items()}

    def _tags_of(self, call: Call) -> dict[str, str]:
        arn = call.parameters["ResourceArn"]
        with self._lock:
            if arn not in self._tags:
                raise AwsError("ValidationException", f"Requested resource not found: {arn}.")
            return self._tags[arn]


def _check_settings(request: Mapping[str, Any]) -> None:
    """What the model's shapes do not say: which members a job with a container of ours must have."""
    resources = request.get("ResourceConfig", {})
    if not request.get("AlgorithmSpecification", {}).get("TrainingImage"):
        raise AwsError(
            "ValidationException", "AlgorithmSpecification.TrainingImage is missing; the rehearsal runs images."
        )
    if not resources.get("InstanceType") or not resources.get("InstanceCount"):
        raise AwsError("ValidationException", "ResourceConfig needs InstanceType and an InstanceCount of at least 1.")
    if not request.get("StoppingCondition"):
        raise AwsError("ValidationException", "StoppingCondition is missing.")
    family = resources["InstanceType"].removeprefix("ml.").partition(".")[0]
    if resources.get("VolumeKmsKeyId") and family in _LOCAL_STORAGE:
        raise AwsError(
            "ValidationException",
            f"{resources['InstanceType']} takes no VolumeKmsKeyId: its local storage is encrypted by hardware.",
        )


def _job_arn(call: Call, name: str) -> str:
    return f"arn:aws:sagemaker:{call.region}:{call.account}:training-job/{name.lower()}"


def _tag_context(tags: Any) -> dict[str, str]:  # noqa: ANN401 - the list of tags of a request not yet checked
    """aws:RequestTag/<key> for each tag."""
    return {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in tags}


def _as_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _import_learner() -> None:
    import novaline.rehearsal.sagemaker.job_run  # noqa: F401, PLC0415 - imported for what it takes along
