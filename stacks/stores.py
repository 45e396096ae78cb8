"""The foundation's resources, as the other stacks of an environment see them."""

from __future__ import annotations

from aws_cdk import Fn, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from nova_constructs.workflow_functions import WorkflowStores
from novaline.environments.names import ARTIFACT_BUCKET, DATA_BUCKET, KEY, LEDGER_TABLE, TOPIC, export_name


def imported_stores(stack: Stack, *, environment: str) -> WorkflowStores:
    """Buckets, ledger, topic and key of the foundation, by the names that it exports.

    They are imports, not the constructs themselves: so no grant in another stack can change the key's policy or a
    bucket's, and CloudFormation refuses to delete or replace what another stack still uses. Whoever calls this makes
    the stack depend on the foundation.
    """

    def value(output: str) -> str:
        return Fn.import_value(export_name(environment, output))

    return WorkflowStores(
        data=s3.Bucket.from_bucket_name(stack, "Data", value(DATA_BUCKET)),
        artifacts=s3.Bucket.from_bucket_name(stack, "Artifacts", value(ARTIFACT_BUCKET)),
        ledger=dynamodb.Table.from_table_name(stack, "Ledger", value(LEDGER_TABLE)),
        topic=sns.Topic.from_topic_arn(stack, "Topic", value(TOPIC)),
        key=kms.Key.from_key_arn(stack, "Key", value(KEY)),
    )
