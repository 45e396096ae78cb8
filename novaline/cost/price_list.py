"""AWS's Price List API: what to ask, and how to read its answers. Free of charge; needs pricing:GetProducts.

The API answers from us-east-1 for every region (AWS Billing user guide, "Using the AWS Price List Query API"). Each
product is a JSON document in a string: `product.attributes.usagetype` names what is sold, `terms.OnDemand` its price.
The names of usage types are those that public code and cost sheets show, `USE1-Train:ml.g5.2xlarge` and
`USE1-Nova2.0Lite-Customization-Training`. A product that is not in the expected form is reported, never guessed at.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from novaline.cost.book import Commitment, Entry, Key, Unit, What

API_REGION = "us-east-1"
"""Where the API is asked, whichever region the prices are for."""

NOT_ASKED = "SageMaker's jobs without instances, and distillation in Bedrock"
"""What no query here finds the price of: no source says under which usage type AWS lists it."""

_TRAINING = re.compile(r"(?:[A-Z0-9]+-)?Train:(?P<type>ml\.[a-z0-9-]+\.[a-z0-9]+)")
_MODELS = {"NovaMicro": "nova-micro", "NovaLite": "nova-lite", "NovaPro": "nova-pro", "Nova2.0Lite": "nova-2-lite"}
"""A model in a usage type of Bedrock → its name in the catalogue."""
_BEDROCK = re.compile(rf"(?:[A-Z0-9]+-)?(?P<model>{'|'.join(map(re.escape, _MODELS))})-(?P<sold>[A-Za-z0-9-]+)")
_SOLD: Mapping[str, tuple[What, str | None, Commitment | None]] = {
    "Customization-Training": ("customization", "sft", None),
    "RFT-Training-Hours": ("customization", "rft", None),
    "Customization-Storage": ("storage", None, None),
    "ProvisionedThroughput-NoCommit-ModelUnits": ("throughput", None, "none"),
    "ProvisionedThroughput-1month-ModelUnits": ("throughput", None, "1 month"),
    "ProvisionedThroughput-6month-ModelUnits": ("throughput", None, "6 months"),
}
"""What a usage type of Bedrock sells."""
_HOUR = re.compile(r"(per )?(model )?(unit )?(hour|hours|hr|hrs)", re.IGNORECASE)
_THOUSAND = re.compile(r"(per )?(1k|1,000|1000) tokens?", re.IGNORECASE)
_MILLION = re.compile(r"(per )?(1m|1,000,000|1000000) tokens?", re.IGNORECASE)
_MONTH = re.compile(r"(per )?(models?)?[ /-]*(months?|mo)", re.IGNORECASE)


class PricingClient(Protocol):
    """What is used of boto3's client for `pricing`."""

    def get_products(self, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401  # boto3's own signature
        """One page of products."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Prices that were read, and what could not be, in words."""

    entries: tuple[Entry, ...]
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Unread(Exception):
    why: str


def training_query(region: str) -> dict[str, Any]:
    """GetProducts: everything that SageMaker training jobs are billed for in a region."""
    return _query("AmazonSageMaker", {"regionCode": region, "component": "Training"})


def bedrock_query(region: str) -> dict[str, Any]:
    """GetProducts: everything that Bedrock is billed for in a region (some thousand products)."""
    return _query("AmazonBedrock", {"regionCode": region})


def products(client: PricingClient, query: Mapping[str, Any]) -> Iterator[str]:
    """The products that answer a query, page by page. Raises what botocore raises."""
    token: str | None = None
    while True:
        page = client.get_products(**query, **({"NextToken": token} if token else {}))
        yield from page.get("PriceList", ())
        token = page.get("NextToken")
        if not token:
            return


def read_training(documents: Iterable[str], *, region: str, types: Collection[str], day: date) -> Reading:
    """The prices of instance hours of training jobs, of these types."""

    def sold(usage_type: str) -> Key | None:
        match = _TRAINING.fullmatch(usage_type)
        if match is None or match["type"] not in types:
            return None
        return Key("training-instance", region, match["type"], None, None)

    return _read(documents, sold=sold, service="AmazonSageMaker", region=region, day=day)


def read_bedrock(documents: Iterable[str], *, region: str, day: date) -> Reading:
    """The prices of Bedrock's managed jobs, kept models and provisioned throughput, for the Nova models."""

    def sold(usage_type: str) -> Key | None:
        match = _BEDROCK.fullmatch(usage_type)
        if match is None or match["sold"] not in _SOLD:
            return None
        what, technique, commitment = _SOLD[match["sold"]]
        return Key(what, region, _MODELS[match["model"]], technique, commitment)

    return _read(documents, sold=sold, service="AmazonBedrock", region=region, day=day)


def _query(service: str, attributes: Mapping[str, str]) -> dict[str, Any]:
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in attributes.items()]
    return {"ServiceCode": service, "Filters": filters, "FormatVersion": "aws_v1", "MaxResults": 100}


