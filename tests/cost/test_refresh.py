"""Asking AWS: what it answers is kept as the project's own, and nothing else of the project's is lost."""

import copy
import json
from datetime import date
from pathlib import Path

import pytest
from fake_pricing import FakePricing

from novaline.cost.book import Entry, PriceBook
from novaline.cost.price_file import read_prices, write_prices
from novaline.cost.prices import FILE_NAME, price_book, training_price
from novaline.cost.refresh import refresh
from novaline.findings import NovalineError

PRODUCTS = json.loads(Path(__file__).with_name("products.json").read_text(encoding="utf-8"))
TYPES = {"ml.p5.48xlarge", "ml.g5.12xlarge"}
DAY = date(2026, 11, 20)


def own(subject, usd, **more):
    given = {"what": "training-instance", "region": "us-east-1", "unit": "instance hour", "source": "our contract"}
    return Entry(**{**given, "subject": subject, "usd": usd, **more})


def asked(folder, *, regions=("us-east-1",), products=PRODUCTS):
    return refresh(FakePricing(products), folder / FILE_NAME, regions=regions, types=TYPES, day=DAY)


def test_what_aws_answers_becomes_the_projects_confirmed_prices(tmp_path):
    found = asked(tmp_path)
    assert len(found.confirmed) == 8
    price = training_price("us-east-1", "ml.g5.12xlarge", {}, book=price_book(tmp_path))
    assert price is not None
    assert (price.usd_per_hour, price.confirmed, price.date) == (7.09, True, "2026-11-20")


def test_the_changes_are_told_against_what_was_known_before(tmp_path):
    first = {change.after.title: change.before and change.before.usd for change in asked(tmp_path).changes}
    assert "ml.p5.48xlarge, training job" not in first  # the shipped figure is the same
    assert first["ml.g5.12xlarge, training job"] is None
    dearer = copy.deepcopy(PRODUCTS)
    (offer,) = dearer["AmazonSageMaker"][0]["terms"]["OnDemand"].values()
    (tier,) = offer["priceDimensions"].values()
    tier["pricePerUnit"]["USD"] = "70.0"
    second = [
        (change.before and change.before.usd, change.after.usd) for change in asked(tmp_path, products=dearer).changes
    ]
    assert second == [(63.296, 70.0)]


def test_asking_twice_changes_nothing(tmp_path):
    asked(tmp_path)
    before = (tmp_path / FILE_NAME).read_bytes()
    assert asked(tmp_path).changes == ()
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_prices_that_were_not_asked_for_stay_and_unlisted_ones_are_named(tmp_path):
    kept = [
        own("ml.p4d.24xlarge", 20.0),
        own("ml.p5.48xlarge", 1.0, region="eu-west-1"),
        own("ml.g6.12xlarge", 5.0, confirmed=True, date="2026-01-01"),
    ]
    write_prices(tmp_path / FILE_NAME, PriceBook.of(kept), about="a test")
    found = asked(tmp_path)
    assert set(kept) <= set(read_prices(tmp_path / FILE_NAME))
    assert [entry.subject for entry in found.unlisted] == ["ml.g6.12xlarge"]


def test_a_region_without_prices_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(NovalineError, match="no price of a training instance that a recipe names in eu-west-9"):
        asked(tmp_path, regions=("us-east-1", "eu-west-9"))
    assert list(tmp_path.iterdir()) == []


def test_a_broken_file_of_the_project_is_told_before_aws_is_asked(tmp_path):
    (tmp_path / FILE_NAME).write_text("{}", encoding="utf-8")
    client = FakePricing(PRODUCTS)
    with pytest.raises(NovalineError, match="not a file of prices"):
        refresh(client, tmp_path / FILE_NAME, regions=("us-east-1",), types=TYPES, day=DAY)
    assert client.asked == []
