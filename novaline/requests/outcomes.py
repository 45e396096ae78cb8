"""What a status of AWS means: every status that the services' models know, once.

Stopped is an outcome of its own, for somebody wanted it or a limit was reached; it is no failure of the job. InService
is what an endpoint, an inference component and provisioned throughput are when they work.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Outcome = Literal["pending", "succeeded", "failed", "stopped", "timed-out", "deleting"]

_JOB: Mapping[str, Outcome] = {
    "InProgress": "pending",
    "Completed": "succeeded",
    "Failed": "failed",
    "Stopping": "pending",
    "Stopped": "stopped",
}
_SERVED: Mapping[str, Outcome] = {
    "Creating": "pending",
    "InService": "succeeded",
    "Updating": "pending",
    "Failed": "failed",
}
_BEDROCK_MODEL: Mapping[str, Outcome] = {"Creating": "pending", "Active": "succeeded", "Failed": "failed"}
_ENDPOINT: Mapping[str, Outcome] = {
    "SystemUpdating": "pending",
    "RollingBack": "pending",
    "OutOfService": "failed",
    "UpdateRollbackFailed": "failed",
    "Deleting": "deleting",
}

STATUSES: Mapping[str, Mapping[str, Outcome]] = MappingProxyType(
    {
        "training-job": {**_JOB, "Deleting": "deleting"},
        "customization-job": _JOB,
        "custom-model": _BEDROCK_MODEL,
        "model-deployment": _BEDROCK_MODEL,
        "provisioned-throughput": _SERVED,
        "endpoint": {**_SERVED, **_ENDPOINT},
        "inference-component": {**_SERVED, "Deleting": "deleting"},
    }
)
"""Kind of resource → its statuses → what each means."""


def outcome(kind: str, status: str, *, secondary: str | None = None) -> Outcome:
    """What the status of a resource means. `secondary` is a training job's SecondaryStatus.

    A training job that is Stopped because MaxRuntimeExceeded has timed out. Raises ValueError for a status that AWS's
    models do not have, which must not be taken for any other.
    """
    known = STATUSES[kind]
    if status not in known:
        raise ValueError(f"{kind} has the status {status!r}; expected one of {', '.join(known)}")
    if known[status] == "stopped" and secondary == "MaxRuntimeExceeded":
        return "timed-out"
    return known[status]
