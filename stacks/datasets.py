"""The datasets stack of an environment: inspection and preparation of what lies in its data bucket."""

from __future__ import annotations

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from constructs import Construct

from nova_constructs.dataset_inspection import DatasetInspection
from nova_constructs.dataset_preparation import DatasetPreparation
from novaline.environments import Environment
from novaline.environments.names import DATASETS, INSPECTION, PREPARATION
from novaline.lambda_layer import made_archive, made_tables_archive
from stacks.retention import log_retention
from stacks.stores import imported_stores


class Datasets(Stack):
    """State machines that validate and prepare datasets where they lie. Nothing in it costs while nobody asks."""

    def __init__(self, scope: Construct, *, environment: Environment) -> None:
        super().__init__(
            scope,
            DATASETS,
            description=f"Novaline {environment.name}: inspection and preparation of datasets",
            termination_protection=environment.termination_protection,
            tags=dict(environment.tags),
        )
        stores = imported_stores(self, environment=environment.name)
        self.inspection = DatasetInspection(
            self,
            "Inspection",
            data=stores.data,
            artifacts=stores.artifacts,
            key=stores.key,
            libraries=made_archive(),
            log_retention=log_retention(environment.log_retention_days),
            log_removal=RemovalPolicy.RETAIN if environment.retain else RemovalPolicy.DESTROY,
        )
        self.preparation = DatasetPreparation(
            self,
            "Preparation",
            data=stores.data,
            artifacts=stores.artifacts,
            key=stores.key,
            libraries=self.inspection.functions.libraries,
            tables=made_tables_archive(),
            log_retention=log_retention(environment.log_retention_days),
            log_removal=RemovalPolicy.RETAIN if environment.retain else RemovalPolicy.DESTROY,
        )
        CfnOutput(self, PREPARATION, value=self.preparation.state_machine.state_machine_arn)
        CfnOutput(self, INSPECTION, value=self.inspection.state_machine.state_machine_arn)
