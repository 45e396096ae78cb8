"""The foundation of an environment: what holds data, and is kept or deleted as the environment says."""

from __future__ import annotations

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_logs as logs
from constructs import Construct

from nova_constructs.artifact_store import ArtifactStore
from nova_constructs.bucket_emptier import BucketEmptier
from nova_constructs.encryption_key import EncryptionKey
from nova_constructs.execution_roles import TRAINING_LOGS
from nova_constructs.notifications import Notifications
from nova_constructs.run_ledger import RunLedger
from novaline.environments import Environment
from novaline.environments.names import (
    ARTIFACT_BUCKET,
    DATA_BUCKET,
    FOUNDATION,
    KEY,
    LEDGER_TABLE,
    TOPIC,
    export_name,
    key_alias,
)
from stacks.retention import log_retention


class Foundation(Stack):
    """Key, buckets, ledger, topic and the log group of training jobs.

    The other stacks find them through the exports; see `stacks.stores`. The logical ids of what holds data are frozen
    by a test: another id would mean another, empty, resource.
    """

    def __init__(self, scope: Construct, *, environment: Environment) -> None:
        super().__init__(
            scope,
            FOUNDATION,
            description=f"Novaline {environment.name}: key, buckets, run ledger and notifications",
            termination_protection=environment.termination_protection,
            tags=dict(environment.tags),
        )
        removal = RemovalPolicy.RETAIN if environment.retain else RemovalPolicy.DESTROY
        retention = log_retention(environment.log_retention_days)
        self.key = EncryptionKey(self, "Encryption", alias=key_alias(environment.name), removal_policy=removal).key
        emptier = None if environment.retain else BucketEmptier(self, "Emptier", key=self.key, log_retention=retention)
        self.store = ArtifactStore(
            self,
            "Store",
            key=self.key,
            noncurrent_days=environment.noncurrent_days,
            log_days=environment.log_retention_days,
            emptier=emptier,
        )
        self.ledger = RunLedger(
            self, "Ledger", key=self.key, removal_policy=removal, protected=environment.termination_protection
        ).table
        self.topic = Notifications(self, "Notifications", key=self.key, addresses=environment.notifications).topic
        if environment.owns_training_logs:
            logs.LogGroup(
                self,
                "TrainingJobLogs",
                log_group_name=TRAINING_LOGS,
                encryption_key=self.key,
                retention=retention,
                removal_policy=removal,
            )
        for output, value in (
            (DATA_BUCKET, self.store.data.bucket_name),
            (ARTIFACT_BUCKET, self.store.artifacts.bucket_name),
            (KEY, self.key.key_arn),
            (LEDGER_TABLE, self.ledger.table_name),
            (TOPIC, self.topic.topic_arn),
        ):
            CfnOutput(self, output, value=value, export_name=export_name(environment.name, output))
