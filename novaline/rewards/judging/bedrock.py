"""Converse through boto3, which is imported when the first verdict is asked for and not before."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping
from typing import Any, Final

from novaline.rewards.judging.asking import Ask, Refused

# Errors of Converse (Bedrock API reference) after which asking again may help: throttling, faults of the service, and
# a model that failed, was too slow, or is not loaded.
_PASSING: Final = frozenset({
    "ThrottlingException", "TooManyRequestsException", "ServiceUnavailableException", "InternalServerException",
    "ModelTimeoutException", "ModelNotReadyException", "ModelErrorException",
})  # fmt: skip
_CONNECT_SECONDS: Final = 5
_lock = threading.Lock()


def converse(*, call_seconds: float, connections: int) -> Ask:
    """Asks through one client a process; a reply is waited for `call_seconds` at most."""

    def ask(request: Mapping[str, Any]) -> Mapping[str, Any]:
        from botocore.exceptions import (  # noqa: PLC0415 - see above
            BotoCoreError,
            ClientError,
            ConnectionError,  # noqa: A004 - botocore's, of which a server that is not there is one
            HTTPClientError,
        )

        try:
            with _lock:
                client = _client(call_seconds, connections)
            response: Mapping[str, Any] = client.converse(**request)
        except ClientError as problem:
            code = problem.response.get("Error", {}).get("Code", "")
            status = problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            raise Refused(code or f"status {status}", again=code in _PASSING or status >= 500) from problem
        except BotoCoreError as problem:  # no reply: the connection, or a time limit; or nothing was sent at all
            again = isinstance(problem, ConnectionError | HTTPClientError)
            raise Refused(type(problem).__name__, again=again) from problem
        return response

    return ask


@functools.cache
def _client(call_seconds: float, connections: int) -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
    import boto3  # noqa: PLC0415 - see above
    from botocore.config import Config  # noqa: PLC0415 - see above

    return boto3.client(
        "bedrock-runtime",
        config=Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=call_seconds,
            retries={"total_max_attempts": 1, "mode": "standard"},  # `asking` counts attempts, and pauses between them
            max_pool_connections=connections,
        ),
    )
