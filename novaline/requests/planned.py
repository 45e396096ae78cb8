"""Every AWS request that a run makes, in order, with what is only known while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from novaline.requests.converse import converse
from novaline.requests.custom_model import create_custom_model
from novaline.requests.model_deployment import create_deployment, list_deployments, update_deployment
from novaline.requests.resources import Resources

# Values of the right form for what AWS answers during the run.
_MODEL_ID = "0" * 12
_NAMES = {
    "CreateTrainingJob": ("TrainingJobName",),
    "CreateModelCustomizationJob": ("jobName", "clientRequestToken"),
}
"""What of a job's request is new with each attempt."""
_ATTEMPT = "the hash of content and run, and the counters of retry and redrive"
_CHECKPOINT = "the checkpoint that training left in the escrow bucket"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRequest:
    """One request. `at_run` maps the path of a parameter to what fills it in; until then it holds a sample.

    `condition` says when the request is made, if it is not always. `job` is the stage or the evaluation that it is made
    for; `invokes` are the Lambda functions that the job calls and no parameter names.
    """

    state: str
    service: str
    action: str
    parameters: Mapping[str, Any]
    at_run: Mapping[str, str] = field(default_factory=dict)
    condition: str | None = None
    job: str | None = None
    invokes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The request as `plan --json` prints it."""
        return {
            "state": self.state,
            "job": self.job,
            "service": self.service,
            "action": self.action,
            "parameters": dict(self.parameters),
            "at_run": dict(self.at_run),
            "condition": self.condition,
        }


def planned_requests(claim: Mapping[str, Any], resources: Resources) -> tuple[PlannedRequest, ...]:
    """The requests of a claim's run, in the order of the workflow's states."""
    requests = list(_jobs(claim, resources))
    if claim["deployment"]["target"] != "none":
        requests += _serving(claim, resources)
    samples = dict(resources.samples)
    if samples:
        samples[claim["run"]] = "the run's id"
    return tuple(_with_samples(request, samples) for request in requests)


def notes(claim: Mapping[str, Any]) -> tuple[str, ...]:
    """What a run leaves to a person, because no request can be sent for it; each reason once, with what it is about."""
    found: dict[str, list[str]] = {}
    for stage in claim["stages"]:
        if "note" in stage:
            found.setdefault(stage["note"], []).append(f"stage {stage['name']}")
    for evaluation in claim["evaluations"]:
        for subject in ("base", "candidate"):
            if "note" in evaluation[subject]:
                what = f"evaluation {evaluation['name']} of the {subject}"
                found.setdefault(evaluation[subject]["note"], []).append(what)
    if claim["deployment"]["target"] != "none":
        if not _leaves_model(claim["stages"][-1]):
            found["a distillation leaves answers to train on, and no model to deploy"] = ["deployment"]
        elif not _held_out_rows(claim):
            asked = (
                f"the gate's evaluation {claim['gate']['evaluation']} has no rows of yours to ask the deployed model"
            )
            found[f"{asked}: ask it yourself before you rely on it"] = ["Verify"]
    return tuple(f"{', '.join(what)}: {note}" for note, what in found.items())


def _with_samples(request: PlannedRequest, samples: Mapping[str, str]) -> PlannedRequest:
    """The request, with every parameter marked that still holds a sample of what only a deployment gives."""
    found = {}
    for path, value in _leaves(request.parameters):
        fillers = [filler for sample, filler in samples.items() if sample in value]
        if fillers:
            found[path] = "with " + " and ".join(fillers)
    return replace(request, at_run={**found, **request.at_run})


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a request, with its path: names joined by dots, positions in brackets."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{position}]")


def _jobs(claim: Mapping[str, Any], resources: Resources) -> Iterator[PlannedRequest]:
    for stage in claim["stages"]:
        for first in stage.get("prepare", []):
            yield PlannedRequest(
                state=first["state"],
                service=first["service"],
                action=first["action"],
                parameters=first["request"],
                job=stage["name"],
            )
        if "job" in stage:
            yield _job("Train", stage["name"], stage["job"])
    checkpoint = {"HyperParameters.base_model_location": {"what": _CHECKPOINT, "sample": checkpoint_sample(resources)}}
    for subject in ("base", "candidate"):
        for evaluation in claim["evaluations"]:
            job = evaluation[subject]
            if "request" not in job:
                continue
            if subject == "candidate":
                job = {**job, "open": checkpoint}
            yield _job(f"Evaluate {subject}", evaluation["name"], job)


def _job(state: str, name: str, job: Mapping[str, Any]) -> PlannedRequest:
    action = job.get("action", "CreateTrainingJob")
    names = dict.fromkeys(_NAMES[action], f"{job['base_name']}-r0-d0")
    parameters: dict[str, Any] = {**names, **deepcopy(job["request"])}
    at_run = dict.fromkeys(names, _ATTEMPT)
    for path, value in job.get("open", {}).items():
        _fill(parameters, path, value["sample"])
        at_run[path] = value["what"]
    if "customModelName" in parameters:
        at_run["customModelName"] = "the hash of content and run"
    return PlannedRequest(
        state=state,
        service=job.get("service", "sagemaker"),
        action=action,
        parameters=parameters,
        at_run=at_run,
        job=name,
        invokes=tuple(job.get("invokes", ())),
    )


def _fill(parameters: dict[str, Any], path: str, sample: str) -> None:
    *parents, leaf = path.split(".")
    node = parameters
    for parent in parents:
        node = node.setdefault(parent, {})
    node[leaf] = sample


def _leaves_model(stage: Mapping[str, Any]) -> bool:
    """Whether a stage ends with a model: distillation does on Bedrock only, which trains the student itself."""
    return bool(stage["technique"] != "distillation" or stage.get("platform") == "bedrock")


def _held_out_rows(claim: Mapping[str, Any]) -> int:
    """How many rows the gate's evaluation has, which Verify asks again; a benchmark brings questions of its own."""
    judged = claim["gate"]["evaluation"]
    return next((item["rows"] or 0 for item in claim["evaluations"] if item["name"] == judged), 0)


