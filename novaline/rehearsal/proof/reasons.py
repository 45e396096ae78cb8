"""The statements that no rehearsal needs, each with the reason why AWS needs them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

_TRACES: Final = (
    "Lambda and Step Functions send X-Ray segments under the role; the embedded AWS has no X-Ray, and on AWS a refusal "
    "loses the traces without a word."
)
_LOGS: Final = (
    "Lambda writes what a function prints under the function's role; the embedded Lambda writes it with its own "
    "credentials."
)
_DELIVERY: Final = (
    "Step Functions sets the delivery of execution logs up under the role when the state machine is made; the embedded "
    "one keeps the history alone."
)
_STOP: Final = (
    "A run that ends by itself stops nothing. Step Functions stops the job of a run that is aborted or times out: see "
    "tests/rehearsal/test_workflow_ends.py."
)
_STOP_PARTS: Final = (
    "An inspection or a preparation that ends by itself stops nothing. Step Functions stops the executions of parts "
    "when one of them fails or the whole is aborted; the embedded one asks nobody for that."
)
_MISSING: Final = (
    "Needed when an object is missing: without s3:ListBucket, S3 answers 403 in place of 404, and Admit could not say "
    "that a recipe or a report is gone."
)

UNNEEDED_HERE: Final[tuple[tuple[str, str, str], ...]] = (
    # role, statement, reason
    ("*", "SendTraces", _TRACES),
    ("*Role", "WriteLogs", _LOGS),
    ("WorkflowRole", "DeliverLogs", _DELIVERY),
    ("WorkflowRole", "StopTrainingJobs", _STOP),
    ("InspectionRole", "DeliverLogs", _DELIVERY),
    ("InspectionRole", "StopParts", _STOP_PARTS),
    ("PreparationRole", "DeliverLogs", _DELIVERY),
    ("PreparationRole", "StopParts", _STOP_PARTS),
    ("WorkflowFunctionsAdmitRole", "TellMissingObjects", _MISSING),
)


def reason(*, role: str, sid: str) -> str | None:
    """Why the statement stands there although no rehearsal needs it; None when it must be proven."""
    for role_pattern, statement, why in UNNEEDED_HERE:
        if fnmatchcase(role, role_pattern) and statement == sid:
            return why
    return None
