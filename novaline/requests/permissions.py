"""The IAM actions behind a plan: who needs what on what, derived from the requests and from what AWS documents of them.

Offline: nothing here knows the account. `granted_by` names the statement of this version's stacks that grants the
actions (`docs/security.md` explains each); None where no stack grants them yet, and a platform engineer has to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from novaline.environments.names import reward_function_name
from novaline.requests.planned import PlannedRequest
from novaline.requests.resources import Resources

Who = Literal["you", "workflow", "trial", "training", "evaluation", "verify", "import", "customization"]

TITLES: Mapping[Who, str] = {
    "you": "whoever starts the run",
    "workflow": "the workflow's role",
    "trial": "the role of the function Trial",
    "training": "the role of training jobs",
    "evaluation": "the role of evaluation jobs",
    "verify": "the role of the function Verify",
    "import": "the role of the import",
    "customization": "the role of Bedrock's jobs",
}
"""Each of them in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Actions that somebody needs on resources, and why. What `you` need is granted by no stack: see `granted_by`."""

    who: Who
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    because: str
    granted_by: str | None = None

    @property
    def missing(self) -> bool:
        """Whether a role of the stacks lacks this: whoever starts a run has permissions of their own."""
        return self.granted_by is None and self.who != "you"

    def as_json(self) -> dict[str, object]:
        """The permission as `plan --json` prints it."""
        return {
            "who": self.who,
            "actions": list(self.actions),
            "resources": list(self.resources),
            "because": self.because,
            "granted_by": self.granted_by,
        }


def permissions(
    requests: Iterable[PlannedRequest], resources: Resources, *, copied: Iterable[str] = ()
) -> tuple[Permission, ...]:
    """Everything that the requests of a plan need, each once, by who needs it. `copied` are URIs of data in S3."""
    found = [*_of_person(resources), *_of_copies(copied, resources)]
    for request in requests:
        found += _of_workflow(request, resources)
        found += _of_job(request, resources)
    order = list(TITLES)
    return tuple(sorted(dict.fromkeys(found), key=lambda item: order.index(item.who)))


def _of_person(resources: Resources) -> Iterator[Permission]:
    """What `novaline run` calls itself."""
    account, region, environment = resources.account, resources.region, resources.environment
    yield _you(["sts:GetCallerIdentity"], "*", "the account is the environment's")
    stacks = f"arn:aws:cloudformation:{region}:{account}:stack/{environment}-*"
    yield _you(["cloudformation:DescribeStacks"], stacks, "the names of what is deployed")
    data = f"arn:aws:s3:::{resources.data_bucket}/data/*"
    yield _you(["s3:GetObject", "s3:PutObject"], data, "datasets, where they are not there already")
    runs = f"arn:aws:s3:::{resources.artifact_bucket}/runs/*"
    yield _you(["s3:DeleteObjectVersion", "s3:GetObject", "s3:PutObject"], runs, "the run's folder")
    yield _you(["kms:Decrypt", "kms:GenerateDataKey"], resources.key_arn, "both buckets are encrypted")
    yield _you(["states:StartExecution"], resources.state_machine_arn, "the run")
    executions = resources.state_machine_arn.replace(":stateMachine:", ":execution:") + ":*"
    yield _you(["states:DescribeExecution", "states:GetExecutionHistory"], executions, "`novaline status`")


def _of_copies(uris: Iterable[str], resources: Resources) -> Iterator[Permission]:
    """What `novaline run` calls for data that lies in S3: it looks for the report, and copies that version."""
    artifacts = f"arn:aws:s3:::{resources.artifact_bucket}"
    for uri in uris:
        data = f"arn:aws:s3:::{uri.removeprefix('s3://')}"
        yield _you(["s3:GetObject", "s3:GetObjectVersion"], data, "data in S3: its validated version is copied")
        yield _you(["s3:GetObject"], f"{artifacts}/inspections/by-object/*", "the report on it")
        buckets = [f"arn:aws:s3:::{resources.data_bucket}", artifacts]
        yield _you(["s3:ListBucket"], buckets, "what is missing is told from what is forbidden")


def _of_workflow(request: PlannedRequest, resources: Resources) -> Iterator[Permission]:
    """What the state machine needs to send a request, to wait for what it started, and to stop it."""
    arn = f"{resources.region}:{resources.account}"
    role = request.parameters.get("RoleArn") or request.parameters.get("roleArn")
    match request.action:
        case "CreateTrainingJob":
            yield from _training_jobs(arn, sync="ServerlessJobConfig" not in request.parameters)
            yield _workflow(["iam:PassRole"], str(role), "the job works under it", granted_by="PassJobRoles")
        case "CreateModelCustomizationJob":
            jobs = f"arn:aws:bedrock:{arn}:model-customization-job/*"
            create = _named("bedrock", ["CreateModelCustomizationJob"])
            base = str(request.parameters["baseModelIdentifier"])
            yield _workflow(create, [base, f"arn:aws:bedrock:{arn}:custom-model/*", jobs], "Bedrock's job")
            actions = ["GetModelCustomizationJob", "StopModelCustomizationJob", "TagResource"]
            yield _workflow(_named("bedrock", actions), jobs, "waiting, stopping an aborted run, tags")
            yield _workflow(["iam:PassRole"], str(role), "the job works under it")
            yield _workflow(_KEY_FOR_BEDROCK, resources.key_arn, "the model is encrypted, through Bedrock")
        case "CreateCustomModel":
            models = f"arn:aws:bedrock:{arn}:custom-model/*"
            yield _workflow(["bedrock:CreateCustomModel"], "*", request.state, granted_by="ImportModel")
            yield _workflow(["bedrock:GetCustomModel"], models, "waiting", granted_by="DescribeModel")
            yield _workflow(["bedrock:TagResource"], models, "tags", granted_by="TagModelAndDeployment")
            yield _workflow(["iam:PassRole"], str(role), "Bedrock works under it", granted_by="PassImportRole")
            encrypted = "the model is encrypted, through Bedrock"
            yield _workflow(_KEY_FOR_BEDROCK, resources.key_arn, encrypted, granted_by="EncryptImportedModel")
        case "ListCustomModelDeployments":
            yield _workflow([f"bedrock:{request.action}"], "*", request.state, granted_by="ImportModel")
        case "CreateCustomModelDeployment" | "UpdateCustomModelDeployment":
            deployments = f"arn:aws:bedrock:{arn}:custom-model-deployment/*"
            both = [f"arn:aws:bedrock:{arn}:custom-model/*", deployments]
            yield _workflow([f"bedrock:{request.action}"], both, request.state, granted_by="DeployModel")
            get = ["bedrock:GetCustomModelDeployment"]
            yield _workflow(get, deployments, "waiting", granted_by="DescribeDeployment")
            if "tags" in request.parameters:
                yield _workflow(["bedrock:TagResource"], deployments, "tags", granted_by="TagModelAndDeployment")
        case "DescribeHubContent" | "ImportHubContent":
            yield _workflow([f"sagemaker:{request.action}"], _hub(request, arn), request.state)


def _training_jobs(arn: str, *, sync: bool) -> Iterator[Permission]:
    """Create, describe, stop and tag jobs; and the rule by which Step Functions learns of a job's end (`.sync`)."""
    jobs = f"arn:aws:sagemaker:{arn}:training-job/*"
    run = _named("sagemaker", ["CreateTrainingJob", "DescribeTrainingJob"])
    yield _workflow(run, jobs, "the job, and waiting for it", granted_by="RunTrainingJobs")
    yield _workflow(["sagemaker:StopTrainingJob"], jobs, "an aborted run stops it", granted_by="StopTrainingJobs")
    yield _workflow(["sagemaker:AddTags"], jobs, "tags", granted_by="TagTrainingJobs")
    if sync:
        rule = f"arn:aws:events:{arn}:rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule"
        watch = _named("events", ["DescribeRule", "PutRule", "PutTargets"])
        yield _workflow(watch, rule, "the job's end is told by it", granted_by="WatchTrainingJobs")


