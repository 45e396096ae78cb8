"""Every AWS request that a run makes, in order, with what is only known while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from novaline.requests.converse import converse
from novaline.requests.custom_model import create_custom_model
from novaline.requests.model_deployment import create_deployment, list_deployments, update_deployment
from novaline.requests.resources import Resources

# Values of the right form for what AWS answers during the run.
_MODEL_ID = "0" * 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRequest:
    """One request. `at_run` maps the path of a parameter to what fills it in; until then it holds a sample.

    `condition` says when the request is made, if it is not always.
    """

    state: str
    service: str
    action: str
    parameters: Mapping[str, Any]
    at_run: Mapping[str, str] = field(default_factory=dict)
    condition: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The request as `plan --json` prints it."""
        return {
            "state": self.state,
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
    attempt = {"TrainingJobName": "the hash of content and run, and the counters of retry and redrive"}
    for stage in claim["stages"]:
        yield _job("Train", stage["job"], attempt)
    for subject in ("base", "candidate"):
        for evaluation in claim["evaluations"]:
            job, at_run = evaluation[subject], dict(attempt)
            if subject == "candidate":
                checkpoint = {"base_model_location": checkpoint_sample(resources)}
                request = {**job["request"], "HyperParameters": job["request"]["HyperParameters"] | checkpoint}
                job = {**job, "request": request}
                at_run["HyperParameters.base_model_location"] = "the checkpoint that training left in the escrow bucket"
            yield _job(f"Evaluate {subject}", job, at_run)


def _job(state: str, job: Mapping[str, Any], at_run: Mapping[str, str]) -> PlannedRequest:
    parameters = {"TrainingJobName": f"{job['base_name']}-r0-d0", **job["request"]}
    return PlannedRequest(
        state=state, service="sagemaker", action="CreateTrainingJob", parameters=parameters, at_run=at_run
    )


def _serving(claim: Mapping[str, Any], resources: Resources) -> Iterator[PlannedRequest]:
    tags = {"novaline:run": claim["run"], "novaline:environment": resources.environment}
    name, token = claim["deployment"]["name"], claim["run"]
    arn = f"arn:aws:bedrock:{resources.region}:{resources.account}"
    model = {"modelArn": "the model that Import model made"}
    model_arn = f"{arn}:custom-model/imported/{_MODEL_ID}"
    deployment_arn = f"{arn}:custom-model-deployment/{_MODEL_ID}"
    yield _bedrock(
        "Import model",
        "CreateCustomModel",
        create_custom_model(
            name=claim["custom_model_name"],
            checkpoint_uri=checkpoint_sample(resources),
            role_arn=resources.import_role_arn,
            key_arn=resources.key_arn,
            tags=tags,
            token=token,
        ),
        {
            "modelName": "the hash of content and run",
            "modelSourceConfig.s3DataSource.s3Uri": "the checkpoint that training left in the escrow bucket",
        },
    )
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
    yield PlannedRequest(
        state="Verify",
        service="bedrock-runtime",
        action="Converse",
        parameters=converse(model_id=deployment_arn, query="a held-out row's query"),
        at_run={
            "modelId": "the deployment",
            "messages": f"each of {claim['verify_rows']} held-out rows",
            "system": "the row's system text, if it has one",
        },
    )


def _bedrock(
    state: str, action: str, parameters: Mapping[str, Any], at_run: Mapping[str, str], *, condition: str | None = None
) -> PlannedRequest:
    return PlannedRequest(
        state=state, service="bedrock", action=action, parameters=parameters, at_run=at_run, condition=condition
    )


def checkpoint_sample(resources: Resources) -> str:
    """A URI of the form that escrow checkpoints have, for a plan; the real one is known after training."""
    return f"s3://customer-escrow-{resources.account}-smtj-00000000/checkpoint/0/"
