"""The app, synthesized once and kept: the cloud assembly that a rehearsal deploys and destroys.

Synthesis needs no credentials, network, clock or variable, so an assembly is as good as its sources: it is kept under a
digest of them and used again while they stay as they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from novaline.environments import load_environments
from novaline.environments.deployable import own_sources
from novaline.findings import NovalineError
from novaline.rehearsal.children import Child, child_environment

_SOURCES = (
    "app.py",
    "cdk.json",
    "cdk.context.json",
    "uv.lock",
    "stacks",
    "constructs",
    "lambda",
    "environments",
    "recipes",
    "novaline",
)
_KEPT = 3
_LIBRARIES = ("aws-cdk-lib", "constructs", "cdk-nag")


def sources_digest(root: Path) -> str:
    """A digest of everything that the synthesized templates and assets can depend on."""
    digest = hashlib.sha256()
    for library in _LIBRARIES:
        digest.update(f"{library}=={_version(library)}\0".encode())
    digest.update(f"python {sys.version_info[:2]}\0".encode())
    for path in _files(root):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for text in _own_sources(root):
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()


class Synthesis:
    """The cloud assembly of the checkout at `root`, kept in `cache`; a child process makes it when it is missing."""

    def __init__(self, root: Path, *, cache: Path) -> None:
        self.root = root
        self.folder = cache / f"assembly-{sources_digest(root)[:20]}"
        self._partial = cache / f".{self.folder.name}.partial-{os.getpid()}"

    @property
    def ready(self) -> bool:
        """Whether the assembly is there."""
        return (self.folder / "manifest.json").is_file()

    def start(self, *, home: Path, log: Path, node: Path, own: Mapping[str, str]) -> Child:
        """Starts `python app.py`, as the CDK CLI would, in an environment that knows no AWS. `keep` follows its end."""
        self.discard()  # of a process with our number that was killed
        self._partial.mkdir(parents=True)
        extra = {
            "CDK_OUTDIR": str(self._partial),
            "CDK_CONTEXT_JSON": json.dumps(_context(self.root)),
            "JSII_NODE": str(node),
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(self.folder.parent / "jsii"),
        }
        environment = child_environment(own, home=home, extra=extra)
        return Child([sys.executable, "app.py"], log=log, cwd=self.root, environment=environment)

    def keep(self) -> None:
        """Gives what was synthesized its name, and drops the oldest. Raises NovalineError when there is nothing."""
        if not (self._partial / "manifest.json").is_file():
            message = f"{self.root / 'app.py'} ended well but wrote no cloud assembly"
            raise NovalineError.of("no-assembly", message, hint="does app.py call app.synth()?")
        if self.ready:  # somebody else was faster; both are the same
            self.discard()
            return
        self._partial.rename(self.folder)
        kept = sorted(self.folder.parent.glob("assembly-*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in kept[_KEPT:]:
            shutil.rmtree(old, ignore_errors=True)

    def discard(self) -> None:
        """Removes what is half made."""
        shutil.rmtree(self._partial, ignore_errors=True)

    def stacks(self, environment: str) -> dict[str, Path]:
        """Stack name → template file, of one environment. Raises NovalineError when the app has no such environment."""
        nested = self.folder / f"assembly-{environment}" / "manifest.json"
        if not nested.is_file():
            known = ", ".join(sorted(path.name.removeprefix("assembly-") for path in self.folder.glob("assembly-*")))
            message = f"the app has no environment {environment}; it has {known or 'none'}"
            raise NovalineError.of("unknown-environment", message, hint="add a file to environments/")
        artifacts = json.loads(nested.read_text(encoding="utf-8"))["artifacts"]
        return {
            item["properties"].get("stackName", name): nested.parent / item["properties"]["templateFile"]
            for name, item in artifacts.items()
            if item["type"] == "aws:cloudformation:stack"
        }


def _context(root: Path) -> dict[str, object]:
    """The context that the CDK CLI hands to the app: cdk.json's own, and what it asks of every template."""
    try:
        settings = json.loads((root / "cdk.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        message = f"cannot read {root / 'cdk.json'}: {problem}"
        raise NovalineError.of("broken-cdk-json", message, file=str(root / "cdk.json")) from None
    return {
        "aws:cdk:enable-path-metadata": settings.get("pathMetadata", True),
        "aws:cdk:enable-asset-metadata": settings.get("assetMetadata", True),
        **settings.get("context", {}),
    }


def _files(root: Path) -> Iterator[Path]:
    for name in _SOURCES:
        place = root / name
        if place.is_file():
            yield place
        elif place.is_dir():
            yield from sorted(
                path
                for path in place.rglob("*")
                if path.is_file() and "__pycache__" not in path.relative_to(root).parts
            )


def _own_sources(root: Path) -> Iterator[str]:
    """What environments bring from elsewhere: functions of one's own, and what they pin."""
    with suppress(NovalineError):  # a file that is wrong is the app's to explain
        for environment in load_environments(root / "environments"):
            yield from own_sources(environment)


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        hint = "install it with `pip install 'novaline[cdk,rehearsal]'`, or run `make setup` in the repository"
        raise NovalineError.of("missing-library", f"the Python package {library} is missing", hint=hint) from None
