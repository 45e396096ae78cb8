"""The five functions of the customization workflow, each under a role that can do what it does and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from nova_constructs.python_function import PythonFunction
from nova_constructs.statements import allow, grant


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowStores:
    """What a run reads and writes: datasets, the run's folder, the ledger, the topic, and the key over all of them."""

    data: s3.IBucket
    artifacts: s3.IBucket
    ledger: dynamodb.ITable
    topic: sns.ITopic
    key: kms.IKey


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRoles:
    """The roles that the workflow passes: to SageMaker for training and evaluation, to Bedrock for the import."""

    training: iam.IRole
    evaluation: iam.IRole
    model_import: iam.IRole


class WorkflowFunctions(Construct):
    """Admit, Collect, Gate, Verify and Register. `all` lists them for the state machine's permission to invoke."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_name: str,
        stores: WorkflowStores,
        roles: JobRoles,
        budget_usd_per_run: float,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        self._stores = stores
        self._log_retention = log_retention
        artifacts = {"ARTIFACT_BUCKET": stores.artifacts.bucket_name}
        self.admit = self._function(
            "Admit",
            description="Verifies a run's claim check, datasets, budget and requests before anything is paid for",
            environment={
                **artifacts,
                "ENVIRONMENT": environment_name,
                "DATA_BUCKET": stores.data.bucket_name,
                "KEY_ARN": stores.key.key_arn,
                "TRAINING_ROLE_ARN": roles.training.role_arn,
                "EVALUATION_ROLE_ARN": roles.evaluation.role_arn,
                "BUDGET_USD_PER_RUN": str(budget_usd_per_run),
            },
            core=["novaline/s3_uri.py"],
        )
        self.collect = self._function(
            "Collect",
            description="Streams the manifest out of a training job's output and prepares the candidate's evaluation",
            environment={**artifacts, "ACCOUNT": Stack.of(self).account},
            core=["novaline/s3_uri.py"],
        )
        self.gate = self._function(
            "Gate",
            description="Compares base and candidate on the same rows and writes the evidence",
            environment=artifacts,
            core=["novaline/s3_uri.py", *(f"novaline/evaluation/{name}.py" for name in ("gate", "metrics", "results"))],
            memory_mb=2048,
        )
        self.verify = self._function(
            "Verify",
            description="Asks the deployed model held-out questions through Converse",
            environment=artifacts,
            core=["novaline/s3_uri.py", "novaline/evaluation/metrics.py"],
        )
        self.register = self._function(
            "Register",
            description="Writes a run's summary and closes its entry in the ledger",
            environment={**artifacts, "LEDGER_TABLE": stores.ledger.table_name},
            core=["novaline/s3_uri.py"],
        )
        self.all = (self.admit, self.collect, self.gate, self.verify, self.register)
        self._grant_admit()
        self._grant_collect()
        self._grant_gate()
        self._grant_verify()
        self._grant_register()

    def _function(
        self,
        name: str,
        *,
        description: str,
        environment: Mapping[str, str],
        core: Sequence[str],
        memory_mb: int = 512,
    ) -> PythonFunction:
        folder = name.lower()
        return PythonFunction(
            self,
            name,
            folder=folder,
            handler=f"nova_{folder}.handler.handler",
            description=description,
            key=self._stores.key,
            log_retention=self._log_retention,
            environment=environment,
            timeout=Duration.minutes(5),
            memory_mb=memory_mb,
            core=core,
        )

    def _grant_admit(self) -> None:
        grant(
            self.admit.role,
            allow("ReadClaim", ["s3:GetObjectVersion"], [self._in_runs("*/claim.json")]),
            allow("ReadRecipeVersions", ["s3:GetObject"], [self._in_runs("*/recipes/*")]),
            allow("ReadDatasetVersions", ["s3:GetObject"], [self._stores.data.arn_for_objects("data/*")]),
            # Without ListBucket, S3 answers 403 for a missing object, and the refusal could not say that it is missing.
            allow(
                "TellMissingDatasets",
                ["s3:ListBucket"],
                [self._stores.data.bucket_arn, self._stores.artifacts.bucket_arn],
            ),
            self._use_key("kms:Decrypt"),
        )

    def _grant_collect(self) -> None:
        grant(
            self.collect.role,
            allow("ReadTrainingOutput", ["s3:GetObject"], [self._in_runs("*/training/*/output/output.tar.gz")]),
            allow("ReadRecipeTemplate", ["s3:GetObject"], [self._in_runs("*/recipes/*/recipe.template.yaml")]),
            allow("WriteCandidateRecipe", ["s3:PutObject"], [self._in_runs("*/recipes/*/recipe.yaml")]),
            allow("WriteCheckpointRecord", ["s3:PutObject"], [self._in_runs("*/checkpoint.json")]),
            self._use_key("kms:Decrypt", "kms:GenerateDataKey"),
        )

    def _grant_gate(self) -> None:
        grant(
            self.gate.role,
            allow("ReadEvaluationOutput", ["s3:GetObject"], [self._in_runs("*/evaluations/*/output/output.tar.gz")]),
            allow("WriteEvidence", ["s3:PutObject"], [self._in_runs("*/gate.json"), self._in_runs("*/samples.jsonl")]),
            self._use_key("kms:Decrypt", "kms:GenerateDataKey"),
        )

    def _grant_verify(self) -> None:
        stack = Stack.of(self)
        deployments = stack.format_arn(service="bedrock", resource="custom-model-deployment", resource_name="*")
        grant(
            self.verify.role,
            allow("ReadHeldOutRows", ["s3:GetObject"], [self._stores.data.arn_for_objects("data/*/gen_qa.jsonl")]),
            allow("ReadSamples", ["s3:GetObject"], [self._in_runs("*/samples.jsonl")]),
            allow("AskDeployment", ["bedrock:InvokeModel"], [deployments]),
            allow("WriteVerification", ["s3:PutObject"], [self._in_runs("*/verification.json")]),
            self._use_key("kms:Decrypt", "kms:GenerateDataKey"),
        )

    def _grant_register(self) -> None:
        region = Stack.of(self).region
        grant(
            self.register.role,
            allow("WriteSummary", ["s3:PutObject"], [self._in_runs("*/summary.json")]),
            allow("WriteLedger", ["dynamodb:PutItem", "dynamodb:UpdateItem"], [self._stores.ledger.table_arn]),
            self._use_key("kms:GenerateDataKey"),
            allow(
                "UseLedgerKey",
                ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
                [self._stores.key.key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"dynamodb.{region}.amazonaws.com"}},
            ),
        )

    def _in_runs(self, pattern: str) -> str:
        return self._stores.artifacts.arn_for_objects(f"runs/{pattern}")

    def _use_key(self, *actions: str) -> iam.PolicyStatement:
        via = f"s3.{Stack.of(self).region}.amazonaws.com"
        return allow(
            "UseKeyThroughS3",
            actions,
            [self._stores.key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": via}},
        )
