"""What rewards and processors have in common: a function that scores, with its declaration beside its code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from nova_constructs.python_function import PythonFunction
from nova_constructs.statements import NamedStatement, allow, grant

CORE: Final = (
    *(
        f"novaline/rewards/{name}.py"
        for name in ("contract", "deadline", "embedded_metrics", "kinds", "options", "scoring", "settings")
    ),
    "novaline/rewards/judging",
    "novaline/rewards/library",
)
"""The pure core that every function that scores is bundled with."""


class ScoringFunction(Construct):
    """Scores what a model answered, by the declaration in `files`. Its role can log and trace, and ask `models`.

    `files` are texts by their place in the asset: the declaration, and code of one's own. `libraries` is the archive
    of a layer with what that code imports, for arm64 and Python 3.14. `models` are ARNs: of foundation models,
    and of inference profiles, each with those of the models that it leads to, which are asked through it alone.
    Nova's containers ask that `function_name` contains `SageMaker`, and take neither alias nor version. Raises
    `ValueError` for another name.
    """

    _folder: ClassVar[str]
    _core: ClassVar[tuple[str, ...]] = CORE

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function_name: str,
        description: str,
        files: Mapping[str, str],
        key: kms.IKey,
        log_retention: logs.RetentionDays,
        removal_policy: RemovalPolicy,
        timeout: Duration,
        memory_mb: int = 512,
        concurrency: int | None = None,
        libraries: Path | None = None,
        models: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        super().__init__(scope, construct_id)
        if "SageMaker" not in function_name:
            raise ValueError(f"the name of a function that Nova calls must contain 'SageMaker': {function_name!r}")
        scorer = PythonFunction(
            self,
            "Score",
            folder=self._folder,
            handler=f"nova_{self._folder}.handler.handler",
            description=description,
            function_name=function_name,
            key=key,
            log_retention=log_retention,
            removal_policy=removal_policy,
            environment={},
            timeout=timeout,
            memory_mb=memory_mb,
            core=self._core,
            files=files,
            reserved_concurrency=concurrency,
            layers=[] if libraries is None else [self._layer(libraries)],
        )
        grant(scorer.role, *asking(models))
        self.function = scorer.function
        self.role = scorer.role

    def _layer(self, libraries: Path) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            "Libraries",
            code=lambda_.Code.from_asset(str(libraries)),
            description="What the function's own code imports, as its requirements pin it",
            compatible_architectures=[lambda_.Architecture.ARM_64],
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_14],
        )


def asking(models: Mapping[str, Sequence[str]]) -> Iterator[NamedStatement]:
    """What a judge needs. Source: "Geographic cross-Region inference" in the Amazon Bedrock user guide."""
    if models:
        yield allow("AskJudge", ["bedrock:InvokeModel"], [*models])
    behind = dict.fromkeys(model for reached in models.values() for model in reached)
    if behind:
        profiles = [profile for profile, reached in models.items() if reached]
        through = {"StringEquals": {"bedrock:InferenceProfileArn": profiles}}
        yield allow("AskJudgeThroughProfile", ["bedrock:InvokeModel"], [*behind], conditions=through)
