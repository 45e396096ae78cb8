"""A Lambda function from `lambda/<folder>`, bundled without Docker, under a role that can only log and trace."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from aws_cdk import Duration, RemovalPolicy, Size, Stack, Stage
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

import novaline
from nova_constructs.statements import allow, grant, grant_unscoped, guarded_service
from novaline.places import lambda_root

_NOVALINE = Path(novaline.__file__).resolve().parent


class PythonFunction(Construct):
    """One function: arm64, Python 3.14, its own log group under `key`, X-Ray, and a role without managed policies.

    `folder` names `lambda/<folder>`, which holds one uniquely named package (`gate` holds `nova_gate`); `handler` is
    the dotted path into it (`nova_gate.handler.handler`). `core` lists modules of the pure domain that are bundled
    beside it, as paths from the repository (`novaline/evaluation/gate.py`, or a package for all that is in it), with
    the `__init__.py` of the packages around them.
    `files` are texts beside the packages, by their place: settings of this function, or code of somebody's own.
    `disk` is what `/tmp` holds, half a gigabyte unless more is asked for.
    The role may write to its own log group and send traces; grant the rest on `role`.
    Raises `FileNotFoundError` when the folder, or a core module, does not exist; `ValueError` when one of the files
    would replace a module of the function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        folder: str,
        handler: str,
        description: str,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
        environment: Mapping[str, str],
        timeout: Duration,
        memory_mb: int = 256,
        disk: Size | None = None,
        core: Sequence[str] = (),
        files: Mapping[str, str] = MappingProxyType({}),
        function_name: str | None = None,
        reserved_concurrency: int | None = None,
        layers: Sequence[lambda_.ILayerVersion] = (),
        removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
    ) -> None:
        super().__init__(scope, construct_id)
        self.log_group = logs.LogGroup(
            self, "Logs", encryption_key=key, retention=log_retention, removal_policy=removal_policy
        )
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=guarded_service("lambda.amazonaws.com", account=Stack.of(self).account),
            description=f"Execution role: {description}",
        )
        grant(
            self.role,
            allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [self.log_group.log_group_arn]),
        )
        tracing = grant_unscoped(
            self.role,
            "Tracing",
            allow("SendTraces", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"]),
            reason="AWS X-Ray defines no resource for sending trace segments and telemetry.",
        )
        self.function = lambda_.Function(
            self,
            "Function",
            code=lambda_.Code.from_asset(str(self._bundle(folder, tuple(core), tuple(sorted(files.items()))))),
            handler=handler,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            description=description,
            environment=dict(environment),
            timeout=timeout,
            memory_size=memory_mb,
            ephemeral_storage_size=disk,
            function_name=function_name,
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            # Immutable, so that the statements stay those that are written here.
            role=iam.Role.from_role_arn(self, "ExecutionRole", self.role.role_arn, mutable=False),
            reserved_concurrent_executions=reserved_concurrency,
            layers=list(layers) or None,
        )
        # Before the first call everything must be granted, including what is granted later.
        self.function.node.add_dependency(self.role.node.find_child("DefaultPolicy"), tracing)
        resource = self.function.node.default_child
        assert isinstance(resource, lambda_.CfnFunction)
        # Set here and not as `tracing=`, which wants to add a nameless copy of the statement above.
        resource.tracing_config = lambda_.CfnFunction.TracingConfigProperty(mode="Active")

    def _bundle(self, folder: str, core: tuple[str, ...], files: tuple[tuple[str, str], ...]) -> Path:
        stage = Stage.of(self)
        assert stage is not None, "a construct stands in an app"
        return bundle(folder, core, files, into=Path(stage.asset_outdir) / ".bundles")


@functools.cache
def bundle(folder: str, core: tuple[str, ...], files: tuple[tuple[str, str], ...] = (), *, into: Path) -> Path:
    """A folder below `into` with exactly the Python sources of one function, and its files; made once per process.

    Same content, same copies: so the asset's hash depends on the sources only, and every environment shares one asset.
    """
    digest = hashlib.sha256(json.dumps(files).encode()).hexdigest()[:16]
    target = into / (f"{folder}-{digest}" if files else folder)
    shutil.rmtree(target, ignore_errors=True)  # of an earlier synthesis into the same place
    source = lambda_root() / folder
    if not source.is_dir():
        raise FileNotFoundError(f"no function in {source}: PythonFunction(folder={folder!r}) needs that folder")
    for path in sorted(source.rglob("*.py")):
        _copy(path, target / path.relative_to(source))
    for module in _with_packages(core):
        _copy(_NOVALINE.parent / module, target / module)
    for place, text in files:
        path = target / place
        if path.exists():
            raise ValueError(f"the file {place} would replace a module of the function {folder}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return target


def _with_packages(core: Sequence[str]) -> Iterator[Path]:
    """The core modules and the `__init__.py` of every package on the way to them, in a fixed order, each once."""
    wanted: set[Path] = set()
    for name in core:
        module = Path(name)
        found = (_NOVALINE.parent / module).rglob("*.py") if not module.suffix else [_NOVALINE.parent / module]
        wanted.update(path.relative_to(_NOVALINE.parent) for path in found)
        packages = (parent / "__init__.py" for parent in module.parents if parent.name)
        wanted.update(package for package in packages if (_NOVALINE.parent / package).is_file())
    yield from sorted(wanted)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
