"""Where everything of an environment lies: data by digest, one folder a run, and the access logs of both."""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from nova_constructs.bucket_emptier import BucketEmptier

SCRATCH_DAYS: Final = 7
"""How long what lies below `scratch/` is kept: longer than anything runs that needs it."""


class ArtifactStore(Construct):
    """The data bucket (`data/<sha256>/…`), the artifact bucket (`runs/<run>/…`), and the log bucket of both.

    What lies below `scratch/` in the artifact bucket is deleted after a week.

    Data and artifacts are encrypted with `key`, versioned, reached over TLS only, never public, and refuse objects
    under keys that the caller keeps (SSE-C). The log bucket takes S3's server access logs, which S3 delivers only to
    a bucket under S3-managed keys. With an `emptier`, `cdk destroy` empties and deletes the buckets; without one they
    are retained.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey,
        noncurrent_days: int,
        log_days: int,
        emptier: BucketEmptier | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._removal_policy = RemovalPolicy.RETAIN if emptier is None else RemovalPolicy.DESTROY
        noncurrent = Duration.days(noncurrent_days)
        self.logs = self._bucket(
            "Logs",
            encryption=s3.BucketEncryption.S3_MANAGED,
            rules=[_clean_up(noncurrent), s3.LifecycleRule(id="ExpireLogs", expiration=Duration.days(log_days))],
        )
        emptied_logs = None if emptier is None else emptier.empty_on_delete("Logs", self.logs)
        self.data = self._bucket("Data", encryption=s3.BucketEncryption.KMS, key=key, rules=[_clean_up(noncurrent)])
        scratch = s3.LifecycleRule(id="ExpireScratch", prefix="scratch/", expiration=Duration.days(SCRATCH_DAYS))
        self.artifacts = self._bucket(
            "Artifacts", encryption=s3.BucketEncryption.KMS, key=key, rules=[_clean_up(noncurrent), scratch]
        )
        for name, bucket in (("Data", self.data), ("Artifacts", self.artifacts)):
            if emptied_logs is not None:
                # Deletion runs backwards: what is logged goes first, so that little is logged after the emptying.
                bucket.node.add_dependency(emptied_logs)
            if emptier is not None:
                emptier.empty_on_delete(name, bucket)

    def _bucket(
        self,
        name: str,
        *,
        encryption: s3.BucketEncryption,
        rules: list[s3.LifecycleRule],
        key: kms.IKey | None = None,
    ) -> s3.Bucket:
        is_log_bucket = key is None
        bucket = s3.Bucket(
            self,
            name,
            encryption=encryption,
            encryption_key=key,
            bucket_key_enabled=None if is_log_bucket else True,
            blocked_encryption_types=[s3.BlockedEncryptionType.SSE_C],
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=rules,
            removal_policy=self._removal_policy,
            server_access_logs_bucket=None if is_log_bucket else self.logs,
            server_access_logs_prefix=None if is_log_bucket else f"{name.lower()}/",
        )
        bucket.add_to_resource_policy(_refuse_customer_keys(bucket))
        return bucket


def _clean_up(noncurrent: Duration) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id="CleanUp",
        abort_incomplete_multipart_upload_after=Duration.days(7),
        expired_object_delete_marker=True,
        noncurrent_version_expiration=noncurrent,
    )


def _refuse_customer_keys(bucket: s3.Bucket) -> iam.PolicyStatement:
    """Denies writes under SSE-C: an object whose key only its writer has is lost to everybody else.

    The bucket's own setting refuses them too; the policy is what shows in an access review, and what can be tested.
    """
    return iam.PolicyStatement(
        sid="RefuseCustomerProvidedKeys",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["s3:PutObject"],
        resources=[bucket.arn_for_objects("*")],
        conditions={"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}},
    )
