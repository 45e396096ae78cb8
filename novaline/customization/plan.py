"""The plan of a run: jobs, requests, permissions, quotas, cost, findings; and whether it can run at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from novaline.cost.quotas import (
    Machines,
    Quota,
    bedrock_job_quotas,
    cluster_quotas,
    deployment_quotas,
    import_quotas,
    training_quotas,
)
from novaline.customization.checks import Checked
from novaline.customization.compile import CompiledRun
from novaline.customization.planned_jobs import PlannedJob, planned_jobs, roles_of
from novaline.customization.runnable import not_runnable
from novaline.datasets.dataset import StoredVersion
from novaline.findings import Finding, NovalineError, errors_in
from novaline.requests.conformance import check_request
from novaline.requests.permissions import Permission, permissions
from novaline.requests.planned import PlannedRequest, notes, planned_requests
from novaline.requests.resources import Resources

if TYPE_CHECKING:
    from novaline.environments import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would do, before it does. Its requests conform to AWS's own models.

    `notes` is what the run leaves to a person; `obstacles` are why `novaline run` refuses it, nothing when it does not.
    """

    checked: Checked
    compiled: CompiledRun
    environment: Environment
    jobs: tuple[PlannedJob, ...]
    requests: tuple[PlannedRequest, ...]
    permissions: tuple[Permission, ...]
    quotas: tuple[Quota, ...]
    notes: tuple[str, ...]
    obstacles: tuple[Finding, ...]

    @property
    def expected_hours(self) -> float | None:
        """How long the jobs should take, stages one after the other, then all evaluations at once; None if unknown."""
        stages = [job.hours for job in self.jobs if not job.subjects]
        evaluations = [job.hours for job in self.jobs if job.subjects]
        known = [hours for hours in (*stages, *evaluations) if hours is not None]
        if len(known) < len(self.jobs):
            return None
        return sum(known[: len(stages)]) + max(known[len(stages) :], default=0.0)

    @property
    def limit_hours(self) -> float:
        """How long they may take at most, by their timeouts."""
        hours = {job.name: job.settings.timeout / timedelta(hours=1) for job in self.jobs}
        evaluations = [hours[job.name] for job in self.jobs if job.subjects]
        return sum(hours[job.name] for job in self.jobs if not job.subjects) + max(evaluations, default=0.0)

    def as_json(self) -> dict[str, Any]:
        """The plan as `plan --json` prints it."""
        return {
            "customization": self.checked.customization.model_dump(mode="json"),
            "environment": self.environment.name,
            "account": self.environment.account,
            "region": self.environment.region,
            "runnable": not self.obstacles,
            "obstacles": [obstacle.as_json() for obstacle in self.obstacles],
            "expected_hours": None if self.expected_hours is None else round(self.expected_hours, 4),
            "limit_hours": self.limit_hours,
            "jobs": [job.as_json() for job in self.jobs],
            "requests": [request.as_json() for request in self.requests],
            "notes": list(self.notes),
            "permissions": [permission.as_json() for permission in self.permissions],
            "cost": self.compiled.cost.as_json(),
            "quotas": [quota.as_json() for quota in self.quotas],
            "datasets": [
                {"key": item.key, "path": item.name, "sha256": item.sha256, "bytes": item.bytes, "what": item.what}
                for item in self.compiled.uploads
            ],
            "images": {job: image.as_json() for job, image in self.compiled.images.items()},
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
        environment=environment,
        jobs=tuple(planned_jobs(checked, compiled, environment=environment)),
        requests=requests,
        permissions=permissions(requests, resources, copied=_copied(compiled)),
        quotas=quotas_of(checked, requests),
        notes=notes(compiled.claim),
        obstacles=(*errors_in(checked.findings), *not_runnable(checked)),
    )


def _copied(compiled: CompiledRun) -> list[str]:
    """The URIs of data that lies in S3 already."""
    return sorted({item.name for item in compiled.uploads if isinstance(item.source, StoredVersion)})


def quotas_of(checked: Checked, requests: Iterable[PlannedRequest]) -> tuple[Quota, ...]:
    """The quotas that the run needs. Stages run one after the other, all jobs of the evaluations at the same time."""
    moments: dict[str, list[Machines]] = {}
    sent = list(requests)
    for request in sent:
        config = request.parameters.get("ResourceConfig")
        if request.action == "CreateTrainingJob" and config is not None:
            moment = f"{request.state} {request.job}" if request.state == "Train" else "Evaluate"
            machines = Machines(type=config["InstanceType"], count=config["InstanceCount"])
            moments.setdefault(moment, []).append(machines)
    found = [*training_quotas(moments.values()), *cluster_quotas(_cluster(checked))]
    managed = sum(request.action == "CreateModelCustomizationJob" for request in sent)
    if managed:
        found += bedrock_job_quotas(jobs=managed)
    actions = {request.action for request in sent}
    if "CreateCustomModel" in actions:
        found += import_quotas()
    if "CreateCustomModelDeployment" in actions:
        found += deployment_quotas()
    return tuple(_merged(found))


def _cluster(checked: Checked) -> Iterator[Machines]:
    """The largest stage or evaluation on HyperPod, with every group of instances that it starts."""
    needed: dict[str, int] = {}
    for settings in (*checked.stages.values(), *checked.evaluations.values()):
        if settings.platform == "hyperpod":
            count = settings.instance_count + sum(roles_of(settings).values())
            needed[settings.instance_type] = max(needed.get(settings.instance_type, 0), count)
    yield from (Machines(type=kind, count=count) for kind, count in needed.items())


def _merged(quotas: Iterable[Quota]) -> Iterator[Quota]:
    """Each quota once: what two parts of a run leave in an account adds up."""
    by_name: dict[tuple[str, str], Quota] = {}
    for quota in quotas:
        key = (quota.service, quota.name)
        seen = by_name.get(key)
        by_name[key] = quota if seen is None else replace(quota, needed=seen.needed + quota.needed)
    yield from by_name.values()


def _nonconforming(requests: tuple[PlannedRequest, ...]) -> Iterator[Finding]:
    for request in requests:
        for problem in check_request(request.service, request.action, request.parameters):
            message = f"the request of {request.state} ({request.action}) does not conform to AWS's model: {problem}"
            hint = "this is a defect of Novaline: please report it with your file"
            yield Finding(code="request-not-conforming", severity="error", message=message, hint=hint)
