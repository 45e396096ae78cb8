"""What an instance hour costs, as far as it is known, with where the figure comes from.

A type that is not here has no known price. It is never taken for free: see `novaline.cost.estimate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars per instance hour on demand, as of `date` where that is known.

    `confirmed` is false until the AWS Price List API has been asked.
    """

    usd_per_hour: float
    source: str
    date: str | None = None
    confirmed: bool = False


TRAINING_PRICES: Mapping[tuple[str, str], Price] = {
    ("us-east-1", "ml.p5.48xlarge"): Price(
        usd_per_hour=63.296,
        source="SageMaker training, on demand; to be confirmed with the Price List API",
    ),
}
"""(region, instance type) → price of SageMaker training."""

CUSTOM_MODEL_STORAGE_USD_PER_MONTH = 1.75
"""Storage of one custom model in Bedrock, US dollars a month. Source: an AWS blog of 2026; to be confirmed."""


def training_price(region: str, instance_type: str, own_prices: Mapping[str, float]) -> Price | None:
    """The price of an instance hour: the customization's own first, then the table's; None when neither knows it."""
    own = own_prices.get(instance_type)
    if own is not None:
        return Price(usd_per_hour=own, source="the customization's budget.prices", confirmed=True)
    return TRAINING_PRICES.get((region, instance_type))
