"""The three functions of a dataset inspection, each under a role that can do what it does and no more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aws_cdk import Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from nova_constructs.python_function import PythonFunction
from nova_constructs.statements import NamedStatement, allow, grant

FUNCTION_MINUTES: Final = 15
"""The longest that Lambda allows. A part of the usual size takes seconds; one row of 64 MiB, or a merge, may not."""

SCRATCH: Final = "scratch/inspections"
"""Below it lies what an inspection needs on its way, and the artifact bucket deletes."""

_PARTS_LIST: Final = f"{SCRATCH}/*/parts.jsonl"
_PLAN: Final = f"{SCRATCH}/*/plan"
_PARTIALS: Final = f"{SCRATCH}/*/partials/*"
_REPORTS: Final = "inspections/*/report.json"
_BY_OBJECT: Final = "inspections/by-object/*"
_OPEN: Final = "An inspection's folder is named after the inspection, which begins later."
_ONE_CPU_MB: Final = 1769  # what Lambda gives a whole processor for; the engine works on one
_MERGE_MB: Final = 3008  # the most that every account may have
_MERGE_DISK: Final = Size.gibibytes(10)  # the most that Lambda gives: hashes of all rows lie there, 48 bytes of each
_CORE: Final = (
    "novaline/datasets/engine",
    "novaline/datasets/formats",
    "novaline/datasets/remote",
    "novaline/datasets/sensitive",
    "novaline/datasets/flaws.py",
    "novaline/datasets/report.py",
    "novaline/datasets/validated.py",
    "novaline/findings.py",
    "novaline/s3_uri.py",
)


class DatasetFunctions(Construct):
    """List, Inspect and Merge: one package, three handlers. `all` lists them for the permission to invoke.

    `libraries` is the archive of a Lambda layer with what `novaline.lambda_layer` packs, for arm64 and Python 3.14.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        data: s3.IBucket,
        artifacts: s3.IBucket,
        key: kms.IKey,
        libraries: Path,
        log_retention: logs.RetentionDays,
        log_removal: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self._data, self._artifacts, self._key = data, artifacts, key
        self._log_retention, self._log_removal = log_retention, log_removal
        self.libraries = lambda_.LayerVersion(
            self,
            "Libraries",
            code=lambda_.Code.from_asset(str(libraries)),
            description="What the engine of datasets imports, as Novaline's lock file pins it",
            compatible_architectures=[lambda_.Architecture.ARM_64],
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_14],
        )
        self.list = self._function("List", "Lists the objects of datasets and cuts them into parts of whole lines", 512)
        self.inspect = self._function("Inspect", "Validates one part of a dataset", _ONE_CPU_MB)
        self.merge = self._function(
            "Merge", "Merges what was found in the parts into one report", _MERGE_MB, disk=_MERGE_DISK
        )
        self.all = (self.list, self.inspect, self.merge)
        self._grant_list()
        self._grant_inspect()
        self._grant_merge()

    def _function(self, name: str, description: str, memory_mb: int, *, disk: Size | None = None) -> PythonFunction:
        return PythonFunction(
            self,
            name,
            folder="inspect",
            handler=f"nova_inspect.handler.{name.lower()}_handler",
            description=description,
            key=self._key,
            log_retention=self._log_retention,
            removal_policy=self._log_removal,
            environment={"DATA_BUCKET": self._data.bucket_name, "ARTIFACT_BUCKET": self._artifacts.bucket_name},
            timeout=Duration.minutes(FUNCTION_MINUTES),
            memory_mb=memory_mb,
            disk=disk,
            core=_CORE,
            layers=[self.libraries],
        )

    def _grant_list(self) -> None:
        grant(
            self.list.role,
            allow("ListVersions", ["s3:ListBucketVersions"], [self._data.bucket_arn]),
            self._read_data("ReadHeldOutVersions"),
            self._in_artifacts("WritePlan", "s3:PutObject", _PARTS_LIST, _PLAN),
            self._use_key("kms:Decrypt", "kms:GenerateDataKey"),
        )

    def _grant_inspect(self) -> None:
        grant(
            self.inspect.role,
            self._read_data("ReadVersions"),
            self._in_artifacts("ReadPlan", "s3:GetObject", _PLAN),
            self._in_artifacts("WritePartials", "s3:PutObject", _PARTIALS),
            self._use_key("kms:Decrypt", "kms:GenerateDataKey"),
        )

    def _grant_merge(self) -> None:
        grant(
            self.merge.role,
            self._read_data("ReadVersions"),  # the lines that the report shows because of another one
            self._in_artifacts("ReadParts", "s3:GetObjectVersion", _PARTS_LIST),
            self._in_artifacts("ReadPartials", "s3:GetObject", _PARTIALS, _PLAN),
            self._in_artifacts("WriteReport", "s3:PutObject", _REPORTS),
            self._in_artifacts("IndexReport", "s3:PutObject", _BY_OBJECT),
            self._use_key("kms:Decrypt", "kms:GenerateDataKey"),
        )

    def _read_data(self, sid: str) -> NamedStatement:
        return allow(
            sid,
            ["s3:GetObjectVersion"],
            [self._data.arn_for_objects("*")],
            open_because="The bucket holds datasets and nothing else; which one is inspected is asked later.",
        )

    def read_parts(self) -> Sequence[NamedStatement]:
        """What the state machine needs to read the list of parts."""
        return (
            self._in_artifacts("ReadParts", "s3:GetObjectVersion", _PARTS_LIST),
            self._use_key("kms:Decrypt"),
        )

    def _in_artifacts(self, sid: str, action: str, *patterns: str) -> NamedStatement:
        resources = [self._artifacts.arn_for_objects(pattern) for pattern in patterns]
        return allow(sid, [action], resources, open_because=_OPEN)

    def _use_key(self, *actions: str) -> NamedStatement:
        """The key, through S3 only."""
        conditions = {"StringEquals": {"kms:ViaService": f"s3.{Stack.of(self).region}.amazonaws.com"}}
        return allow("UseKeyThroughS3", actions, [self._key.key_arn], conditions=conditions)
