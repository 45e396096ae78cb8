"""Version 3 of Amazon's SDK, asked for the training job that a recipe leads to: `ModelTrainer.from_recipe`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cases import Case
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.shapes import ModelPackageConfig, OutputDataConfig, S3DataSource, Tag
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, Networking, StoppingCondition


@cache
def session() -> Session:
    """One session for all jobs: what takes the time is botocore's reading of its models."""
    return Session()


def ask(case: Case, recipe: Path) -> None:
    """Have the SDK send its request. It is told all that a caller can tell it; the rest is its own choice.

    The number of instances is left to it, if it can be: it takes `run.replicas` of the recipe.
    """
    job = case.job
    vpc, package = job.vpc, job.model_package
    trainer = ModelTrainer.from_recipe(
        training_recipe=str(recipe),
        compute=Compute(
            instance_type=job.instance_type,
            instance_count=case.told_instances,
            volume_size_in_gb=job.volume_size_gb,
            volume_kms_key_id=case.volume_key,
        ),
        networking=Networking(
            security_group_ids=list(vpc.security_group_ids) if vpc else None,
            subnets=list(vpc.subnet_ids) if vpc else None,
            enable_network_isolation=job.network_isolation,
            enable_inter_container_traffic_encryption=job.encrypt_between_instances,
        ),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=job.max_runtime_seconds),
        training_image=job.image,
        output_data_config=OutputDataConfig(
            s3_output_path=job.output_uri, kms_key_id=job.key_arn, compression_type="GZIP"
        ),
        input_data_config=[
            InputData(
                channel_name=name,
                data_source=S3DataSource(
                    s3_data_type=data_type, s3_uri=uri, s3_data_distribution_type="FullyReplicated"
                ),
            )
            for name, (uri, data_type) in case.channels.items()
        ],
        tags=[Tag(key=key, value=value) for key, value in job.tags.items()],
        sagemaker_session=session(),
        role=job.role_arn,
        base_job_name="conformance",
        model_package_config=ModelPackageConfig(model_package_group_arn=package.group_arn) if package else None,
    )
    trainer.train(wait=False, logs=False)