def _of_job(request: PlannedRequest, resources: Resources) -> Iterator[Permission]:
    """What the job needs that a request starts, under the role that the request passes."""
    if request.action == "CreateTrainingJob":
        yield from _of_training_job(request, resources)
    elif request.action == "CreateModelCustomizationJob":
        yield from _of_bedrock_job(request.parameters, resources)
    elif request.action == "CreateCustomModel":
        escrow = request.parameters["modelSourceConfig"]["s3DataSource"]["s3Uri"]
        yield from _checkpoints("import", escrow, granted=True)
        because = "the model is encrypted, through Bedrock"
        yield _need("import", _KEY_FOR_BEDROCK, resources.key_arn, because, granted_by="EncryptModel")
    elif request.action == "Converse":
        deployments = f"arn:aws:bedrock:{resources.region}:{resources.account}:custom-model-deployment/*"
        yield _need("verify", ["bedrock:InvokeModel"], deployments, "Converse", granted_by="AskDeployment")
        through = "the model is encrypted, through Bedrock"
        yield _need("verify", ["kms:Decrypt"], resources.key_arn, through, granted_by="AskEncryptedModel")


def _of_training_job(request: PlannedRequest, resources: Resources) -> Iterator[Permission]:
    parameters = request.parameters
    who: Who = "evaluation" if parameters["RoleArn"] == resources.evaluation_role_arn else "training"
    data, artifacts = f"arn:aws:s3:::{resources.data_bucket}", f"arn:aws:s3:::{resources.artifact_bucket}"
    uris = [item["DataSource"]["S3DataSource"]["S3Uri"] for item in parameters.get("InputDataConfig", [])]
    if any(uri.startswith(f"s3://{resources.data_bucket}/") for uri in uris):
        yield _need(who, ["s3:GetObject"], f"{data}/data/*", "its data", granted_by="ReadData")
        yield _need(who, ["s3:ListBucket"], data, "its data", granted_by="ListData")
    if any(uri.startswith(f"s3://{resources.artifact_bucket}/") for uri in uris):
        yield _need(who, ["s3:GetObject"], f"{artifacts}/runs/*/recipes/*", "its recipe", granted_by="ReadRecipes")
        yield _need(who, ["s3:ListBucket"], artifacts, "its recipe", granted_by="ListRecipes")
    output = f"{artifacts}/runs/*/{'evaluations' if who == 'evaluation' else 'training'}/*"
    yield _need(who, ["s3:PutObject"], output, "its output", granted_by="WriteOutput")
    key = _named("kms", ["Decrypt", "Encrypt", "GenerateDataKey"])
    yield _need(who, key, resources.key_arn, "inputs and output are encrypted", granted_by="UseKey")
    yield from _logs(who, resources)
    if "AlgorithmSpecification" in parameters:
        yield from _image(who, parameters["AlgorithmSpecification"]["TrainingImage"])
    hyper_parameters = parameters["HyperParameters"]
    checkpoint = hyper_parameters.get("base_model_location")
    if checkpoint is not None:
        own = checkpoint.startswith(f"s3://customer-escrow-{resources.account}-")
        yield from _checkpoints(who, checkpoint, granted=own)
    rewards = [function for function in (hyper_parameters.get("reward_lambda_arn"), *request.invokes) if function]
    declared = f":function:{reward_function_name(resources.environment, '')}"
    for function in rewards:
        granted = "InvokeRewards" if declared in function else None
        yield _need(who, ["lambda:InvokeFunction"], function, "the job calls it", granted_by=granted)
        if who == "training" and "AlgorithmSpecification" in parameters:
            because = "it is tried before the job starts"
            yield _need("trial", ["lambda:InvokeFunction"], function, because, granted_by=granted)
    processor = hyper_parameters.get("eval_lambda_arn")
    if processor is not None:
        granted = "InvokeProcessors" if declared in processor else None
        yield _need(who, ["lambda:InvokeFunction"], processor, "the job calls it", granted_by=granted)
    if hyper_parameters.get("distillation_data") == "true":
        because = "batch inference of the teacher; AWS documents AmazonBedrockFullAccess, and no narrower list"
        yield _need(who, ["bedrock:*", "iam:PassRole"], "*", because)
    if "ServerlessJobConfig" in parameters:
        yield from _hub_contents(who, parameters["ServerlessJobConfig"])
    if "ModelPackageConfig" in parameters:
        yield from _registry(who, parameters["ModelPackageConfig"])


