import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from novaline.findings import NovalineError
from novaline.rehearsal.cdk import Cdk
from novaline.rehearsal.children import Child, child_environment, require_embedded

LOCAL = {"AWS_ENDPOINT_URL": "https://127.0.0.1:4566", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
SHELL = {
    "PATH": "/usr/bin",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "HOME": "/home/someone",
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIA0000000000000000",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_SESSION_TOKEN": "real",
    "AWS_ENDPOINT_URL_S3": "https://s3.example.com",
    "AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/admin",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/",
    "CDK_DEFAULT_ACCOUNT": "999999999999",
    "CDK_NEW_BOOTSTRAP": "1",
    "HTTPS_PROXY": "http://proxy:3128",
    "npm_config_registry": "https://registry.example.com",
    "NODE_OPTIONS": "--require /tmp/x.js",
    "PYTHONPATH": "/tmp",
}


def python(code: str, tmp_path, **how) -> Child:
    environment = {"PATH": os.environ["PATH"], **how.pop("environment", {})}
    return Child(
        [sys.executable, "-c", code], log=tmp_path / "logs" / "child.log", cwd=tmp_path, environment=environment
    )


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"


def until(good, seconds: float = 5.0):
    deadline = time.monotonic() + seconds
    while not good():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_nothing_of_a_persons_account_reaches_a_child(tmp_path):
    found = child_environment(SHELL, home=tmp_path, extra=LOCAL)
    assert not any("real" in value or "999999999999" in value or "AKIA" in value for value in found.values())
    kept = {name for name in SHELL if found.get(name) == SHELL[name]}
    assert kept == {"PATH", "LANG", "LC_ALL"}
    assert found["HOME"] == found["TMPDIR"] == str(tmp_path)  # what a killed child leaves goes with the folder
    assert Path(found["CDK_HOME"]).parent == tmp_path
    assert {found["AWS_CONFIG_FILE"], found["AWS_SHARED_CREDENTIALS_FILE"]} == {os.devnull}


def test_a_cdk_command_started_from_a_shell_with_real_credentials_sees_none_of_them(tmp_path, emulator):
    show = tmp_path / "show.py"
    show.write_text("import os\nfor name, value in os.environ.items(): print(name, value)\n", encoding="utf-8")
    cdk = Cdk(
        command=[sys.executable, str(show)],
        folder=tmp_path,
        logs=tmp_path,
        own=SHELL,
        endpoint=emulator.environment(),
        account="111111111111",
        region="us-east-1",
    )
    child = cdk.bootstrap()
    assert child.wait(seconds=20) == 0
    text = child.tail(lines=100)
    assert "127.0.0.1" in text
    for secret in ("AKIA", "real", "production", "999999999999", "proxy:3128", "example.com", "/home/someone"):
        assert secret not in text


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {**LOCAL, "AWS_ENDPOINT_URL": "https://sts.us-east-1.amazonaws.com"},
        {**LOCAL, "AWS_ENDPOINT_URL": "https://127.0.0.1.example.com"},
        {**LOCAL, "AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.com"},
        {**LOCAL, "AWS_ACCESS_KEY_ID": "AKIA0000000000000000"},
        {**LOCAL, "AWS_ACCESS_KEY_ID": "ASIA0000000000000000"},
        {**LOCAL, "AWS_PROFILE": "production"},
    ],
)
def test_a_child_that_could_leave_this_computer_is_not_started(environment):
    with pytest.raises(NovalineError, match="would have left this computer"):
        require_embedded(environment)


def test_a_child_that_stays_here_is_started():
    require_embedded(LOCAL)


def test_a_childs_output_is_in_its_log_without_colours(tmp_path):
    child, seen = python("print('one'); print('\\x1b[31mtwo\\x1b[0m\\n'); raise SystemExit(3)", tmp_path), []
    assert child.wait(seconds=20, tick=seen.append) == 3
    assert child.tail() == "one\ntwo"
    assert child.tail(lines=1) == child.last_line() == "two"


def test_the_last_words_of_a_cdk_command_are_the_resources_that_failed(tmp_path):
    log = ["a line", "Failed resources:", "dev | 4:28 PM | DELETE_FAILED       | AWS::S3::Bucket  not empty", "x" * 999]
    child = python(f"print({chr(10).join(['noise'] * 50 + log)!r})", tmp_path)
    child.wait(seconds=20)
    first, second = child.last_words().splitlines()
    assert first == "dev | 4:28 PM | DELETE_FAILED  | AWS::S3::Bucket  not empty"
    assert len(second) == 300


def test_killing_a_child_kills_what_it_started_even_if_that_ignores_the_polite_signal(tmp_path):
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    child = python(
        f"import subprocess, sys, time\ngrandchild = subprocess.Popen([sys.executable, '-c', {stubborn!r}])\n"
        "print(grandchild.pid, flush=True)\ntime.sleep(60)",
        tmp_path,
    )
    until(lambda: child.last_line() == "up")
    grandchild = int(child.tail().splitlines()[0])
    assert lives(grandchild)
    child.kill()
    assert child.poll() is not None
    until(lambda: not lives(grandchild))
    child.kill()  # the second time there is nothing to do


def test_a_child_that_takes_too_long_is_killed_and_its_last_words_are_told(tmp_path):
    child = python("import time; print('still busy', flush=True); time.sleep(60)", tmp_path)
    with pytest.raises(NovalineError, match="still busy"):
        child.wait(seconds=1.0)
    assert child.poll() is not None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux's kernel ends the children of the dead")
def test_a_child_ends_with_its_parent_however_that_went(tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom novaline.rehearsal.children import Child\n"
        "child = Child([sys.executable, '-uc', 'import time; print(1); time.sleep(60)'], log=Path('c'), cwd=Path(), "
        "environment={})\nprint(child.pid, flush=True)\ntime.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        child = int(parent.stdout.readline())
        until(lambda: (tmp_path / "c").read_text(encoding="utf-8") == "1\n")
        assert lives(child)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    until(lambda: not lives(child))
