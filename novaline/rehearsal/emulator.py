"""The embedded AWS as a context manager: starts it, hands out clients, injects faults, and leaves nothing behind."""

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from novaline.findings import NovalineError
from novaline.rehearsal.clients import ROOT, ClientFactory, Credentials
from novaline.rehearsal.door import CONTROL_HEADER, CONTROL_PATH
from novaline.rehearsal.faults import Fault, fault_to_json
from novaline.rehearsal.tls import Material, make_material

START_SECONDS = 60  # a loaded two-core machine needs a tenth of it
STOP_SECONDS = 5
SCRATCH = "scratch"  # certificates and temporary files; the emulator's process removes it too, if we cannot


class Emulator:
    """One embedded AWS account in one region, in a process group of its own.

    Everything it writes is in `folder`, which `stop` empties again (and removes, if `start` made it), except for
    `emulator.log`, if `keep_log`. `wait_scale` is how many real seconds a second of Wait states, retries and job
    clocks takes. Ends when the process that started it ends.
    """

    def __init__(
        self,
        *,
        account: str,
        region: str,
        folder: Path,
        wait_scale: float = 0.01,
        port: int | None = None,
        keep_log: bool = False,
    ) -> None:
        self.account = account
        self.region = region
        self._folder = folder
        self._wait_scale = wait_scale
        self._asked_port = port
        self._keep_log = keep_log
        self._token = secrets.token_urlsafe(32)
        self._process: subprocess.Popen[str] | None = None
        self._lifeline: int | None = None
        self._material: Material | None = None
        self._clients: ClientFactory | None = None
        self._port = 0
        self._made_folder = False

    # ---- life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start and wait until it answers. Raises NovalineError if the port is taken or it does not come up."""
        if self._process is not None:
            return
        listener = _listen(self._asked_port)
        try:
            self._port = listener.getsockname()[1]
            self._made_folder = not self._folder.exists()
            self._material = make_material(self._folder / SCRATCH)
            self._process = self._spawn(listener, self._material)
        finally:
            listener.close()
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        self._clients = ClientFactory(endpoint=self.endpoint, ca_bundle=self.ca_bundle, region=self.region)

    def _spawn(self, listener: socket.socket, material: Material) -> "subprocess.Popen[str]":
        scratch = self._folder / SCRATCH
        reading, self._lifeline = os.pipe()
        command = [
            *(sys.executable, "-m", "novaline.rehearsal.server"),
            *("--port", str(self._port), "--account", self.account, "--region", self.region),
            *("--certificate", str(material.certificate), "--key", str(material.key)),
            *("--bundle", str(material.bundle), "--scratch", str(scratch)),
            *("--wait-scale", str(self._wait_scale)),
            *("--socket", str(listener.fileno()), "--lifeline", str(reading)),
        ]
        if threading.current_thread() is threading.main_thread():
            command.append("--die-with-parent")  # the kernel watches the thread that forks, not the process
        try:
            with self.log.open("w", encoding="utf-8") as log:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    text=True,
                    env={**_own_environment(os.environ), "TMPDIR": str(scratch)},  # what it leaves goes with the folder
                    pass_fds=(listener.fileno(), reading),
                    start_new_session=True,
                )
        finally:
            os.close(reading)
        assert process.stdin is not None
        with process.stdin:
            process.stdin.write(self._token + "\n")
        return process

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            try:
                self._request("GET", "/_ministack/health", timeout=2)
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
            else:
                return
        tail = "\n".join(self.log.read_text(encoding="utf-8").splitlines()[-8:])
        raise NovalineError.of(
            "emulator-failed",
            f"the embedded AWS did not start; the end of its log:\n{tail}",
            hint="run `novaline rehearse` again; if it happens again, open an issue with this text",
        )

    def stop(self) -> None:
        """End the process group and remove what was written. Does nothing the second time."""
        process, self._process = self._process, None
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        if process is not None:
            _end(process)
        self._clients = None
        self._clean_up()

    def _clean_up(self) -> None:
        if self._material is None:
            return
        self._material = None
        shutil.rmtree(self._folder / SCRATCH, ignore_errors=True)
        if not self._keep_log:
            self.log.unlink(missing_ok=True)
        if self._made_folder and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ---- use ---------------------------------------------------------------------------------------------------

    @property
    def endpoint(self) -> str:
        """`https://127.0.0.1:<port>`: an address, because S3 clients put the bucket before a host name."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def ca_bundle(self) -> Path:
        """System roots and the emulator's own authority, in one PEM file."""
        assert self._material is not None, "the emulator has not been started"
        return self._material.bundle

    @property
    def log(self) -> Path:
        """What the emulator's process says."""
        return self._folder / "emulator.log"

    @property
    def process_id(self) -> int:
        """The process, which is also its process group."""
        assert self._process is not None, "the emulator has not been started"
        return self._process.pid

    def environment(self) -> dict[str, str]:
        """What a child process (cdk, a script) needs to talk to this emulator, and to nothing else."""
        assert self._material is not None, "the emulator has not been started"
        nothing = str(self._folder / "no-such-file")
        return {
            "AWS_ACCESS_KEY_ID": ROOT.access_key_id,
            "AWS_SECRET_ACCESS_KEY": ROOT.secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_CA_BUNDLE": str(self._material.bundle),
            "AWS_CONFIG_FILE": nothing,
            "AWS_SHARED_CREDENTIALS_FILE": nothing,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DEFAULT_ACCOUNT": self.account,
            "CDK_DEFAULT_REGION": self.region,
            "NODE_EXTRA_CA_CERTS": str(self._material.authority),
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "REQUESTS_CA_BUNDLE": str(self._material.bundle),
        }

    def environment_over(self, base: Mapping[str, str]) -> dict[str, str]:
        """`base` without anything that names another AWS (profiles, tokens, endpoints), under `environment()`."""
        return {**_own_environment(base), **self.environment()}

    def client(self, service: str, *, credentials: Credentials | None = None) -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
        """A boto3 client; the account's root unless `credentials` are given."""
        assert self._clients is not None, "the emulator has not been started"
        return self._clients.client(service, credentials or ROOT)

    def assume(
        self,
        role_arn: str,
        *,
        session_name: str = "test",
        as_service: str | None = None,
        source_arn: str | None = None,
    ) -> Credentials:
        """A session of a role: without asking its trust policy, or, if `as_service`, only if it trusts that service.

        `source_arn` is for what the service says that it acts. Raises ValueError if there is no such role, or if it
        does not trust the service.
        """
        arguments = {
            "role_arn": role_arn,
            "session_name": session_name,
            "as_service": as_service,
            "source_arn": source_arn,
        }
        return Credentials(**self._control("assume", arguments))

    def inject(self, fault: Fault) -> None:
        """Let one thing go wrong. Faults that fit the same request are taken in the order of their injection."""
        self._control("faults", fault_to_json(fault))

    def clear_faults(self) -> None:
        """Forget the faults that nothing has run into."""
        self._control("faults/clear", {})

    def waiting_faults(self) -> int:
        """How many injected faults nothing has run into yet."""
        return int(self._control("faults/waiting", {})["waiting"])

    def fire_schedules(self) -> None:
        """Let every schedule come due now; what they invoke goes on by itself."""
        self._control("schedules/fire", {})

    def _control(self, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(arguments)
        status, answer = self._request("POST", CONTROL_PATH + command, body=body, headers={CONTROL_HEADER: self._token})
        found: dict[str, Any] = json.loads(answer)
        if status != http.client.OK:
            raise ValueError(found["message"])
        return found

    def _request(
        self,
        method: str,
        path: str,
        *,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> tuple[int, bytes]:
        assert self._material is not None
        trust = ssl.create_default_context(cafile=str(self._material.authority))
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=timeout, context=trust)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def require_port(port: int | None) -> None:
    """Raises NovalineError unless that port can be opened now; None, a free one, always can."""
    if port is not None:
        _listen(port).close()


def _listen(port: int | None) -> socket.socket:
    """A listening socket on 127.0.0.1, on a free port unless one is asked for."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if port is not None:
            # A port in TIME_WAIT from an earlier run is free; one that somebody listens on still is not.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port or 0))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise NovalineError.of(
            "port-busy",
            f"port {port} on 127.0.0.1 cannot be opened: {error.strerror}",
            hint="leave the port out, and a free one is chosen",
        ) from error
    return listener


def _own_environment(base: Mapping[str, str]) -> dict[str, str]:
    """`base` without what would lead to another AWS."""
    return {name: value for name, value in base.items() if not name.startswith(("AWS_", "CDK_DEFAULT_", "MINISTACK_"))}


def _end(process: "subprocess.Popen[str]") -> None:
    """End a process group: a signal that it ends tidily by, and after a while one that it cannot catch."""
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        try:
            process.send_signal(number) if number == signal.SIGTERM else os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        try:
            process.wait(timeout=seconds)
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()
