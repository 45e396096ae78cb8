"""Service quotas that a plan needs. What an account has of them is not known offline.

Names are those of Service Quotas, as AWS's error messages, its general reference and public listings of quotas
show them. A code is given where such a listing shows it and no other public source shows another; None means that it is
to be looked up by name, and `Quota.lookup` says how. Sources differ for ml.p4d.24xlarge, ml.g6.12xlarge and all of
"… for cluster usage" (HyperPod); none was found for ml.p5en.48xlarge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

ServiceCode = Literal["sagemaker", "bedrock"]

_TRAINING_CODES: Mapping[str, str] = MappingProxyType(
    {
        "ml.p5.48xlarge": "L-82E1C851",
        "ml.g5.12xlarge": "L-C6383286",
        "ml.g5.48xlarge": "L-6BC98A55",
        "ml.g6.48xlarge": "L-8CCF67BD",
        "ml.r5.24xlarge": "L-03C8E8AF",
    }
)
"""Instance type → code of "<type> for training job usage"."""
MOST_INSTANCES_OF_A_JOB = 20
"""AWS's default of "Maximum number of instances per training job" (SageMaker AI developer guide, quotas)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A quota that the account needs: at least `needed` of it, at the same moment."""

    service: ServiceCode
    name: str
    needed: int
    code: str | None = None

    @property
    def lookup(self) -> str:
        """The command that tells what the account has."""
        if self.code is not None:
            return f"aws service-quotas get-service-quota --service-code {self.service} --quota-code {self.code}"
        query = f"Quotas[?QuotaName=='{self.name}'].[QuotaCode,Value]"
        return f'aws service-quotas list-service-quotas --service-code {self.service} --query "{query}"'

    def as_json(self) -> dict[str, object]:
        """The quota as `plan --json` prints it."""
        return {
            "service": self.service,
            "name": self.name,
            "code": self.code,
            "needed": self.needed,
            "lookup": self.lookup,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """The instances of one job."""

    type: str
    count: int


def training_quotas(moments: Iterable[Iterable[Machines]]) -> tuple[Quota, ...]:
    """The quotas of SageMaker training jobs. A moment holds the jobs that run at the same time.

    Each instance type has its own; together they count against the instances of all training jobs. A job of more than
    20 instances needs more than AWS's default for one job.
    """
    by_type: dict[str, int] = {}
    together = largest = 0
    for moment in moments:
        now: dict[str, int] = {}
        for machines in moment:
            now[machines.type] = now.get(machines.type, 0) + machines.count
            largest = max(largest, machines.count)
        for kind, count in now.items():
            by_type[kind] = max(by_type.get(kind, 0), count)
        together = max(together, sum(now.values()))
    return tuple(_training(by_type, together=together, largest=largest))


def cluster_quotas(machines: Iterable[Machines]) -> tuple[Quota, ...]:
    """The quotas of a HyperPod cluster that has these instances at the same time."""
    needed: dict[str, int] = {}
    for group in machines:
        needed[group.type] = needed.get(group.type, 0) + group.count
    return tuple(
        Quota(service="sagemaker", name=f"{kind} for cluster usage", needed=count) for kind, count in needed.items()
    )


def bedrock_job_quotas(*, jobs: int) -> tuple[Quota, ...]:
    """The quotas of Bedrock's managed jobs: they wait in a queue of their own, and each ends as a custom model."""
    scheduled = "(Model customization) Scheduled customization jobs"
    return (
        Quota(service="bedrock", name=scheduled, needed=1, code="L-0406044C"),
        custom_model_quota(models=jobs),
    )


def custom_model_quota(*, models: int = 1) -> Quota:
    """Room for custom models that a run leaves in Bedrock."""
    return Quota(service="bedrock", name="Custom models per account", needed=models, code="L-CB5B847D")


def import_quotas() -> tuple[Quota, ...]:
    """The quotas of importing one model into Bedrock."""
    creating = "Custom models with a creating status per account"
    return (
        custom_model_quota(),
        Quota(service="bedrock", name=creating, needed=1, code="L-C02E1E99"),
    )


def deployment_quotas() -> tuple[Quota, ...]:
    """The quotas of deploying one custom model on demand, whether it was imported or Bedrock trained it."""
    return (
        Quota(service="bedrock", name="In-progress custom model deployments", needed=1),
        Quota(service="bedrock", name="Total custom model deployments", needed=1),
    )


def _training(by_type: Mapping[str, int], *, together: int, largest: int) -> Iterator[Quota]:
    for kind, count in by_type.items():
        name = f"{kind} for training job usage"
        yield Quota(service="sagemaker", name=name, needed=count, code=_TRAINING_CODES.get(kind))
    if together:
        name = "Number of instances across all training jobs"
        yield Quota(service="sagemaker", name=name, needed=together, code="L-00C91CB5")
    if largest > MOST_INSTANCES_OF_A_JOB:
        name = "Maximum number of instances per training job"
        yield Quota(service="sagemaker", name=name, needed=largest, code="L-622CFD70")
