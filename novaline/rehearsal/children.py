"""The processes that a rehearsal starts: scrubbed environments, own process groups, one log each."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from novaline.findings import NovalineError

_KEPT = frozenset({"PATH", "LANG", "LANGUAGE", "TZ", "TERM", "SYSTEMROOT", "USER", "LOGNAME"})
_TEMPORARY = ("TMPDIR", "TEMP", "TMP")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_TAIL_BYTES = 64 * 1024
_FAILED_RESOURCES = "Failed resources:"
_WIDEST_LINE = 300

# Runs a command that the kernel ends when its parent is gone, however that went (PR_SET_PDEATHSIG is 1).
_LAUNCHER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def child_environment(own: Mapping[str, str], *, home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: of the shell's variables only the harmless ones, then `extra`.

    No credentials, profile, endpoint, proxy, npm or CDK setting of the shell or of the home folder gets through, so a
    child cannot reach an AWS account of the person who rehearses.
    """
    kept = {name: value for name, value in own.items() if name in _KEPT or name.startswith("LC_")}
    return {
        **kept,
        **dict.fromkeys(_TEMPORARY, str(home)),  # a child that is killed cannot remove its own
        "HOME": str(home),
        "USERPROFILE": str(home),
        "CDK_HOME": str(home / ".cdk"),  # the CDK asks the system, not HOME, and remembers whose a key id is
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
        **extra,
    }


def require_embedded(environment: Mapping[str, str]) -> None:
    """Raises NovalineError unless every AWS endpoint in `environment` is local and no account's keys are in it.

    The last guard before a child is started that could deploy something.
    """
    endpoints = {name: value for name, value in environment.items() if name.startswith("AWS_ENDPOINT_URL")}
    hosts = {urlsplit(value).hostname for value in endpoints.values()}
    real = environment.get("AWS_ACCESS_KEY_ID", "").startswith(("AKIA", "ASIA")) or "AWS_PROFILE" in environment
    if "AWS_ENDPOINT_URL" not in endpoints or hosts != {"127.0.0.1"} or real:
        message = "a rehearsal would have left this computer; nothing was started"
        raise NovalineError.of("not-embedded", message, hint="this is a defect of Novaline: please report it")


class Child:
    """A process in a process group of its own, writing to a log file.

    Killing it kills the group. On Linux it also ends when its parent dies.
    """

    def __init__(self, command: Sequence[str], *, log: Path, cwd: Path, environment: Mapping[str, str]) -> None:
        self.command = tuple(command)
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                [*_launcher(), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=dict(environment),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The id of the process and of its group."""
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit status, or None while it runs."""
        return self._process.poll()

    def wait(self, *, seconds: float, tick: Callable[[str], None] = lambda _: None) -> int:
        """Waits until it ends, calling `tick` with its newest line. Killed, and NovalineError, after `seconds`."""
        until = time.monotonic() + seconds
        while (status := self.poll()) is None:
            if time.monotonic() > until:
                self.kill()
                message = f"{Path(self.command[-1]).name} did not end within {seconds:.0f} seconds\n{self.last_words()}"
                raise NovalineError.of("child-timeout", message)
            tick(self.last_line())
            time.sleep(0.1)
        return status

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        return "\n".join(self._lines()[-lines:])

    def last_words(self, lines: int = 8) -> str:
        """Why it failed, in few lines: what the CDK says failed if it does, else the end of the log."""
        found = self._lines()
        marks = [number for number, line in enumerate(found) if line.strip() == _FAILED_RESOURCES]
        shown = found[marks[-1] + 1 :][:lines] if marks else found[-lines:]
        return "\n".join(_shortened(line) for line in shown)

    def last_line(self) -> str:
        """The newest line of its log that says something."""
        return next(iter(reversed(self._lines())), "").strip()

    def kill(self) -> None:
        """Ends the whole group: politely, then after two seconds without asking. Nothing of it is left afterwards."""
        if os.name == "nt":
            self._process.kill()
            self._process.wait()
            return
        for number, patience in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0)):
            try:
                os.killpg(self.pid, number)
            except (ProcessLookupError, PermissionError):
                break
            until = time.monotonic() + patience
            while time.monotonic() < until and self._group_lives():
                time.sleep(0.02)
        self._process.wait()

    def _group_lives(self) -> bool:
        self._process.poll()  # reaps the leader, which would otherwise count as alive
        try:
            os.killpg(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _lines(self) -> list[str]:
        try:
            with self.log.open("rb") as source:
                source.seek(0, os.SEEK_END)
                source.seek(max(0, source.tell() - _TAIL_BYTES))
                text = source.read().decode("utf-8", errors="replace")
        except OSError:
            return []
        return [line for line in _ANSI.sub("", text).splitlines() if line.strip()]


def _shortened(line: str) -> str:
    text = re.sub(r"\s{2,}", "  ", line.strip())
    return text if len(text) <= _WIDEST_LINE else text[: _WIDEST_LINE - 1] + "…"


def _launcher() -> list[str]:
    return [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())] if sys.platform == "linux" else []
