"""What things cost, with where each figure comes from: the project's own prices first, then those that Novaline ships.

Nothing here asks AWS; `novaline prices refresh` does, and writes the project's file. What is not there has no known
price. It is never taken for free: see `novaline.cost.estimate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from novaline.cost.book import Commitment, Entry, PriceBook, Unit
from novaline.cost.price_file import read_prices
from novaline.places import project_root

SHIPPED = Path(__file__).with_name("prices.json")
"""The prices that Novaline ships. None of them is confirmed: nobody could ask AWS for them."""
FILE_NAME = "prices.json"
"""The project's own prices, beside cdk.json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars per instance hour on demand, as of `date` where the source says when.

    `confirmed` is false until the AWS Price List API has been asked.
    """

    usd_per_hour: float
    source: str
    date: str | None = None
    confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """US dollars per unit, for what is not sold by the instance hour. The rest is as for `Price`."""

    usd: float
    unit: Unit
    source: str
    date: str | None = None
    confirmed: bool = False


def training_price(
    region: str, instance_type: str, own_prices: Mapping[str, float], *, book: PriceBook | None = None
) -> Price | None:
    """The price of an instance hour of a training job: the customization's own first, then the book's; None without.

    The book is `price_book()` unless another is given; so for the other prices here.
    """
    own = own_prices.get(instance_type)
    if own is not None:
        return Price(usd_per_hour=own, source="the customization's budget.prices", confirmed=True)
    entry = _or_own(book).find("training-instance", region, instance_type)
    if entry is None:
        return None
    return Price(usd_per_hour=entry.usd, source=entry.source, date=entry.date, confirmed=entry.confirmed)


def customization_rate(region: str, model: str, technique: str, *, book: PriceBook | None = None) -> Rate | None:
    """What a managed job of Bedrock costs: per 1,000 tokens of each epoch, or per hour for reinforcement."""
    return _rate(_or_own(book).find("customization", region, model, technique=technique))


def storage_rate(region: str, model: str, *, book: PriceBook | None = None) -> Rate | None:
    """What it costs a month to keep a custom model of this base model in Bedrock."""
    return _rate(_or_own(book).find("storage", region, model))


def throughput_rate(
    region: str, model: str, commitment: Commitment = "none", *, book: PriceBook | None = None
) -> Rate | None:
    """What an hour of one model unit of provisioned throughput costs."""
    return _rate(_or_own(book).find("throughput", region, model, commitment=commitment))


def function_rates(region: str, *, book: PriceBook | None = None) -> tuple[Rate | None, Rate | None]:
    """What a Lambda function on arm64 costs: for each GB second, and for a million calls."""
    found = _or_own(book)
    return _rate(found.find("function-time", region, "arm64")), _rate(found.find("function-calls", region, "arm64"))


def token_rates(region: str, model: str, *, book: PriceBook | None = None) -> tuple[Rate | None, Rate | None]:
    """What 1,000 tokens cost that a model of Bedrock reads, and that it writes, on demand."""
    found = _or_own(book)
    return _rate(found.find("tokens-read", region, model)), _rate(found.find("tokens-written", region, model))


def price_book(root: Path | None = None) -> PriceBook:
    """The project's prices ahead of the shipped ones. `root` is the project's folder, found when not given.

    Raises NovalineError when the project's file is not a file of prices.
    """
    folder = root or project_root()
    own = None if folder is None else folder / FILE_NAME
    if own is None or not own.is_file():
        return _read(SHIPPED, 0)
    return _read(own, own.stat().st_mtime_ns).ahead_of(_read(SHIPPED, 0))


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> PriceBook:
    return read_prices(path)


def _or_own(book: PriceBook | None) -> PriceBook:
    return price_book() if book is None else book


def _rate(entry: Entry | None) -> Rate | None:
    if entry is None:
        return None
    return Rate(usd=entry.usd, unit=entry.unit, source=entry.source, date=entry.date, confirmed=entry.confirmed)
