"""The cost of a customization's jobs, from their settings and datasets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from novaline.cost.estimate import Cost, JobCost, evaluation_hours, training_hours
from novaline.cost.prices import training_price
from novaline.customization.settings import JobSettings
from novaline.customization.structure import Parts
from novaline.datasets.scan import Dataset

if TYPE_CHECKING:
    from novaline.environments import Environment

_DEFAULT_REGION = "us-east-1"


def estimate(
    *,
    stages: Mapping[str, JobSettings],
    evaluations: Mapping[str, JobSettings],
    datasets: Mapping[str, Dataset],
    environment: Environment | None,
    parts: Parts,
) -> Cost:
    """What the jobs cost, in the order in which they run. Without an environment, at the prices of us-east-1."""
    region = environment.region if environment is not None else _DEFAULT_REGION
    own_prices = parts.budget.prices if parts.budget is not None else {}
    lines: list[JobCost] = []
    for name, settings in stages.items():
        hours = _training_hours(settings, datasets.get(f"{name}/train"))
        lines.append(_line(name, settings, hours, region, own_prices))
    for name, settings in evaluations.items():
        dataset = datasets.get(f"{name}/data")
        hours = evaluation_hours(rows=dataset.rows if dataset else 0)
        lines += [_line(f"{name}-{subject}", settings, hours, region, own_prices) for subject in ("base", "candidate")]
    return Cost(lines=tuple(lines))


def _training_hours(settings: JobSettings, dataset: Dataset | None) -> float:
    size, rows = (dataset.bytes, dataset.rows) if dataset else (0, 0)
    passes = settings.number("max_epochs")
    if passes is None:  # Nova 2 counts steps
        read = (settings.number("max_steps") or 0) * (settings.number("global_batch_size") or 0)
        passes = read / rows if rows else 0
    return training_hours(dataset_bytes=size, passes=passes, instance_count=settings.instance_count)


def _line(job: str, settings: JobSettings, hours: float, region: str, own_prices: Mapping[str, float]) -> JobCost:
    timeout = settings.timeout / timedelta(hours=1)
    return JobCost(
        job=job,
        instance_type=settings.instance_type,
        instance_count=settings.instance_count,
        timeout_hours=timeout,
        expected_hours=min(hours, timeout),
        price=training_price(region, settings.instance_type, own_prices),
    )
