"""Where the requests for the added services arrive: decode, ask IAM, let the service handle them, encode.

A request for an operation that no added service has is left to the emulator's own services.
"""

import asyncio
import logging
import re
from collections.abc import Mapping

from botocore.model import OperationModel

from novaline.rehearsal import ministack_host as host
from novaline.rehearsal import wire
from novaline.rehearsal.aws_call import AwsError, Call, Service
from novaline.rehearsal.cloud import HostCloud
from novaline.rehearsal.wire import HttpRequest, HttpResponse

_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request")

# Services by the name that a request is signed for; Bedrock's two share one and differ by their paths.
_SIGNED_FOR = {"sagemaker": ("sagemaker",), "bedrock": ("bedrock-runtime", "bedrock")}

# Services that belong to us entirely: an operation that is missing here exists nowhere in the emulator.
_OURS_ALONE = frozenset({"sagemaker"})

logger = logging.getLogger("novaline.rehearsal")


class ServiceDesk:
    """Answers for the services given, by botocore's names of them."""

    def __init__(self, cloud: HostCloud, services: Mapping[str, Service]) -> None:
        self._cloud = cloud
        self._services = dict(services)

    async def __call__(self, request: HttpRequest, request_id: str) -> HttpResponse | None:
        """The response; None if the request is not for an operation of ours."""
        signed = _SCOPE.search(request.headers.get("authorization", ""))
        for name in _SIGNED_FOR.get(signed.group(1), ()) if signed else ():
            service = self._services.get(name)
            operation = wire.find_operation(name, request)
            if service is not None and operation is not None and operation.name in service.OPERATIONS:
                # Off the event loop: a service makes requests of its own to this very process.
                return await asyncio.to_thread(self._answer, service, operation, request, request_id)
            if name in _OURS_ALONE:
                found = operation.name if operation is not None else request.headers.get("x-amz-target", "")
                message = f"{found} is not part of the rehearsal's {name}"
                return wire.encode_error(name, "UnknownOperationException", message, 400, request_id)
        return None

    def _answer(
        self, service: Service, operation: OperationModel, request: HttpRequest, request_id: str
    ) -> HttpResponse:
        name = operation.service_model.service_name
        try:
            response = self._handle(service, operation, request)
            return wire.encode(operation, response, request_id)
        except AwsError as error:
            return wire.encode_error(name, error.code, error.message, error.status, request_id)
        except Exception:
            logger.exception("%s %s failed", name, operation.name)
            message = "The embedded service failed; its log says why."
            return wire.encode_error(name, "InternalServerException", message, 500, request_id)

    def _handle(self, service: Service, operation: OperationModel, request: HttpRequest) -> dict[str, object]:
        name = operation.service_model.service_name
        access_key = host.access_key_of(request)
        try:
            parameters = wire.decode(operation, request)
        except (ValueError, TypeError) as error:
            raise AwsError("SerializationException", str(error)) from error
        principal = self._cloud.remember_caller(access_key)
        call = Call(
            service=name,
            operation=operation.name,
            parameters=parameters,
            account=host.account(),
            region=host.region(),
            principal_arn=principal,
        )
        try:
            action, resource, context = service.iam(call)
        except KeyError as error:
            raise AwsError("ValidationException", f"Missing required parameter: {error.args[0]}") from error
        denial = host.refusal(access_key, action, resource, context)
        if denial is not None:
            status = 400 if name == "sagemaker" else 403
            raise AwsError(denial.code, denial.message, status)
        return service.handle(call)
