"""What of an execution is still wanted, and under whose credentials its work is done."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from novaline.rehearsal.clients import Credentials
from novaline.rehearsal.cloud import HostCloud
from novaline.rehearsal.integrations import Stopped

SLICE_SECONDS = 0.05

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One execution, or a part of it that can be given up: a branch, an attempt at a task."""

    execution: Json
    cloud: HostCloud
    credentials: Credentials
    add_event: Any  # the interpreter's function
    given_up: threading.Event = field(default_factory=threading.Event)
    outer: "Scope | None" = None

    def inner(self) -> "Scope":
        """A part of this scope: given up when this one is, or by itself."""
        return replace(self, given_up=threading.Event(), outer=self)

    @property
    def stopped(self) -> bool:
        """Whether nobody waits for the result any more."""
        if self.given_up.is_set() or self.execution["status"] != "RUNNING":
            return True
        return self.outer is not None and self.outer.stopped

    # integrations.Worker

    @property
    def place(self) -> str:
        """See `integrations.Worker`."""
        return f"{self.cloud.region}:{self.cloud.account}"

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
        """See `integrations.Worker`."""
        return self.cloud.client_for(service, self.credentials)

    def require(self, action: str, resource: str) -> None:
        """See `integrations.Worker`."""
        self.cloud.require_of_key(self.credentials.access_key_id, action, resource)

    def wait(self, seconds: float) -> None:
        """See `integrations.Worker`."""
        deadline = time.monotonic() + seconds
        while not self.stopped:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self.given_up.wait(min(left, SLICE_SECONDS))
        raise Stopped

    def submitted(self, output: Mapping[str, Any]) -> None:
        """See `integrations.Worker`."""
        details = {"resourceType": "sagemaker", "resource": "createTrainingJob.sync", "output": json.dumps(output)}
        self.add_event(self.execution, "TaskSubmitted", {"taskSubmittedEventDetails": details})