def _serving(claim: Mapping[str, Any], resources: Resources) -> Iterator[PlannedRequest]:
    last = claim["stages"][-1]
    if not _leaves_model(last):
        return
    tags = {"novaline:run": claim["run"], "novaline:environment": resources.environment}
    name, token = claim["deployment"]["name"], claim["run"]
    arn = f"arn:aws:bedrock:{resources.region}:{resources.account}"
    deployment_arn = f"{arn}:custom-model-deployment/{_MODEL_ID}"
    if last.get("platform") == "bedrock":
        model = {"modelArn": f"the custom model that stage {last['name']} made"}
        model_arn = last["job"]["makes"]
    else:
        model = {"modelArn": "the model that Import model made"}
        model_arn = f"{arn}:custom-model/imported/{_MODEL_ID}"
        checkpoint = checkpoint_sample(resources, hyperpod=last.get("platform") == "hyperpod")
        yield _import(claim, resources, checkpoint=checkpoint, tags=tags)
    yield _bedrock("Find deployment", "ListCustomModelDeployments", list_deployments(name=name), {})
    yield _bedrock(
        "Create deployment",
        "CreateCustomModelDeployment",
        create_deployment(name=name, model_arn=model_arn, run=claim["run"], tags=tags, token=token),
        model,
        condition="no deployment has the name yet",
    )
    yield _bedrock(
        "Update deployment",
        "UpdateCustomModelDeployment",
        update_deployment(identifier=deployment_arn, model_arn=model_arn),
        {**model, "customModelDeploymentIdentifier": "the deployment that Find deployment found"},
        condition="a deployment has the name already",
    )
    rows = min(claim["verify_rows"], _held_out_rows(claim))
    if not rows:
        return
    yield PlannedRequest(
        state="Verify",
        service="bedrock-runtime",
        action="Converse",
        parameters=converse(model_id=deployment_arn, query="a held-out row's query"),
        at_run={
            "modelId": "the deployment",
            "messages": f"each of {rows} held-out rows",
            "system": "the row's system text, if it has one",
        },
    )


def _import(
    claim: Mapping[str, Any], resources: Resources, *, checkpoint: str, tags: Mapping[str, str]
) -> PlannedRequest:
    request = create_custom_model(
        name=claim["custom_model_name"],
        checkpoint_uri=checkpoint,
        role_arn=resources.import_role_arn,
        key_arn=resources.key_arn,
        tags=tags,
        token=claim["run"],
    )
    at_run = {"modelName": "the hash of content and run", "modelSourceConfig.s3DataSource.s3Uri": _CHECKPOINT}
    return _bedrock("Import model", "CreateCustomModel", request, at_run)


def _bedrock(
    state: str, action: str, parameters: Mapping[str, Any], at_run: Mapping[str, str], *, condition: str | None = None
) -> PlannedRequest:
    return PlannedRequest(
        state=state, service="bedrock", action=action, parameters=parameters, at_run=at_run, condition=condition
    )


def checkpoint_sample(resources: Resources, *, hyperpod: bool = False) -> str:
    """A URI of the form that escrow checkpoints have, for a plan; the real one is known after training."""
    return f"s3://customer-escrow-{resources.account}-{'hp' if hyperpod else 'smtj'}-00000000/checkpoint/0/"
