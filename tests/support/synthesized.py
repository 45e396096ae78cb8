"""The app as the CDK synthesizes it: templates by environment and stack, and a scrubbed form to compare."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from novaline.toolchain import node_path

os.environ.setdefault("JSII_NODE", str(node_path()))

from novaline.environments import Environment, load_environments
from stacks.stage import build_app, synthesize

ROOT = Path(__file__).resolve().parents[2]
Template = dict[str, Any]
STACKS = ("Foundation", "Customization", "Datasets")


def context() -> dict[str, Any]:
    """The context that `cdk.json` holds."""
    return dict(json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"])


@dataclass(frozen=True, slots=True)
class Assembly:
    """A cloud assembly on disk."""

    folder: Path
    environments: tuple[Environment, ...]

    def template(self, environment: str, stack: str) -> Template:
        """The template of `dev/Foundation`, for one."""
        (path,) = self.folder.glob(f"assembly-{environment}/{environment}{stack}*.template.json")
        return dict(json.loads(path.read_text(encoding="utf-8")))

    def templates(self) -> Iterator[tuple[str, Template]]:
        """Every template, under the name of its stack."""
        for environment in self.environments:
            for stack in STACKS:
                yield f"{environment.name}/{stack}", self.template(environment.name, stack)

    def resources(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every resource of a type in every template, under a name that says where it is."""
        for name, template in self.templates():
            for logical_id, resource in template["Resources"].items():
                if resource["Type"] == kind:
                    yield f"{name}/{logical_id}", resource


def synthesize_app(folder: Path, **flags: object) -> Assembly:
    """Synthesizes every environment of the repository into `folder`; `flags` join the context."""
    environments = load_environments(ROOT / "environments")
    app = build_app(environments, context={**context(), **flags}, outdir=folder)
    assert synthesize(app), "a rule was violated; the CDK has printed which, and where"
    return Assembly(folder, environments)


def scrubbed(template: Template) -> Template:
    """The template without what changes with every line of Lambda code: the hashes of assets."""
    text = json.dumps(template)
    return dict(json.loads(re.sub(r"\b[0-9a-f]{64}\.zip", "<asset>.zip", text)))


def statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements of a policy document."""
    found = document["Statement"]
    return list(found) if isinstance(found, list) else [found]


def listed(value: object) -> list[Any]:
    """A policy's value that may be one or a list, as a list."""
    return value if isinstance(value, list) else [value]
