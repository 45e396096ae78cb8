"""Empties buckets right before CloudFormation deletes them, because CloudFormation deletes only empty ones."""

from __future__ import annotations

from aws_cdk import CustomResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from nova_constructs.python_function import PythonFunction
from nova_constructs.statements import acknowledge_open, allow, grant


class BucketEmptier(Construct):
    """One function that empties the buckets given to `empty_on_delete`, each when its stack deletes it.

    In place of the CDK's `auto_delete_objects`, whose provider runs Node under a managed policy. The role reaches only
    the buckets given, and the function acts only while the whole stack is deleted: an environment that starts to
    retain its data loses this construct, and must not lose its data with it.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, key: kms.IKey, log_retention: logs.RetentionDays
    ) -> None:
        super().__init__(scope, construct_id)
        self._emptier = PythonFunction(
            self,
            "Empty",
            folder="empty",
            handler="nova_empty.handler.handler",
            description="Empties a bucket right before CloudFormation deletes it",
            key=key,
            log_retention=log_retention,
            removal_policy=RemovalPolicy.DESTROY,
            environment={},
            timeout=Duration.minutes(15),
        )
        self.role = self._emptier.role
        grant(self.role, allow("AskStack", ["cloudformation:DescribeStacks"], [Stack.of(self).stack_id]))

    def empty_on_delete(self, name: str, bucket: s3.Bucket) -> CustomResource:
        """The custom resource at whose deletion `bucket` is emptied. CloudFormation deletes it before the bucket."""
        # A policy for each bucket: with one for all, a bucket would wait for a policy that names the bucket.
        statements = [
            allow(f"List{name}", ["s3:ListBucketVersions"], [bucket.bucket_arn]),
            allow(
                f"Empty{name}",
                ["s3:DeleteObject", "s3:DeleteObjectVersion"],
                [bucket.arn_for_objects("*")],
                open_because="To empty a bucket is to delete every object in it; the bucket is named.",
            ),
        ]
        policy = iam.Policy(self, f"Empty{name}", roles=[self.role], statements=statements)
        acknowledge_open(policy, *statements)
        resource = CustomResource(
            self,
            name,
            resource_type="Custom::EmptyBucket",
            service_token=self._emptier.function.function_arn,
            properties={"BucketName": bucket.bucket_name},
        )
        resource.node.add_dependency(policy)
        return resource
