"""The door of the `novaline` command. It imports nothing before it can be interrupted without a traceback."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line; the exit status is 0 (done), 1 (refused or failed, explained) or 2 (wrong usage)."""
    try:
        from novaline.cli.commands import app  # noqa: PLC0415 - see above
        from novaline.cli.output import prepare_streams  # noqa: PLC0415 - likewise

        prepare_streams()
        app()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    sys.exit(0)


if __name__ == "__main__":
    main()