def _hub_contents(who: Who, config: Mapping[str, str]) -> Iterator[Permission]:
    yield _need(who, ["sagemaker:DescribeHubContent"], config["BaseModelArn"], "the base model")
    if "EvaluatorArn" in config:
        yield _need(who, ["sagemaker:DescribeHubContent"], config["EvaluatorArn"], "the reward")


def _registry(who: Who, config: Mapping[str, str]) -> Iterator[Permission]:
    """What a job's role needs of the model registry, whether the job has machines or not.

    The actions are those of AWS's managed policies AmazonSageMakerModelCustomizationCoreAccess and, for reading what a
    package holds, AmazonSageMakerJobFullAccess; which of them a job really uses is unproven.
    """
    group = config["ModelPackageGroupArn"]
    actions = ["CreateModelPackage", "DescribeModelPackage", "DescribeModelPackageGroup", "ListModelPackages"]
    both = [group, f"{group.replace(':model-package-group/', ':model-package/')}/*"]
    yield _need(who, _named("sagemaker", [*actions, "UpdateModelPackage", "AddTags"]), both, "where the model is kept")
    source = config.get("SourceModelPackageArn")
    if source is not None:
        read = _named("sagemaker", ["AccessModelPackage", "DescribeModelPackage"])
        yield _need(who, read, source, "the model package that it starts from")


