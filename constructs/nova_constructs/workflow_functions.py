"""The seven functions of the customization workflow, each under a role that can do what it does and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, Stack
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
    """Admit, Prepare, Trial, Collect, Gate, Verify and Register. `all` lists them for the state machine.

    `reward_arns` are the reward functions that Trial may invoke.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_name: str,
        stores: WorkflowStores,
        roles: JobRoles,
        reward_arns: Sequence[str],
        budget_usd_per_run: float,
        log_retention: logs.RetentionDays,
        log_removal: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self._stores = stores
        self._log_retention, self._log_removal = log_retention, log_removal
        artifacts = {"ARTIFACT_BUCKET": stores.artifacts.bucket_name}
        account = {"ACCOUNT": Stack.of(self).account}
        self.admit = self._function(
            "Admit",
            description="Verifies a run's claim check, datasets, budget and requests before anything is paid for",
            environment={
                **artifacts,
                **account,
                "ENVIRONMENT": environment_name,
                "DATA_BUCKET": stores.data.bucket_name,
                "KEY_ARN": stores.key.key_arn,
                "TRAINING_ROLE_ARN": roles.training.role_arn,
                "EVALUATION_ROLE_ARN": roles.evaluation.role_arn,
                "BUDGET_USD_PER_RUN": str(budget_usd_per_run),
            },
            core=["novaline/s3_uri.py", "novaline/datasets/remote/places.py", "novaline/datasets/validated.py"],
        )
        self.prepare = self._function(
            "Prepare",
            description="Takes the next stage out of the claim and fills in the checkpoint that it starts from",
            environment=artifacts,
            core=["novaline/s3_uri.py"],
        )
        self.trial = self._function(
            "Trial",
            description="Tries a reward function on real rows before a training job is paid for",
            environment=artifacts,
            core=["novaline/rewards/contract.py", "novaline/rewards/verdicts.py"],
        )
        self.collect = self._function(
            "Collect",
            description="Streams the manifest out of a training job's output and prepares the candidate's evaluation",
            environment={**artifacts, **account},
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
        self.all = (
            self.admit,
            self.prepare,
            self.trial,
            self.collect,
            self.gate,
            self.verify,
            self.register,
        )
        self._grant_admit()
        self._grant_prepare()
        self._grant_trial(reward_arns)
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
            removal_policy=self._log_removal,
            environment=environment,
            timeout=Duration.minutes(5),
            memory_mb=memory_mb,
            core=core,
        )

    def _grant_admit(self) -> None:
        grant(
            self.admit.role,
            self._in_runs("ReadClaim", "s3:GetObjectVersion", "*/claim.json"),
            self._in_runs("ReadRecipeVersions", "s3:GetObject", "*/recipes/*", "*/trial/*.jsonl"),
            self._in_data("ReadDatasetVersions", "data/*"),
            # What lies beside a dataset, under a longer name, a job would read as well.
            allow("ListDatasets", ["s3:ListBucket"], [self._stores.data.bucket_arn]),
            # Without ListBucket, S3 answers 403 for a missing object, and the refusal could not say that it is missing.
            allow("TellMissingObjects", ["s3:ListBucket"], [self._stores.artifacts.bucket_arn]),
            allow(
                "ReadInspections",
                ["s3:GetObject"],
                [self._stores.artifacts.arn_for_objects("inspections/by-object/*")],
                open_because="What an inspection found lies under the digest of the version that was inspected.",
            ),
            self._use_key("UseKeyThroughS3", "s3", "kms:Decrypt"),
        )

    def _grant_prepare(self) -> None:
        grant(
            self.prepare.role,
            self._in_runs("ReadClaim", "s3:GetObjectVersion", "*/claim.json"),
            self._in_runs("ReadRecipeTemplate", "s3:GetObject", "*/recipes/*/recipe.template.yaml"),
            self._in_runs("WriteRecipe", "s3:PutObject", "*/recipes/*/recipe.yaml"),
            self._use_key("UseKeyThroughS3", "s3", "kms:Decrypt", "kms:GenerateDataKey"),
        )

    def _grant_trial(self, reward_arns: Sequence[str]) -> None:
        grant(
            self.trial.role,
            self._in_runs("ReadTrialRows", "s3:GetObject", "*/trial/*.jsonl"),
            self._in_runs("WriteTrial", "s3:PutObject", "*/trial/*.json"),
            self._use_key("UseKeyThroughS3", "s3", "kms:Decrypt", "kms:GenerateDataKey"),
            *([allow("InvokeRewards", ["lambda:InvokeFunction"], list(reward_arns))] if reward_arns else []),
        )

    def _grant_collect(self) -> None:
        grant(
            self.collect.role,
            self._in_runs("ReadTrainingOutput", "s3:GetObject", "*/training/*/output/output.tar.gz"),
            self._in_runs("ReadRecipeTemplate", "s3:GetObject", "*/recipes/*-candidate/recipe.template.yaml"),
            self._in_runs("WriteCandidateRecipe", "s3:PutObject", "*/recipes/*-candidate/recipe.yaml"),
            self._in_runs("WriteCheckpointRecord", "s3:PutObject", "*/checkpoints/*.json"),
            self._use_key("UseKeyThroughS3", "s3", "kms:Decrypt", "kms:GenerateDataKey"),
        )

    def _grant_gate(self) -> None:
        grant(
            self.gate.role,
            self._in_runs("ReadEvaluationOutput", "s3:GetObject", "*/evaluations/*/output/output.tar.gz"),
            self._in_runs("WriteEvidence", "s3:PutObject", "*/gate.json", "*/samples.jsonl"),
            self._use_key("UseKeyThroughS3", "s3", "kms:Decrypt", "kms:GenerateDataKey"),
        )

    def _grant_verify(self) -> None:
        deployments = Stack.of(self).format_arn(
            service="bedrock", resource="custom-model-deployment", resource_name="*"
        )
        grant(
            self.verify.role,
            self._in_data("ReadHeldOutRows", "data/*/gen_qa.jsonl"),
            self._in_runs("ReadSamples", "s3:GetObject", "*/samples.jsonl"),
            allow(
                "AskDeployment",
                ["bedrock:InvokeModel"],
                [deployments],
                open_because="Bedrock gives a deployment its ARN when a run creates it.",
            ),
            self._in_runs("WriteVerification", "s3:PutObject", "*/verification.json"),
            self._use_key("UseKeyThroughS3", "s3", "kms:Decrypt", "kms:GenerateDataKey"),
            self._use_key("AskEncryptedModel", "bedrock", "kms:Decrypt"),
        )

    def _grant_register(self) -> None:
        grant(
            self.register.role,
            self._in_runs("WriteSummary", "s3:PutObject", "*/summary.json"),
            allow("WriteLedger", ["dynamodb:PutItem", "dynamodb:UpdateItem"], [self._stores.ledger.table_arn]),
            self._use_key("UseKeyThroughS3", "s3", "kms:GenerateDataKey"),
            self._use_key(
                "UseLedgerKey", "dynamodb", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"
            ),
        )

    def _in_runs(self, sid: str, action: str, *patterns: str) -> iam.PolicyStatement:
        """One action on certain files of any run's folder."""
        resources = [self._stores.artifacts.arn_for_objects(f"runs/{pattern}") for pattern in patterns]
        return allow(
            sid, [action], resources, open_because="A run's folder is named after the run, which begins later."
        )

    def _in_data(self, sid: str, pattern: str) -> iam.PolicyStatement:
        """Reading certain datasets."""
        reason = "A dataset's folder is named after its digest, which is known when it is uploaded."
        return allow(sid, ["s3:GetObject"], [self._stores.data.arn_for_objects(pattern)], open_because=reason)

    def _use_key(self, sid: str, service: str, *actions: str) -> iam.PolicyStatement:
        """The key, through one service only."""
        via = f"{service}.{Stack.of(self).region}.amazonaws.com"
        conditions = {"StringEquals": {"kms:ViaService": via}}
        return allow(sid, actions, [self._stores.key.key_arn], conditions=conditions)
