"""The ASGI application that requests meet first.

Refuses what carries no signature, which S3 would otherwise serve to anybody; keeps MiniStack's own administration
closed; and offers the control path, which only the holder of the emulator's token may use.
"""

import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

CONTROL_PATH = "/_novaline/"
CONTROL_HEADER = "x-novaline-control"

# Served without a signature: readiness, and what CloudFormation's custom resources call back with a token in the path.
_OPEN_PATHS = ("/_ministack/health", "/_ministack/cfn-response/", "/_ministack/cfn-signal/")

Application = Callable[[Any, Any, Any], Awaitable[None]]
Control = Callable[[str, dict[str, Any]], dict[str, Any]]


class Door:
    """An ASGI application in front of another one."""

    def __init__(self, inner: Application, *, control: Control, token: str) -> None:
        self._inner = inner
        self._control = control
        self._token = token

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's untyped messages
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._inner(scope, receive, send)
            return
        path = scope["path"]
        headers = dict(scope["headers"])
        if path.startswith(CONTROL_PATH):
            await self._serve_control(path, headers, receive, send)
        elif path.startswith(_OPEN_PATHS):
            await self._inner(scope, receive, send)
        elif path.startswith("/_"):
            await _answer(send, 404, "text/plain", b"no such path")
        elif not _signed(headers, scope.get("query_string", b"")):
            await _answer(send, 403, *_missing_token(headers, path))
        else:
            await self._inner(scope, receive, send)

    async def _serve_control(self, path: str, headers: dict[bytes, bytes], receive: Any, send: Any) -> None:  # noqa: ANN401 - as above
        given = headers.get(CONTROL_HEADER.encode(), b"").decode("latin-1")
        if not self._token or not secrets.compare_digest(given, self._token):
            await _answer(send, 403, "text/plain", b"the control path is closed")
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        try:
            answer = self._control(path.removeprefix(CONTROL_PATH), json.loads(body or b"{}"))
        except (ValueError, TypeError, KeyError) as error:
            await _answer(send, 400, "application/json", json.dumps({"message": str(error)}).encode())
            return
        await _answer(send, 200, "application/json", json.dumps(answer).encode())


def _signed(headers: dict[bytes, bytes], query: bytes) -> bool:
    """Whether a request carries a signature at all; whether it is right is checked behind the door."""
    if headers.get(b"authorization", b"").startswith(b"AWS4-HMAC-SHA256 "):
        return True
    names = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    return "X-Amz-Signature" in names and "X-Amz-Credential" in names


def _missing_token(headers: dict[bytes, bytes], path: str) -> tuple[str, bytes]:
    """The refusal in the request's own format: JSON where a target or JSON body says so, else S3's XML."""
    text = "The request is not signed."
    if b"x-amz-target" in headers or b"json" in headers.get(b"content-type", b""):
        document = {"__type": "MissingAuthenticationTokenException", "message": text}
        return "application/x-amz-json-1.1", json.dumps(document).encode()
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>{text}</Message></Error>'
    return "application/xml", body.encode()


async def _answer(send: Any, status: int, content_type: str, body: bytes) -> None:  # noqa: ANN401 - as above
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
