"""The embedded AWS starts, lets nobody in who has not signed, and leaves nothing behind."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time

import pytest
from botocore.exceptions import ClientError

from novaline.findings import NovalineError
from novaline.rehearsal.clients import Credentials
from novaline.rehearsal.emulator import Emulator
from novaline.rehearsal.faults import Fault
from tests.rehearsal.account import ACCOUNT, Account, allow

HELLO = "import os, time\ndef handler(event, context):\n    return os.getpid()\n"


def address(emulator):
    host, port = emulator.endpoint.removeprefix("https://").split(":")
    return host, int(port)


def alive(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(group):
    deadline = time.monotonic() + 10
    while alive(group):
        assert time.monotonic() < deadline, "the process group is still there"
        time.sleep(0.02)


def ask(emulator, path, headers=None, body=None):
    trust = ssl.create_default_context(cafile=str(emulator.ca_bundle))
    connection = http.client.HTTPSConnection(*address(emulator), context=trust, timeout=5)
    connection.request("POST" if body else "GET", path, headers=headers or {}, body=body)
    response = connection.getresponse()
    found = response.status, response.read().decode()
    connection.close()
    return found


def test_the_root_is_the_account_that_was_asked_for(emulator):
    assert emulator.client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_it_listens_on_the_loopback_address_only(emulator):
    host, port = address(emulator)
    assert host == "127.0.0.1"
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", port))


def test_plain_http_is_refused(emulator):
    connection = http.client.HTTPConnection(*address(emulator), timeout=5)
    connection.request("GET", "/")
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.getresponse()
    connection.close()


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/", {}, None),
        ("/some-bucket/key", {}, None),
        ("/", {"X-Amz-Target": "SageMaker.ListTrainingJobs", "Content-Type": "application/x-amz-json-1.1"}, "{}"),
        ("/custom-models", {}, None),
        ("/", {"Authorization": "Bearer of-nothing"}, None),
    ],
)
def test_a_request_without_a_signature_is_refused(emulator, path, headers, body):
    status, text = ask(emulator, path, headers, body)
    assert status == 403
    assert "not signed" in text


def test_a_signature_by_the_wrong_secret_is_refused(aws):
    role = aws.role(allow("s3:ListAllMyBuckets"), service="lambda.amazonaws.com")
    right = aws.emulator.assume(role)
    wrong = Credentials(
        access_key_id=right.access_key_id, secret_access_key="not it", session_token=right.session_token
    )
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        Emulator.client(aws.emulator, "s3", credentials=wrong).list_buckets()


def test_the_emulators_own_administration_is_closed(emulator):
    assert ask(emulator, "/_ministack/reset")[0] == 404
    assert ask(emulator, "/_ministack/config", body="{}")[0] == 404


def test_the_control_path_wants_the_token(emulator):
    assert ask(emulator, "/_novaline/faults", body="{}")[0] == 403
    assert ask(emulator, "/_novaline/faults", {"x-novaline-control": "guess"}, "{}")[0] == 403


def test_faults_wait_until_they_are_taken_or_cleared(emulator):
    emulator.inject(Fault(service="sagemaker", operation="CreateTrainingJob", kind="fail", match="nobody-is-called-so"))
    assert emulator.waiting_faults() == 1
    emulator.clear_faults()
    assert emulator.waiting_faults() == 0


def test_a_role_that_does_not_trust_a_service_gives_it_no_session(aws):
    role = aws.role(service="states.amazonaws.com")
    aws.emulator.assume(role, as_service="states.amazonaws.com")
    with pytest.raises(ValueError, match=r"does not trust sagemaker\.amazonaws\.com"):
        aws.emulator.assume(role, as_service="sagemaker.amazonaws.com")
    with pytest.raises(ValueError, match="there is no role"):
        aws.emulator.assume(f"arn:aws:iam::{ACCOUNT}:role/nobody")


def test_a_child_process_gets_this_aws_and_no_other(emulator):
    base = {
        "AWS_PROFILE": "production",
        "AWS_SESSION_TOKEN": "x",
        "PATH": "/bin",
        "CDK_DEFAULT_ACCOUNT": "999999999999",
    }
    found = emulator.environment_over(base)
    assert found["AWS_ENDPOINT_URL"] == emulator.endpoint
    assert found["CDK_DEFAULT_ACCOUNT"] == ACCOUNT
    assert found["PATH"] == "/bin"
    assert "AWS_PROFILE" not in found
    assert "AWS_SESSION_TOKEN" not in found


def test_a_lambda_function_runs_under_its_role_and_trusts_the_emulators_certificate(aws):
    code = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    arn = boto3.client('sts').get_caller_identity()['Arn']\n"
        "    try:\n"
        "        return [arn, len(boto3.client('s3').list_buckets()['Buckets'])]\n"
        "    except Exception as error:\n"
        "        return [arn, str(error)]\n"
    )
    allowed = aws.function(code, allow("s3:ListAllMyBuckets"))
    denied = aws.function(code)
    arn, buckets = aws.invoke(allowed)
    assert ":assumed-role/role-" in arn
    assert isinstance(buckets, int)
    arn, refusal = aws.invoke(denied)
    assert f"User: {arn} is not authorized to perform: s3:ListAllMyBuckets" in refusal


# ---- life and end


def test_stopping_takes_the_lambda_workers_along_and_removes_what_was_written(tmp_path):
    folder = tmp_path / "emulator"
    emulator = Emulator(account=ACCOUNT, region="us-east-1", folder=folder)
    emulator.start()
    account = Account(emulator)
    worker = account.invoke(account.function(HELLO))
    group, where = emulator.process_id, address(emulator)
    os.kill(worker, 0)
    emulator.stop()
    emulator.stop()
    assert not alive(group)
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    with pytest.raises(ConnectionRefusedError), socket.create_connection(where, timeout=1):
        pass
    assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_emulator_ends_with_the_process_that_started_it(tmp_path, number):
    program = (
        "import sys, time, pathlib\n"
        "from novaline.rehearsal.emulator import Emulator\n"
        f"with Emulator(account='{ACCOUNT}', region='us-east-1', folder=pathlib.Path(sys.argv[1])) as it:\n"
        "    print(it.process_id, flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "emulator")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with parent:
        group = int(parent.stdout.readline())
        assert alive(group)
        parent.send_signal(number)
    wait_until_gone(group)
    assert not (tmp_path / "emulator" / "scratch").exists()


def test_a_port_that_somebody_listens_on_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        emulator = Emulator(account=ACCOUNT, region="us-east-1", folder=tmp_path, port=port)
        with pytest.raises(NovalineError, match=rf"port {port} on 127\.0\.0\.1 cannot be opened"):
            emulator.start()
    assert list(tmp_path.iterdir()) == []


def test_what_keeps_it_from_starting_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "hypercorn.py").write_text("raise ImportError('hypercorn is broken')")
    emulator = Emulator(account=ACCOUNT, region="us-east-1", folder=tmp_path / "emulator")
    with pytest.raises(NovalineError, match="hypercorn is broken"):
        emulator.start()
    assert not (tmp_path / "emulator").exists()
