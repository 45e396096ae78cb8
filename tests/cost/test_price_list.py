"""The Price List API's answers are read as they are, and what is not understood is told, never guessed."""

import copy
import json
from datetime import date
from pathlib import Path

import pytest

from novaline.cost.price_list import bedrock_query, products, read_bedrock, read_training, training_query
from novaline.requests.conformance import check_request

PRODUCTS = json.loads(Path(__file__).with_name("products.json").read_text(encoding="utf-8"))
TYPES = {"ml.p5.48xlarge", "ml.g5.12xlarge"}
DAY = date(2026, 11, 20)


def training(*documents, region="us-east-1"):
    return read_training([json.dumps(item) for item in documents], region=region, types=TYPES, day=DAY)


def bedrock(*documents):
    return read_bedrock([json.dumps(item) for item in documents], region="us-east-1", day=DAY)


def changed(document, *, usd=None, unit=None):
    other = copy.deepcopy(document)
    for offer in other["terms"]["OnDemand"].values():
        for tier in offer["priceDimensions"].values():
            tier["pricePerUnit"] = {"USD": usd} if usd else tier["pricePerUnit"]
            tier["unit"] = unit or tier["unit"]
    return other


@pytest.mark.parametrize("query", [training_query("us-west-2"), bedrock_query("us-east-1")])
def test_the_queries_conform_to_awss_model(query):
    assert check_request("pricing", "GetProducts", query) == ()


def test_training_prices_are_those_of_training_jobs_of_the_types_asked_for():
    found = training(*PRODUCTS["AmazonSageMaker"])
    assert {entry.subject: entry.usd for entry in found.entries} == {"ml.p5.48xlarge": 63.296, "ml.g5.12xlarge": 7.09}
    assert found.unread == ()
    entry = found.entries[0]
    assert (entry.what, entry.region, entry.unit) == ("training-instance", "us-east-1", "instance hour")
    assert (entry.confirmed, entry.date, entry.usage_type) == (True, "2026-11-20", "USE1-Train:ml.p5.48xlarge")


def test_a_product_of_another_region_is_passed_over():
    assert training(*PRODUCTS["AmazonSageMaker"], region="us-west-2").entries == ()


def test_bedrock_prices_are_read_by_model_and_by_what_is_sold():
    found = bedrock(*PRODUCTS["AmazonBedrock"])
    assert found.unread == ()
    assert [(e.what, e.subject, e.technique, e.commitment, e.usd, e.unit) for e in found.entries] == [
        ("customization", "nova-2-lite", "sft", None, 0.00378, "1,000 tokens"),
        ("customization", "nova-pro", "sft", None, 0.5, "1,000 tokens"),
        ("storage", "nova-2-lite", None, None, 1.95, "model month"),
        ("customization", "nova-2-lite", "rft", None, 123.0, "hour"),
        ("throughput", "nova-2-lite", None, "none", 60.5, "model unit hour"),
        ("throughput", "nova-2-lite", None, "1 month", 55.0, "model unit hour"),
    ]


def test_a_price_per_million_tokens_is_brought_to_a_thousand():
    (entry,) = bedrock(changed(PRODUCTS["AmazonBedrock"][0], usd="3.78", unit="1M tokens")).entries
    assert entry.usd == pytest.approx(0.00378)


@pytest.mark.parametrize(
    ("usd", "unit", "why"),
    [
        (None, "fortnight", "per 'fortnight', a unit that is not known here"),
        ("0.0000000000", None, "its price is 0 US dollars"),
        ("NaN", None, "its price is nan US dollars"),
        ("free", None, "no price on demand"),
    ],
)
def test_a_price_that_is_not_understood_is_told_and_left_out(usd, unit, why):
    found = training(changed(PRODUCTS["AmazonSageMaker"][0], usd=usd, unit=unit))
    assert found.entries == ()
    assert len(found.unread) == 1
    assert why in found.unread[0]
    assert "USE1-Train:ml.p5.48xlarge in us-east-1" in found.unread[0]


def test_a_product_without_a_price_on_demand_is_told():
    document = copy.deepcopy(PRODUCTS["AmazonSageMaker"][0])
    document["terms"] = {"Reserved": {}}
    assert "no price on demand" in training(document).unread[0]


def test_a_product_with_tiers_is_told():
    document = copy.deepcopy(PRODUCTS["AmazonBedrock"][0])
    (offer,) = document["terms"]["OnDemand"].values()
    (tier,) = offer["priceDimensions"].values()
    offer["priceDimensions"]["second"] = {**tier, "pricePerUnit": {"USD": "0.001"}}
    assert "2 prices on demand" in bedrock(document).unread[0]


def test_two_products_that_disagree_leave_no_price():
    document = PRODUCTS["AmazonSageMaker"][0]
    found = training(document, changed(document, usd="1.0"))
    assert found.entries == ()
    assert "at 63.296 and at 1 US dollars" in found.unread[0]
    assert training(document, document).unread == ()


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"product": {"attributes": {}}}', '{"product": null}'])
def test_a_document_that_is_no_product_is_told(text):
    found = read_training([text], region="us-east-1", types=TYPES, day=DAY)
    assert found.entries == ()
    assert found.unread == ("a product of AmazonSageMaker in us-east-1 that has no usage type",)


def test_every_page_is_asked_for():
    class Pages:
        def __init__(self):
            self.asked = []

        def get_products(self, **request):
            assert check_request("pricing", "GetProducts", request) == ()
            self.asked.append(request.get("NextToken"))
            number = len(self.asked)
            return {"PriceList": [f"page {number}"], **({"NextToken": f"after {number}"} if number < 3 else {})}

    pages = Pages()
    assert list(products(pages, bedrock_query("us-east-1"))) == ["page 1", "page 2", "page 3"]
    assert pages.asked == [None, "after 1", "after 2"]