def _of_bedrock_job(parameters: Mapping[str, Any], resources: Resources) -> Iterator[Permission]:
    data, artifacts = f"arn:aws:s3:::{resources.data_bucket}", f"arn:aws:s3:::{resources.artifact_bucket}"
    yield _need("customization", ["s3:GetObject", "s3:ListBucket"], [data, f"{data}/data/*"], "its data")
    write = _named("s3", ["GetObject", "ListBucket", "PutObject"])
    yield _need("customization", write, [artifacts, f"{artifacts}/runs/*/training/*"], "its metrics")
    yield _need("customization", _KEY_FOR_BEDROCK, resources.key_arn, "data and model are encrypted")
    reward = parameters.get("customizationConfig", {}).get("rftConfig", {}).get("graderConfig", {})
    if reward:
        function = reward["lambdaGrader"]["lambdaArn"]
        yield _need("customization", ["lambda:InvokeFunction"], function, "the reward")


def _logs(who: Who, resources: Resources) -> Iterator[Permission]:
    group = f"arn:aws:logs:{resources.region}:{resources.account}:log-group:/aws/sagemaker/TrainingJobs"
    find = _named("logs", ["CreateLogGroup", "CreateLogStream", "DescribeLogStreams"])
    yield _need(who, find, [group, f"{group}:*"], "its log", granted_by="FindLogs")
    yield _need(who, ["logs:PutLogEvents"], [group, f"{group}:*"], "its log", granted_by="WriteLogs")
    yield _need(who, ["cloudwatch:PutMetricData"], "*", "its metrics", granted_by="PutMetrics")


_REPOSITORIES = {"training": "nova-fine-tune-repo", "evaluation": "nova-evaluation-repo"}
"""What the roles of the stacks may pull."""


def _image(who: Who, uri: str) -> Iterator[Permission]:
    registry, _, name = uri.partition("/")
    account, _, _, region, *_ = registry.split(".")
    repository = name.partition("@")[0].partition(":")[0]
    pull = _named("ecr", ["BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"])
    granted = "PullImage" if repository == _REPOSITORIES[who] else None
    arn = f"arn:aws:ecr:{region}:{account}:repository/{repository}"
    yield _need(who, pull, arn, "its container", granted_by=granted)
    yield _need(who, ["ecr:GetAuthorizationToken"], "*", "its container", granted_by="LogInToRegistry")


def _checkpoints(who: Who, uri: str, *, granted: bool) -> Iterator[Permission]:
    """The escrow bucket is Amazon's, and named after the account: `customer-escrow-<account>-<platform>-<id>`."""
    bucket = "-".join(uri.removeprefix("s3://").partition("/")[0].split("-")[:3])
    escrow = f"arn:aws:s3:::{bucket}-*"
    read, find = ("ReadCheckpoints", "ListCheckpoints") if granted else (None, None)
    yield _need(who, ["s3:GetObject"], f"{escrow}/*", "the checkpoint", granted_by=read)
    yield _need(who, ["s3:ListBucket"], escrow, "the checkpoint", granted_by=find)


_KEY_FOR_BEDROCK = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")


def _hub(request: PlannedRequest, arn: str) -> list[str]:
    hub, content = request.parameters["HubName"], request.parameters["HubContentName"]
    kind = request.parameters["HubContentType"]
    owner = arn if request.action == "ImportHubContent" else f"{arn.partition(':')[0]}:aws"
    content_arn = f"arn:aws:sagemaker:{owner}:hub-content/{hub}/{kind}/{content}/*"
    return [f"arn:aws:sagemaker:{owner}:hub/{hub}", content_arn]


def _named(service: str, actions: Sequence[str]) -> list[str]:
    return [f"{service}:{action}" for action in actions]


def _you(actions: Sequence[str], resource: str | Sequence[str], because: str) -> Permission:
    return _need("you", actions, resource, because)


def _workflow(
    actions: Sequence[str], resource: str | Sequence[str], because: str, *, granted_by: str | None = None
) -> Permission:
    return _need("workflow", actions, resource, because, granted_by=granted_by)


def _need(
    who: Who, actions: Sequence[str], resource: str | Sequence[str], because: str, *, granted_by: str | None = None
) -> Permission:
    resources = (resource,) if isinstance(resource, str) else tuple(resource)
    return Permission(who=who, actions=tuple(actions), resources=resources, because=because, granted_by=granted_by)
