"""The three functions of a dataset's preparation, each under a role that can do what it does and no more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from nova_constructs.python_function import PythonFunction
from nova_constructs.statements import NamedStatement, allow, grant

FUNCTION_MINUTES: Final = 15
"""The longest that Lambda allows. A range takes seconds; a large object that cannot be cut, or the join, may not."""

_SCRATCH: Final = "scratch/preparations/*"
_PARTS_LIST: Final = f"{_SCRATCH}/parts.jsonl"
_SOURCES: Final = f"{_SCRATCH}/sources"
_PLANS: Final = f"{_SCRATCH}/plans/*"
_PARTIALS: Final = f"{_SCRATCH}/partials/*"
_PIECES: Final = f"{_SCRATCH}/pieces/*"
_REPORT: Final = f"{_SCRATCH}/report.json"
_OUTPUTS: Final = "prepared/*"  # of the data bucket: what runs read lies elsewhere in it
_ANY_DATASET: Final = "The bucket holds datasets and nothing else; which are read and written is asked later."
_ANY_PREPARATION: Final = "A preparation's folder is named after the preparation, which begins later."
_ONE_CPU_MB: Final = 1769  # what Lambda gives a whole processor for; the conversion works on one
_MOST_MB: Final = 3008  # the most that every account may have: Parquet's row groups, and plans, are held in memory
_CORE: Final = (
    "novaline/datasets/formats",
    "novaline/datasets/prepare",
    "novaline/datasets/readers",
    "novaline/datasets/remote",
    "novaline/datasets/flaws.py",
    "novaline/datasets/manifest.py",
    "novaline/datasets/splitting.py",
    "novaline/findings.py",
    "novaline/s3_uri.py",
)


class PreparationFunctions(Construct):
    """Find, Convert and Join: one package, three handlers. `all` lists them for the permission to invoke.

    `libraries` are the layer of `DatasetFunctions`; `tables` is the archive of a layer with what reads Parquet, Arrow
    and Zstandard, for the one function that reads rows.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        data: s3.IBucket,
        artifacts: s3.IBucket,
        key: kms.IKey,
        libraries: lambda_.ILayerVersion,
        tables: Path,
        log_retention: logs.RetentionDays,
        log_removal: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self._data, self._artifacts, self._key = data, artifacts, key
        self._log_retention, self._log_removal = log_retention, log_removal
        self.tables = lambda_.LayerVersion(
            self,
            "Tables",
            code=lambda_.Code.from_asset(str(tables)),
            description="What tables and compressed files are read with, as Novaline's lock file pins it",
            compatible_architectures=[lambda_.Architecture.ARM_64],
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_14],
        )
        self.find = self._function(
            "Find", "Finds the objects of a preparation and cuts them into parts", _ONE_CPU_MB, [libraries]
        )
        self.convert = self._function(
            "Convert", "Converts one part of a dataset into another format", _MOST_MB, [libraries, self.tables]
        )
        self.join = self._function(
            "Join", "Joins what was converted into one object for each split", _MOST_MB, [libraries]
        )
        self.all = (self.find, self.convert, self.join)
        self._grant_find()
        self._grant_convert()
        self._grant_join()

    def _function(
        self, name: str, description: str, memory_mb: int, layers: Sequence[lambda_.ILayerVersion]
    ) -> PythonFunction:
        return PythonFunction(
            self,
            name,
            folder="convert",
            handler=f"nova_convert.handler.{name.lower()}_handler",
            description=description,
            key=self._key,
            log_retention=self._log_retention,
            removal_policy=self._log_removal,
            environment={"DATA_BUCKET": self._data.bucket_name, "ARTIFACT_BUCKET": self._artifacts.bucket_name},
            timeout=Duration.minutes(FUNCTION_MINUTES),
            memory_mb=memory_mb,
            core=_CORE,
            layers=layers,
        )

    def _grant_find(self) -> None:
        grant(
            self.find.role,
            allow("ListVersions", ["s3:ListBucketVersions"], [self._data.bucket_arn]),
            self._in_artifacts("WritePlan", "s3:PutObject", _PARTS_LIST, _SOURCES, _PLANS, _REPORT),
            self._use_key("kms:GenerateDataKey"),
        )

    def _grant_convert(self) -> None:
        grant(
            self.convert.role,
            self._in_data("ReadVersions", "s3:GetObjectVersion", "*"),
            self._in_artifacts("ReadPlan", "s3:GetObject", _PLANS),
            self._in_artifacts("WritePieces", "s3:PutObject", _PIECES, _PARTIALS),
            self._use_key("kms:Decrypt", "kms:GenerateDataKey"),
        )

    def _grant_join(self) -> None:
        grant(
            self.join.role,
            self._in_artifacts("ReadParts", "s3:GetObjectVersion", _PARTS_LIST),
            self._in_artifacts("ReadPieces", "s3:GetObject", _PLANS, _SOURCES, _PARTIALS, _PIECES),
            self._in_artifacts("WritePlan", "s3:PutObject", _PLANS, _REPORT),
            self._in_data("WriteOutput", "s3:PutObject", _OUTPUTS),
            self._use_key("kms:Decrypt", "kms:GenerateDataKey"),
        )

    def read_parts(self) -> Sequence[NamedStatement]:
        """What the state machine needs to read the list of parts."""
        return (
            self._in_artifacts("ReadParts", "s3:GetObjectVersion", _PARTS_LIST),
            self._use_key("kms:Decrypt"),
        )

    def _in_data(self, sid: str, action: str, pattern: str) -> NamedStatement:
        return allow(sid, [action], [self._data.arn_for_objects(pattern)], open_because=_ANY_DATASET)

    def _in_artifacts(self, sid: str, action: str, *patterns: str) -> NamedStatement:
        resources = [self._artifacts.arn_for_objects(pattern) for pattern in patterns]
        return allow(sid, [action], resources, open_because=_ANY_PREPARATION)

    def _use_key(self, *actions: str) -> NamedStatement:
        """The key, through S3 only."""
        conditions = {"StringEquals": {"kms:ViaService": f"s3.{Stack.of(self).region}.amazonaws.com"}}
        return allow("UseKeyThroughS3", actions, [self._key.key_arn], conditions=conditions)
