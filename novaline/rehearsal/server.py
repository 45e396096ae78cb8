"""The emulator's process: `python -m novaline.rehearsal.server`, started and ended by `Emulator`.

Serves MiniStack with Novaline's services in front, over TLS on 127.0.0.1 only. Ends with its parent: a pipe whose other
end the parent holds is watched, and on Linux the kernel signals the parent's death as well. On its way out it takes
its Lambda workers with it and removes its temporary files.
"""

import argparse
import asyncio
import ctypes
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1

# What MiniStack is asked to serve; it starts nothing that is not listed. SageMaker is ours alone.
SERVICES = (
    "bedrock",
    "bedrock-runtime",
    "cloudformation",
    "dynamodb",
    "ecr",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "s3",
    "scheduler",
    "sns",
    "sqs",
    "ssm",
    "states",
    "sts",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one emulator is to run."""

    port: int
    account: str
    region: str
    certificate: Path
    key: Path
    bundle: Path
    scratch: Path  # becomes TMPDIR, and is removed at the end
    wait_scale: float
    socket: int | None  # an open, listening socket; else the port is opened here
    lifeline: int | None  # the reading end of the pipe whose end means that the parent is gone
    control: str  # the token that the control path asks for, read from standard input


def parse(arguments: Sequence[str]) -> Settings:
    """The settings on a command line; the control token comes on standard input, where no process list shows it."""
    parser = argparse.ArgumentParser(prog="novaline.rehearsal.server", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--wait-scale", type=float, default=0.01)
    parser.add_argument("--socket", type=int)
    parser.add_argument("--lifeline", type=int)
    parser.add_argument("--die-with-parent", action="store_true")
    found = vars(parser.parse_args(arguments))
    if found.pop("die_with_parent"):
        _die_with_parent()
    return Settings(**found, control=sys.stdin.readline().strip())


def _die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the thread that started us ends; elsewhere the pipe alone tells."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def configure(settings: Settings) -> None:
    """Set the environment that MiniStack reads at import, and that its Lambda workers inherit."""
    endpoint = f"https://127.0.0.1:{settings.port}"
    os.environ.update(
        {
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CA_BUNDLE": str(settings.bundle),
            "AWS_DEFAULT_REGION": settings.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": settings.region,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(settings.port),
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_EXECUTOR": "local",
            "LOG_LEVEL": "INFO",
            "MINISTACK_ACCOUNT_ID": settings.account,
            "MINISTACK_REGION": settings.region,
            "MINISTACK_SSL_CERT": str(settings.certificate),
            "MINISTACK_SSL_KEY": str(settings.key),
            "NO_PROXY": "127.0.0.1,localhost",
            "REQUESTS_CA_BUNDLE": str(settings.bundle),
            "SERVICES": ",".join(SERVICES),
            "SFN_WAIT_SCALE": str(settings.wait_scale),
            "SFTP_ENABLED": "0",
            "SSL_CERT_FILE": str(settings.bundle),
            "TMPDIR": str(settings.scratch),
            "USE_SSL": "1",
        }
    )


class Ending:
    """Ends this process once, whatever asks first: a signal or the parent's end of the pipe."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._once = threading.Lock()

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """SIGTERM and SIGINT: end in a thread of its own, so that whatever was interrupted may hold any lock."""
        threading.Thread(target=self.end, daemon=True).start()

    def watch(self, lifeline: int) -> None:
        """Wait for the other end of the pipe to close, then end."""
        while os.read(lifeline, 1):
            pass
        self.end()

    def end(self) -> None:
        """Stop and reap every child of our process group, remove the scratch folder, and exit."""
        if not self._once.acquire(blocking=False):
            return
        if _end_children(seconds=2):
            shutil.rmtree(self._scratch, ignore_errors=True)
            os._exit(0)
        shutil.rmtree(self._scratch, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)


def _end_children(*, seconds: float) -> bool:
    """Ask our process group to end and reap it; whether all of it did. We get the signal too, and ignore the second."""
    os.killpg(0, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            reaped, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if not reaped:
            time.sleep(0.01)
    return False


def main() -> None:
    """Serve until told to end."""
    settings = parse(sys.argv[1:])
    ending = Ending(settings.scratch)
    signal.signal(signal.SIGTERM, ending.on_signal)
    signal.signal(signal.SIGINT, ending.on_signal)
    if settings.lifeline is not None:
        threading.Thread(target=ending.watch, args=(settings.lifeline,), daemon=True).start()
    configure(settings)
    asyncio.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Serve on the settings' socket until the process ends. Imports MiniStack, which reads the environment then."""
    from hypercorn.asyncio import serve as hypercorn_serve  # noqa: PLC0415 - after the environment is set
    from hypercorn.config import Config  # noqa: PLC0415 - likewise

    from novaline.rehearsal.assembly import assemble  # noqa: PLC0415 - MiniStack reads the environment at import

    config = Config()
    config.bind = [f"fd://{settings.socket}" if settings.socket is not None else f"127.0.0.1:{settings.port}"]
    config.certfile = str(settings.certificate)
    config.keyfile = str(settings.key)
    config.keep_alive_timeout = 3600  # outlives the server: no pooled connection ends as a client takes it up
    config.accesslog = None
    application = assemble(
        account=settings.account,
        region=settings.region,
        endpoint=f"https://127.0.0.1:{settings.port}",
        ca_bundle=settings.bundle,
        wait_scale=settings.wait_scale,
        control_token=settings.control,
    )
    await hypercorn_serve(application, config, shutdown_trigger=asyncio.Event().wait)


if __name__ == "__main__":
    main()
