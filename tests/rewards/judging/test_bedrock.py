"""Converse as boto3 sends it, to a server that answers as Bedrock does on bad days."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest

from novaline.rewards.judging import bedrock
from novaline.rewards.judging.asking import Refused
from novaline.rewards.judging.bedrock import converse

REQUEST = {"modelId": "amazon.nova-pro-v1:0", "messages": [{"role": "user", "content": [{"text": "hello"}]}]}
REPLY = {
    "output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
    "metrics": {"latencyMs": 1},
}


@contextmanager
def serving(status, code, body, *, hold=None) -> Iterator[tuple[str, list[str]]]:
    """A server's address, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            asked.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            if hold is not None:
                hold.wait(30)
            content = json.dumps(body).encode()
            self.send_response(status)
            if code:
                self.send_header("x-amzn-errortype", code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        if hold is not None:
            hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def account(monkeypatch, tmp_path):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"), "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers credentials
    bedrock._client.cache_clear()
    yield monkeypatch
    bedrock._client.cache_clear()


def refused(address, account, *, call_seconds=5.0):
    account.setenv("AWS_ENDPOINT_URL", address)
    with pytest.raises(Refused) as refusal:
        converse(call_seconds=call_seconds, connections=2)(REQUEST)
    return refusal.value


def test_a_reply_is_given_as_it_came_through_one_client(account):
    with serving(200, "", REPLY) as (address, asked):
        account.setenv("AWS_ENDPOINT_URL", address)
        ask = converse(call_seconds=5.0, connections=2)
        replies = [ask(REQUEST), converse(call_seconds=5.0, connections=2)(REQUEST)]
    assert [reply["output"] for reply in replies] == [REPLY["output"]] * 2
    assert asked == ["/model/amazon.nova-pro-v1%3A0/converse"] * 2
    assert bedrock._client.cache_info().misses == 1


@pytest.mark.parametrize(
    ("status", "code", "again"),
    [
        (429, "ThrottlingException", True),
        (503, "ServiceUnavailableException", True),
        (500, "InternalServerException", True),
        (424, "ModelErrorException", True),
        (408, "ModelTimeoutException", True),
        (429, "ModelNotReadyException", True),
        (502, "", True),
        (403, "AccessDeniedException", False),
        (400, "ValidationException", False),
        (404, "ResourceNotFoundException", False),
    ],
)
def test_errors_are_told_apart_by_whether_asking_again_may_help_and_boto3_never_does(account, status, code, again):
    with serving(status, code, {"message": "no"}) as (address, asked):
        problem = refused(address, account)
    assert problem.again is again
    assert problem.code == (code or str(status))
    assert len(asked) == 1


def test_a_reply_that_does_not_come_is_not_waited_for_longer_than_a_call_may_take(account):
    with serving(200, "", REPLY, hold=threading.Event()) as (address, asked):
        problem = refused(address, account, call_seconds=0.2)
    assert (problem.code, problem.again, len(asked)) == ("ReadTimeoutError", True, 1)


def test_a_server_that_is_not_there_may_come_back(account):
    with serving(200, "", REPLY) as (address, _):
        pass
    problem = refused(address, account)
    assert (problem.code, problem.again) == ("EndpointConnectionError", True)


def test_without_credentials_asking_again_would_not_help(account):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        account.delenv(name)
    with serving(200, "", REPLY) as (address, asked):
        problem = refused(address, account)
    assert (problem.code, problem.again, asked) == ("NoCredentialsError", False, [])
