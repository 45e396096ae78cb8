"""The ordinary CDK command line, aimed at the embedded AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from novaline.rehearsal.children import Child, child_environment, require_embedded

_QUIET = ("--no-color", "--no-notices", "--no-version-reporting", "--ci")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cdk:
    """Starts CDK commands as children: `command` is Node and the CDK's script, `endpoint` points at the emulator."""

    command: Sequence[str]
    folder: Path  # working directory and home: no cdk.json and no settings of a person are read
    logs: Path
    own: Mapping[str, str]
    endpoint: Mapping[str, str]
    account: str
    region: str

    def bootstrap(self) -> Child:
        """`cdk bootstrap` of the emulated account."""
        return self._start("bootstrap", f"aws://{self.account}/{self.region}")

    def deploy(self, assembly: Path, environment: str) -> Child:
        """`cdk deploy` of all stacks of an environment."""
        return self._start(
            "deploy",
            f"{environment}/*",
            "--app",
            str(assembly),
            "--require-approval",
            "never",
            "--concurrency",
            "2",
            "--asset-parallelism",
            "--progress",
            "events",
        )

    def destroy(self, assembly: Path, environment: str) -> Child:
        """`cdk destroy` of all stacks of an environment."""
        return self._start("destroy", f"{environment}/*", "--app", str(assembly), "--force")

    def _start(self, verb: str, *arguments: str) -> Child:
        environment = child_environment(self.own, home=self.folder, extra=self.endpoint)
        require_embedded(environment)
        return Child(
            [*self.command, verb, *arguments, *_QUIET],
            log=self.logs / f"cdk-{verb}.log",
            cwd=self.folder,
            environment=environment,
        )
