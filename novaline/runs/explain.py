"""Why an execution failed, in words, and what to do next. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from novaline.runs.history import is_state

_LONGEST = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong: the code of the error, a message for a person, and the next step."""

    code: str
    message: str
    next_step: str

    def as_json(self) -> dict[str, str]:
        """The problem as every `--json` prints it."""
        return {"code": self.code, "message": self.message, "next_step": self.next_step}


def explain(error: str | None, cause: str | None, *, during: str | None = None) -> Problem:
    """The `error` and `cause` of a failed execution; `during` is the phase in which it happened.

    The workflow's own failure path puts the state's name before the cause, which then tells more than the phase.
    """
    state, rest = _state(cause or "")
    code, text = _unwrap(error or "Unknown", rest)
    where = f"{state or during}: " if state or during else ""
    return Problem(code=code, message=f"{where}{text or code}"[:_LONGEST], next_step=_next_step(code, text))


def _state(cause: str) -> tuple[str | None, str]:
    """The state's name that the workflow put before the cause, with a stage's in parentheses, and the cause behind."""
    state, colon, rest = cause.partition(": ")
    return (state, rest) if colon and is_state(state.partition(" (")[0]) else (None, cause)


def _unwrap(error: str, cause: str) -> tuple[str, str]:
    """Error and text inside of what Step Functions wraps them in: job descriptions, Lambda errors, caught errors."""
    value = _object(cause)
    if value is None:
        return error, cause.strip()
    inner = value.get("Cause")
    if isinstance(inner, str) and (inner or "Error" in value):
        return _unwrap(str(value.get("Error") or error), inner)
    if "errorMessage" in value:
        return str(value.get("errorType") or error), str(value["errorMessage"])
    if "TrainingJobStatus" in value or "FailureReason" in value:
        name = value.get("TrainingJobName", "the job")
        reason = value.get("FailureReason") or "SageMaker gives no reason"
        return error, f"job {name} ended as {value.get('TrainingJobStatus', 'Failed')}: {reason}"
    for key in ("FailureMessage", "Message", "message"):
        if isinstance(value.get(key), str):
            return error, str(value[key])
    return error, cause.strip()


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


_STEPS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("RewardTrialFailed",),
        "nothing was trained: see what it does with `novaline reward test`, mend it, deploy, and run again",
    ),
    (
        ("AccessDenied", "not authorized", "KMSAccessDenied"),
        "the role that it names lacks that action: deploy the environment again, or ask who denies it",
    ),
    (
        ("ResourceLimitExceeded", "ServiceQuotaExceeded", "LimitExceeded"),
        "ask for that quota in Service Quotas (it takes days), or choose smaller instances",
    ),
    (("CapacityError", "InsufficientCapacity", "capacity"), "start the run again later, or in another region"),
    (
        ("Budget", "budget"),
        "raise `budget` in the customization or `budget_usd_per_run` in the environment, or cut cost",
    ),
    (("AlgorithmError", "ClientError:", "DataError"), "check the row or the recipe that it names: novaline check FILE"),
    (("MaxRuntimeExceeded", "ended as Stopped"), "raise the stage's `timeout`, or ask for fewer steps"),
    (("Throttling", "TooManyRequests", "SlowDown"), "start the run again in some minutes"),
    (("Timeout",), "look at the job's logs; raise the stage's `timeout` if it only needed longer"),
    (("Claim", "version", "SHA-256", "digest"), "start the run again: its data was changed after upload"),
)
_OTHERWISE = "read the execution in the Step Functions console; the run's folder keeps what was made so far"


def _next_step(code: str, text: str) -> str:
    words = f"{code} {text}"
    for marks, step in _STEPS:
        if any(mark in words for mark in marks):
            return step
    return _OTHERWISE