def _read(
    documents: Iterable[str], *, sold: Callable[[str], Key | None], service: str, region: str, day: date
) -> Reading:
    found: dict[Key, Entry] = {}
    unread: list[str] = []
    disputed: set[Key] = set()
    for text in documents:
        try:
            document = json.loads(text)
            usage_type = document["product"]["attributes"]["usagetype"]
            key = sold(usage_type)
        except (ValueError, KeyError, TypeError):
            unread.append(f"a product of {service} in {region} that has no usage type")
            continue
        if key is None or document["product"]["attributes"].get("regionCode", region) != region:
            continue
        try:
            usd, unit = _on_demand(document, key)
        except _Unread as problem:
            unread.append(f"{usage_type} in {region}: {problem.why}")
            continue
        entry = Entry(
            **key._asdict(), usd=usd, unit=unit, source=f"AWS Price List API, {service}", date=day.isoformat(),
            confirmed=True, usage_type=usage_type,
        )  # fmt: skip
        if found.setdefault(key, entry).usd != usd:
            disputed.add(key)
            unread.append(f"{usage_type} in {region}: it is listed at {found[key].usd:g} and at {usd:g} US dollars")
    return Reading(entries=tuple(found[key] for key in found if key not in disputed), unread=tuple(unread))


def _on_demand(document: Mapping[str, Any], key: Key) -> tuple[float, Unit]:
    """The one price without a commitment, in our unit. Raises _Unread when there is none, or more than one."""
    try:
        offers = document["terms"]["OnDemand"].values()
        tiers = [tier for offer in offers for tier in offer["priceDimensions"].values()]
        prices = {(float(tier["pricePerUnit"]["USD"]), str(tier["unit"])) for tier in tiers}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _Unread("it has no price on demand in US dollars") from None
    if len(prices) != 1:
        raise _Unread(f"it has {len(prices)} prices on demand, where one was expected")
    usd, unit = prices.pop()
    if not math.isfinite(usd) or usd <= 0:
        raise _Unread(f"its price is {usd:g} US dollars")
    return _in_our_unit(usd, unit, key)


def _in_our_unit(usd: float, unit: str, key: Key) -> tuple[float, Unit]:
    match key.what, key.technique:
        case ("training-instance", _) if _HOUR.fullmatch(unit):
            return usd, "instance hour"
        case ("customization", "rft") if _HOUR.fullmatch(unit):
            return usd, "hour"
        case ("customization", "sft") if _THOUSAND.fullmatch(unit):
            return usd, "1,000 tokens"
        case ("customization", "sft") if _MILLION.fullmatch(unit):
            return usd / 1000, "1,000 tokens"
        case ("storage", _) if _MONTH.fullmatch(unit):
            return usd, "model month"
        case ("throughput", _) if _HOUR.fullmatch(unit):
            return usd, "model unit hour"
    raise _Unread(f"its price is per {unit!r}, a unit that is not known here")
