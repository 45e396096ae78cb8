"""The cloud around the services that Novaline adds: identities, IAM and a clock that runs fast.

Implements `aws_call.Cloud` inside the emulator's process.
"""

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from novaline.rehearsal import ministack_host as host
from novaline.rehearsal.aws_call import AwsError, Call
from novaline.rehearsal.clients import ClientFactory, Credentials
from novaline.rehearsal.faults import Fault, FaultStore

SESSION_HOURS = 12.0


class HostCloud:
    """What the added services may use. Role sessions are cached: one for each role and the service that assumed it."""

    def __init__(
        self, *, account: str, region: str, clients: ClientFactory, faults: FaultStore, clock_scale: float
    ) -> None:
        self._account = account
        self._region = region
        self._clients = clients
        self._faults = faults
        self._scale = clock_scale
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, str], Credentials] = {}
        self._keys: dict[str, str] = {}

    @property
    def account(self) -> str:
        return self._account

    @property
    def region(self) -> str:
        return self._region

    def remember_caller(self, access_key: str) -> str:
        """The ARN behind an access key, which `require` will be asked about by this name."""
        principal = host.principal_of(access_key)
        with self._lock:
            self._keys[principal] = access_key
        return principal

    def client(
        self,
        service: str,
        *,
        role_arn: str | None = None,
        service_principal: str | None = None,
        source_arn: str | None = None,
    ) -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
        """See `aws_call.Cloud`."""
        if role_arn is None:
            return self._clients.client(service)
        if service_principal is None:
            raise ValueError("a role is assumed by somebody: service_principal is missing")
        self.check_trust(role_arn, service_principal, source_arn)
        return self._clients.client(service, self.session(role_arn, service_principal))

    def client_for(self, service: str, credentials: Credentials) -> Any:  # noqa: ANN401 - as above
        """A boto3 client under credentials that the caller holds already."""
        return self._clients.client(service, credentials)

    def check_trust(self, role_arn: str, service_principal: str, source_arn: str | None = None) -> None:
        """Raise AwsError unless the role's trust policy lets the service assume it for this account."""
        context = {"aws:SourceAccount": self._account}
        if source_arn is not None:
            context["aws:SourceArn"] = source_arn
        if not host.role_trusts(role_arn, service_principal, context):
            raise AwsError(
                "AccessDeniedException",
                f"User: {service_principal} is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
                403,
            )

    def session(self, role_arn: str, service_principal: str) -> Credentials:
        """The credentials under which a service works as that role; asks no trust policy."""
        with self._lock:
            key = (role_arn, service_principal)
            if key not in self._sessions:
                name = service_principal.partition(".")[0] or "session"
                self._sessions[key] = host.open_session(role_arn, name.capitalize(), hours=SESSION_HOURS)
            return self._sessions[key]

    def require(self, call: Call, action: str, resource: str, context: Mapping[str, str] | None = None) -> None:
        """See `aws_call.Cloud`."""
        with self._lock:
            access_key = self._keys.get(call.principal_arn)
        if access_key is None:
            raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
        self.require_of_key(access_key, action, resource, context)

    def require_of_role(
        self, role_arn: str, action: str, resource: str, context: Mapping[str, str] | None = None
    ) -> None:
        """See `aws_call.Cloud`."""
        key = self.session(role_arn, "session.amazonaws.com").access_key_id
        self.require_of_key(key, action, resource, context)

    def require_of_key(
        self, access_key: str, action: str, resource: str, context: Mapping[str, str] | None = None
    ) -> None:
        """Raise AwsError unless the holder of `access_key` may do `action`."""
        denial = host.refusal(access_key, action, resource, context)
        if denial is not None:
            raise AwsError(denial.code, denial.message, 403 if denial.code != "AccessDeniedException" else 400)

    def require_key_use(
        self, access_key: str, action: str, key: str, *, service: str, context: Mapping[str, str] | None = None
    ) -> None:
        """Raise AwsError unless the holder of `access_key` may use a KMS key by way of `service`.

        `key` is an id, ARN, alias or alias ARN. Key policy and identity policies decide together, as on AWS.
        """
        arn = host.key_arn(key)
        if arn is None:
            raise AwsError("KMS.NotFoundException", f"Key '{key}' does not exist")
        via = {"kms:ViaService": f"{service}.{self._region}.amazonaws.com", "kms:CallerAccount": self._account}
        self.require_of_key(access_key, action, arn, {**via, **(context or {})})

    def take_fault(self, service: str, operation: str, name: str) -> Fault | None:
        """See `aws_call.Cloud`."""
        return self._faults.take(service, operation, name)

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Let `seconds` of the fast clock pass: `seconds` times the emulator's wait scale in real time."""
        time.sleep(seconds * self._scale)
