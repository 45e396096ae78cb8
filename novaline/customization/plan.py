"""The plan of a run: requests, recipes against their defaults, quotas, cost, findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from novaline.customization.checks import Checked
from novaline.customization.compile import CompiledRun
from novaline.customization.settings import JobSettings
from novaline.findings import Finding, NovalineError
from novaline.recipes.rendering import Difference, default_values, differences
from novaline.requests.conformance import check_request
from novaline.requests.planned import PlannedRequest, planned_requests
from novaline.requests.resources import Resources

if TYPE_CHECKING:
    from novaline.environments import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """One kind of job: what it runs with, and where its recipe differs from the published one."""

    name: str
    what: str
    settings: JobSettings
    image: str
    rows: int
    differences: tuple[Difference, ...]

    def as_json(self) -> dict[str, Any]:
        """The job as `plan --json` prints it."""
        return {
            "name": self.name,
            "what": self.what,
            "recipe": {"id": self.settings.recipe.id, "version": self.settings.recipe.version},
            "image": self.image,
            "instances": {"type": self.settings.instance_type, "count": self.settings.instance_count},
            "rows": self.rows,
            "overrides": [
                {"path": item.path, "default": item.default, "value": item.value} for item in self.differences
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A service quota that the account needs. Its value in the account is not known offline."""

    service: str
    name: str
    needed: int

    def as_json(self) -> dict[str, Any]:
        """The quota as `plan --json` prints it."""
        return {"service": self.service, "name": self.name, "needed": self.needed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would do, before it does. Its requests conform to AWS's own models."""

    checked: Checked
    compiled: CompiledRun
    environment: str
    region: str
    jobs: tuple[PlannedJob, ...]
    requests: tuple[PlannedRequest, ...]
    quotas: tuple[Quota, ...]

    def as_json(self) -> dict[str, Any]:
        """The plan as `plan --json` prints it."""
        return {
            "customization": self.checked.customization.model_dump(mode="json"),
            "environment": self.environment,
            "region": self.region,
            "jobs": [job.as_json() for job in self.jobs],
            "requests": [request.as_json() for request in self.requests],
            "cost": self.compiled.cost.as_json(),
            "quotas": [quota.as_json() for quota in self.quotas],
            "datasets": [
                {"key": item.key, "path": str(item.path), "sha256": item.sha256, "bytes": item.bytes, "what": item.what}
                for item in self.compiled.uploads
            ],
            "findings": [finding.as_json() for finding in self.checked.findings],
        }


def make_plan(checked: Checked, compiled: CompiledRun, *, environment: Environment, resources: Resources) -> Plan:
    """The plan of a compiled run.

    Raises NovalineError when AWS's own service model refuses a request, which is a defect of Novaline.
    """
    requests = planned_requests(compiled.claim, resources)
    refused = tuple(_nonconforming(requests))
    if refused:
        raise NovalineError(refused)
    return Plan(
        checked=checked,
        compiled=compiled,
        environment=environment.name,
        region=environment.region,
        jobs=tuple(_jobs(checked, environment.region)),
        requests=requests,
        quotas=tuple(_quotas(checked)),
    )


def _jobs(checked: Checked, region: str) -> Iterator[PlannedJob]:
    for kind, part, settings_by_name in (
        ("training", "train", checked.stages),
        ("evaluation of base and candidate", "data", checked.evaluations),
    ):
        for name, settings in settings_by_name.items():
            recipe = settings.recipe
            own = {"run.replicas": settings.instance_count}
            yield PlannedJob(
                name=name,
                what=kind,
                settings=settings,
                image=recipe.image("sagemaker", region) or "",
                rows=checked.datasets[f"{name}/{part}"].rows,
                differences=differences(recipe, {**default_values(recipe), **settings.overrides, **own}),
            )


def _quotas(checked: Checked) -> Iterator[Quota]:
    needed: dict[str, int] = {}
    for settings in checked.stages.values():
        needed[settings.instance_type] = max(needed.get(settings.instance_type, 0), settings.instance_count)
    together: Mapping[str, int] = {}
    for settings in checked.evaluations.values():  # base and candidate of every evaluation run at the same time
        kind = settings.instance_type
        together = {**together, kind: together.get(kind, 0) + 2 * settings.instance_count}
    for kind, count in together.items():
        needed[kind] = max(needed.get(kind, 0), count)
    for kind, count in needed.items():
        yield Quota(service="sagemaker", name=f"{kind} for training job usage", needed=count)
    if checked.customization.deployment.target == "bedrock-on-demand":
        yield Quota(service="bedrock", name="custom models per account", needed=1)
        yield Quota(service="bedrock", name="custom model deployments in progress", needed=1)


def _nonconforming(requests: tuple[PlannedRequest, ...]) -> Iterator[Finding]:
    for request in requests:
        for problem in check_request(request.service, request.action, request.parameters):
            message = f"the request of {request.state} ({request.action}) does not conform to AWS's model: {problem}"
            hint = "this is a defect of Novaline: please report it with your file"
            yield Finding(code="request-not-conforming", severity="error", message=message, hint=hint)
