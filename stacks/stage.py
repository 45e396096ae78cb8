"""One environment as a stage, and all of them as the app."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from novaline.environments import Environment
from stacks.customization import Customization
from stacks.datasets import Datasets
from stacks.foundation import Foundation

RULE_PACKS = "rule-packs"
"""The context flag (`cdk synth -c rule-packs=true`) that attaches the rule packs."""


class EnvironmentStage(cdk.Stage):
    """Everything that one environment deploys; `cdk deploy '<environment>/*'` deploys it."""

    def __init__(self, scope: Construct, *, environment: Environment) -> None:
        place = cdk.Environment(account=environment.account, region=environment.region)
        super().__init__(scope, environment.name, env=place)
        self.foundation = Foundation(self, environment=environment)
        self.customization = Customization(self, environment=environment)
        self.datasets = Datasets(self, environment=environment)
        for stack in (self.customization, self.datasets):
            stack.add_stack_dependency(self.foundation, "it imports what the foundation exports")


def build_app(
    environments: Iterable[Environment], *, context: Mapping[str, object], outdir: Path | None = None
) -> cdk.App:
    """The app with one stage for each environment. `context` is what `cdk.json` holds; the command line overrides it.

    Without `outdir`, the CDK's command line says where the assembly goes.
    """
    app = cdk.App(
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,  # it comes with the other rule packs: a second for each synthesis
        context=dict(context),
        outdir=None if outdir is None else str(outdir),
    )
    if str(app.node.try_get_context(RULE_PACKS)).lower() == "true":
        attach_rule_packs(app)
    for environment in environments:
        EnvironmentStage(app, environment=environment)
    return app


def synthesize(app: cdk.App) -> bool:
    """Writes the cloud assembly; False when a rule was violated, after the CDK has printed which, and where."""
    try:
        app.synth()
    except RuntimeError as problem:  # what jsii makes of every error of the CDK
        if str(problem).startswith("ValidationFailed"):
            return False
        raise
    return True


def attach_rule_packs(app: cdk.App) -> None:
    """Lets CloudFormation's own rules and cdk-nag's AwsSolutions judge every stack.

    `synth` then fails on a finding without acknowledgement.
    """
    from cdk_nag import AwsSolutionsChecks  # noqa: PLC0415 - a second to import, and only for whoever asks

    cdk.Validations.of(app).add_plugins(cdk.CloudFormationValidatePlugin(), AwsSolutionsChecks(app))
