"""The cost of a customization's jobs, from their settings and datasets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from novaline.cost.estimate import Cost, JobCost, epochs_of, evaluation_hours, training_hours
from novaline.cost.managed import ManagedCost
from novaline.cost.prices import customization_rate, price_book, storage_rate, training_price
from novaline.customization.settings import JobSettings
from novaline.customization.structure import Parts
from novaline.datasets.dataset import Dataset

if TYPE_CHECKING:
    from novaline.environments import Environment

DEFAULT_REGION = "us-east-1"
"""Whose prices hold where no environment is given."""
_GENERATING = ("rft", "distillation")
"""Techniques on instances whose time goes into answers: the policy's own, or the teacher's."""


def estimate(
    *,
    stages: Mapping[str, JobSettings],
    evaluations: Mapping[str, JobSettings],
    datasets: Mapping[str, Dataset],
    media: frozenset[str],
    environment: Environment | None,
    parts: Parts,
) -> Cost:
    """What the jobs cost, in the order in which they run. Without an environment, at the prices of us-east-1.

    Jobs on HyperPod cost nothing of their own: the cluster is paid for anyway. `media` names the stages whose rows hold
    more than text.
    """
    region = environment.region if environment is not None else DEFAULT_REGION
    own_prices = parts.budget.prices if parts.budget is not None else {}
    lines: list[JobCost] = []
    managed: list[ManagedCost] = []
    for name, settings in stages.items():
        data = datasets.get(f"{name}/train")
        if settings.platform == "sagemaker":
            lines.append(_line(name, settings, _training_hours(settings, data), region, own_prices))
        elif settings.platform != "hyperpod":
            managed.append(_managed(name, settings, data, region, media=name in media))
    for name, settings in evaluations.items():
        data = datasets.get(f"{name}/data")
        hours = None if data is None else evaluation_hours(rows=data.rows)  # a benchmark's questions nobody counts here
        if settings.platform == "sagemaker":
            lines += [_line(f"{name}-{subject}", settings, hours, region, own_prices) for subject in _subjects(stages)]
    deploys = parts.deployment is not None and parts.deployment.target == "bedrock-on-demand"
    storage = storage_rate(region, parts.model, book=price_book()) if deploys and parts.model is not None else None
    return Cost(lines=tuple(lines), managed=tuple(managed), storage=storage)


def _subjects(stages: Mapping[str, JobSettings]) -> tuple[str, ...]:
    """What evaluations measure. Neither Bedrock nor a distillation leaves a checkpoint that they could read."""
    last = list(stages.values())[-1] if stages else None
    without = last is not None and (last.platform == "bedrock" or last.recipe.technique == "distillation")
    return ("base",) if without else ("base", "candidate")


def passes(settings: JobSettings, dataset: Dataset | None) -> float:
    """How often a stage reads its training data; 0 where that does not follow from its recipe."""
    epochs = settings.number("max_epochs") or settings.number("epochCount")
    if epochs is not None:
        return epochs
    steps, batch = settings.number("max_steps"), settings.number("global_batch_size")
    if not steps or not batch or dataset is None or not dataset.rows:
        return 0.0
    return epochs_of(steps=int(steps), global_batch_size=int(batch), rows=dataset.rows)


def _training_hours(settings: JobSettings, dataset: Dataset | None) -> float | None:
    """Expected hours; None where the data does not tell them: for what is generated, and for unknown passes."""
    often = passes(settings, dataset)
    if settings.recipe.technique in _GENERATING or dataset is None or not often:
        return None
    return training_hours(dataset_bytes=dataset.bytes, passes=often, instance_count=settings.instance_count)


def _managed(name: str, settings: JobSettings, dataset: Dataset | None, region: str, *, media: bool) -> ManagedCost:
    """A job without instances. No source states what a serverless one costs."""
    model, technique = settings.recipe.model.name, settings.recipe.technique
    bedrock, epochs = settings.platform == "bedrock", passes(settings, dataset)
    rate = customization_rate(region, model, technique, book=price_book()) if bedrock else None
    if rate is not None and rate.unit != "hour" and (not epochs or dataset is None):
        rate = None  # neither Bedrock's own number of epochs is known, nor data that nobody has seen
    return ManagedCost(
        job=name,
        model=model,
        technique=technique,
        dataset_bytes=dataset.bytes if dataset else 0,
        epochs=max(1, math.ceil(epochs)),
        timeout_hours=settings.timeout / timedelta(hours=1),
        rate=rate,
        media=media,
    )


def _line(
    job: str, settings: JobSettings, hours: float | None, region: str, own_prices: Mapping[str, float]
) -> JobCost:
    timeout = settings.timeout / timedelta(hours=1)
    return JobCost(
        job=job,
        instance_type=settings.instance_type,
        instance_count=settings.instance_count,
        timeout_hours=timeout,
        expected_hours=None if hours is None else min(hours, timeout),
        price=training_price(region, settings.instance_type, own_prices),
    )
