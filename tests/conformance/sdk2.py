"""Version 2 of Amazon's SDK, asked for the training job that a recipe leads to: `PyTorch(training_recipe=…)`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cases import Case
from sagemaker.inputs import TrainingInput
from sagemaker.pytorch import PyTorch
from sagemaker.session import Session


@cache
def session() -> Session:
    """One session for all jobs: what takes the time is botocore's reading of its models."""
    return Session()


def ask(case: Case, recipe: Path) -> None:
    """Have the SDK send its request. It is told all that a caller can tell it; the rest is its own choice.

    The number of instances is left to it, if it can be: it takes `run.replicas` of the recipe.
    """
    job = case.job
    told = {} if case.told_instances is None else {"instance_count": case.told_instances}
    network = {} if job.vpc is None else {"subnets": list(job.vpc.subnet_ids)}
    if job.vpc is not None:
        network["security_group_ids"] = list(job.vpc.security_group_ids)
    estimator = PyTorch(
        training_recipe=str(recipe),
        image_uri=job.image,
        role=job.role_arn,
        instance_type=job.instance_type,
        volume_size=job.volume_size_gb,
        volume_kms_key=case.volume_key,
        output_path=job.output_uri,
        output_kms_key=job.key_arn,
        max_run=job.max_runtime_seconds,
        enable_network_isolation=job.network_isolation,
        encrypt_inter_container_traffic=job.encrypt_between_instances,
        tags=[{"Key": key, "Value": value} for key, value in job.tags.items()],
        base_job_name="conformance",
        sagemaker_session=session(),
        **told,
        **network,
    )
    inputs = {name: TrainingInput(uri, s3_data_type=data_type) for name, (uri, data_type) in case.channels.items()}
    estimator.fit(inputs=inputs, wait=False, logs="None")
