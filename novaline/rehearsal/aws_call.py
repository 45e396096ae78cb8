"""What the embedded AWS's host and the services that Novaline adds to it say to each other.

The services (SageMaker, Bedrock) are plain objects that know nothing of the emulator: a request reaches them as a
`Call`, they answer with a dict shaped as botocore shapes the response, refuse with an `AwsError`, and use the cloud
around them through a `Cloud`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from novaline.rehearsal.faults import Fault


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated AWS request, decoded with botocore's own shapes (blobs are bytes, timestamps are datetimes)."""

    service: str  # botocore's service name: "sagemaker", "bedrock", "bedrock-runtime"
    operation: str  # "CreateTrainingJob"
    parameters: dict[str, Any]  # boto3's keyword arguments, before botocore wrote them to the wire
    account: str
    region: str
    principal_arn: str  # who called: "arn:aws:sts::111111111111:assumed-role/Role/session", "arn:aws:iam::…:root"


class AwsError(Exception):
    """A refusal, encoded as the service's protocol demands: code as in the API reference, text as AWS words it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class Cloud(Protocol):
    """What a service may use of the cloud around it."""

    @property
    def account(self) -> str: ...

    @property
    def region(self) -> str: ...

    def client(
        self,
        service: str,
        *,
        role_arn: str | None = None,
        service_principal: str | None = None,
        source_arn: str | None = None,
    ) -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
        """A boto3 client for `service`.

        With `role_arn`: under a session of that role, after its trust policy was evaluated for `service_principal`
        with aws:SourceAccount (this account) and, if given, aws:SourceArn. Raises AwsError (AccessDenied) on refusal.
        Without: under the service's own credentials, which no policy of the account restrains.
        """
        ...

    def require(self, call: Call, action: str, resource: str, context: Mapping[str, str] | None = None) -> None:
        """Raise AwsError AccessDeniedException, in AWS's wording, unless the caller of `call` may do `action` too."""
        ...

    def require_of_role(
        self, role_arn: str, action: str, resource: str, context: Mapping[str, str] | None = None
    ) -> None:
        """The same for a role instead of a caller: what a job's execution role may do, such as pulling an image."""
        ...

    def take_fault(self, service: str, operation: str, name: str) -> Fault | None:
        """The next injected fault that fits, used up once; `name` is the name of the job, model or deployment."""
        ...

    def now(self) -> datetime:
        """The time, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` of the clock that runs fast pass."""
        ...


class Service(Protocol):
    """One service that Novaline adds: made as `Service(cloud)`, called from several threads at once."""

    @property
    def OPERATIONS(self) -> Collection[str]:  # noqa: N802 - a constant of the class that implements it
        """The operations of ours, "CreateTrainingJob" …; others fall through to the emulator's own service."""
        ...

    def iam(self, call: Call) -> tuple[str, str, Mapping[str, str]]:
        """(action, resource ARN, condition context) that the caller needs; enforced by the host before `handle`."""
        ...

    def handle(self, call: Call) -> dict[str, Any]:
        """The response, as boto3 returns it without ResponseMetadata. Raises AwsError."""
        ...
