"""The roles that SageMaker and Bedrock act under while a run trains, evaluates and imports."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from nova_constructs.statements import NamedStatement, allow, grant, grant_unscoped, guarded_service

_OPEN_RUNS = "One role serves every run, and a run's folder is named when the run starts."
TRAINING_LOGS = "/aws/sagemaker/TrainingJobs"
"""The log group, and the CloudWatch namespace, that SageMaker gives every training job. Neither can be chosen."""


class ExecutionRoles(Construct):
    """Three roles, each with one named statement a purpose and no managed policy.

    * `training` reads data, rendered recipes and trained checkpoints, writes below `runs/<run>/training/`, and invokes
      `rewards`, no more.
    * `evaluation` reads those as well, writes below `runs/<run>/evaluations/`, and invokes `rewards`
      and `processors`, no more.
    * `model_import` lets Bedrock read trained checkpoints and encrypt the model that it makes of one, and nothing else.

    Checkpoints lie in Amazon's escrow buckets, `customer-escrow-<account>-*`, which belong to another account: hence no
    `aws:ResourceAccount` condition. `image_account` owns the ECR repositories of the Nova containers in this region.
    SageMaker assumes the first two only for training jobs of this account and region, Bedrock the third only for this
    account: for CreateCustomModel, AWS documents no source ARN.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        data: s3.IBucket,
        artifacts: s3.IBucket,
        key: kms.IKey,
        image_account: str,
        rewards: Sequence[lambda_.IFunction] = (),
        processors: Sequence[lambda_.IFunction] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self._account, self._region = stack.account, stack.region
        self._data, self._artifacts, self._key, self._image_account = data, artifacts, key, image_account
        self.training = self._job_role("Training", writes="training", repository="nova-fine-tune-repo")
        self.evaluation = self._job_role("Evaluation", writes="evaluations", repository="nova-evaluation-repo")
        self.model_import = iam.Role(
            self,
            "Import",
            assumed_by=guarded_service("bedrock.amazonaws.com", account=self._account),
            description="Bedrock reads a trained checkpoint with it, to import a custom model",
        )
        for role in (self.training, self.evaluation, self.model_import):
            grant(role, *self._read_checkpoints())
        for role in (self.training, self.evaluation):
            _grant_invoking(role, "InvokeRewards", rewards)
        _grant_invoking(self.evaluation, "InvokeProcessors", processors)
        grant(self.model_import, self._encrypt_model())

    def _job_role(self, name: str, *, writes: str, repository: str) -> iam.Role:
        jobs = f"arn:aws:sagemaker:{self._region}:{self._account}:training-job/*"
        role = iam.Role(
            self,
            name,
            assumed_by=guarded_service("sagemaker.amazonaws.com", account=self._account, source_arn=jobs),
            description=f"{name} jobs of SageMaker run under it",
        )
        outputs = self._artifacts.arn_for_objects(f"runs/*/{writes}/*")
        grant(
            role,
            *self._read_inputs(),
            allow("WriteOutput", ["s3:PutObject"], [outputs], open_because=_OPEN_RUNS),
            self._use_key(),
            self._pull_image(repository),
            *self._write_logs(),
        )
        self._grant_what_has_no_resource(role)
        return role

    def _read_inputs(self) -> list[NamedStatement]:
        data, recipes = self._data.arn_for_objects("data/*"), self._artifacts.arn_for_objects("runs/*/recipes/*")
        by_digest = "Datasets lie under their digests, which nobody knows before the data."
        return [
            allow("ReadData", ["s3:GetObject"], [data], open_because=by_digest),
            allow("ListData", ["s3:ListBucket"], [self._data.bucket_arn], conditions=_prefix("data/*")),
            allow("ReadRecipes", ["s3:GetObject"], [recipes], open_because=_OPEN_RUNS),
            allow(
                "ListRecipes", ["s3:ListBucket"], [self._artifacts.bucket_arn], conditions=_prefix("runs/*/recipes/*")
            ),
        ]

    def _read_checkpoints(self) -> list[NamedStatement]:
        escrow = f"arn:aws:s3:::customer-escrow-{self._account}-*"
        reason = "Amazon owns the escrow buckets and ends their names; the account in the name is this one."
        return [
            allow("ReadCheckpoints", ["s3:GetObject"], [f"{escrow}/*"], open_because=reason),
            allow("ListCheckpoints", ["s3:ListBucket"], [escrow], open_because=reason),
        ]

    def _encrypt_model(self) -> NamedStatement:
        """Bedrock encrypts the imported model: the role must be permitted to use the key (API reference of
        CreateCustomModel), which names no actions; these are the ones that the caller needs.
        """
        return allow(
            "EncryptModel",
            ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
            [self._key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"bedrock.{self._region}.amazonaws.com"}},
        )

    def _use_key(self) -> NamedStatement:
        services = [f"{service}.{self._region}.amazonaws.com" for service in ("s3", "sagemaker")]
        return allow(
            "UseKey",
            ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
            [self._key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": services}},
        )

    def _pull_image(self, repository: str) -> NamedStatement:
        return allow(
            "PullImage",
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            [f"arn:aws:ecr:{self._region}:{self._image_account}:repository/{repository}"],
        )

    def _write_logs(self) -> list[NamedStatement]:
        group = f"arn:aws:logs:{self._region}:{self._account}:log-group:{TRAINING_LOGS}"
        reason = "SageMaker names the log streams after jobs and hosts, in the one log group of training jobs."
        return [
            allow(
                "FindLogs",
                ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams"],
                [group, f"{group}:*"],
                open_because=reason,
            ),
            allow(
                "WriteLogs",
                ["logs:PutLogEvents"],
                [group, f"{group}:*"],
                open_because=reason,
            ),
        ]

    def _grant_what_has_no_resource(self, role: iam.Role) -> None:
        grant_unscoped(
            role,
            "RegistryLogin",
            allow("LogInToRegistry", ["ecr:GetAuthorizationToken"], ["*"]),
            reason="Amazon ECR defines no resource for an authorization token; pulling is limited to one repository.",
        )
        grant_unscoped(
            role,
            "Metrics",
            allow(
                "PutMetrics",
                ["cloudwatch:PutMetricData"],
                ["*"],
                conditions={"StringEquals": {"cloudwatch:namespace": TRAINING_LOGS}},
            ),
            reason="CloudWatch defines no resource for PutMetricData; a condition limits it to the namespace of jobs.",
        )


def _grant_invoking(role: iam.Role, sid: str, functions: Sequence[lambda_.IFunction]) -> None:
    """Exactly these functions, without a version: Nova's containers take neither alias nor version."""
    if functions:
        grant(role, allow(sid, ["lambda:InvokeFunction"], [function.function_arn for function in functions]))


def _prefix(pattern: str) -> dict[str, dict[str, object]]:
    return {"StringLike": {"s3:prefix": pattern}}
