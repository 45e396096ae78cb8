"""The door of the `novaline` command. It imports nothing before it can be interrupted without a traceback."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line; the exit status is 0 (done), 1 (refused or failed, explained) or 2 (wrong usage)."""
    try:
        _take_endings_for_interruptions()
        from novaline.cli.commands import app  # noqa: PLC0415 - see above
        from novaline.cli.output import prepare_streams  # noqa: PLC0415 - likewise

        prepare_streams()
        app()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    sys.exit(0)


def _take_endings_for_interruptions() -> None:
    """Whoever ends us by SIGTERM or closes the terminal gets what Ctrl-C gets: nothing half written stays."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows lacks one
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # `nohup` ignores it
            signal.signal(number, signal.default_int_handler)


if __name__ == "__main__":
    main()
