"""Faults on demand: what a rehearsal can be told to let go wrong, and the store that hands each out."""

import threading
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

FaultKind = Literal["error", "fail", "stop", "no-manifest", "deny-key", "slow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that will go wrong, `times` times.

    `error` refuses the request with `code`; `fail` lets the job start and fail with `message`; `stop` stops it
    midway; `no-manifest` leaves the manifest out of its output; `deny-key` refuses the use of the KMS key;
    `slow` keeps it running until it is stopped or its time is over.
    """

    service: str  # "sagemaker"
    operation: str  # "CreateTrainingJob"
    kind: FaultKind
    match: str = ""  # a part of the job's, model's or deployment's name; empty: any
    code: str = ""  # "ThrottlingException"
    message: str = ""
    times: int = 1

    def fits(self, *, service: str, operation: str, name: str) -> bool:
        """Whether this fault belongs to that request."""
        return self.service == service and self.operation == operation and self.match in name


class FaultStore:
    """Holds faults until they are taken; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Queue one fault behind those that wait."""
        with self._lock:
            self._faults.append(fault)

    def take(self, service: str, operation: str, name: str) -> Fault | None:
        """The first fault that fits, with one of its `times` used up."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.fits(service=service, operation=operation, name=name):
                    if fault.times > 1:
                        self._faults[index] = replace(fault, times=fault.times - 1)
                    else:
                        del self._faults[index]
                    return fault
        return None

    def clear(self) -> None:
        """Forget every fault that waits."""
        with self._lock:
            self._faults.clear()

    def waiting(self) -> tuple[Fault, ...]:
        """The faults that nobody has taken yet."""
        with self._lock:
            return tuple(self._faults)


def fault_to_json(fault: Fault) -> dict[str, Any]:
    """The fault as the control path takes it."""
    return asdict(fault)


def fault_from_json(value: dict[str, Any]) -> Fault:
    """The fault that `fault_to_json` wrote. Raises TypeError on unknown or missing members."""
    return Fault(**value)
