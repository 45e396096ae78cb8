"""The price book: every figure has a source, a project's own come first, and a broken file is told, not read."""

import json
from pathlib import Path

import pytest

from novaline.cost.book import UNITS, Entry, PriceBook, changes
from novaline.cost.price_file import read_prices, write_prices
from novaline.cost.prices import (
    FILE_NAME,
    SHIPPED,
    customization_rate,
    function_rates,
    price_book,
    storage_rate,
    throughput_rate,
    token_rates,
    training_price,
)
from novaline.findings import NovalineError


def entry(usd=2.0, **more):
    given = {"what": "training-instance", "region": "us-east-1", "subject": "ml.g5.12xlarge", "unit": "instance hour"}
    return Entry(**{**given, "usd": usd, "source": "a test", "date": "2026-11-20", **more})


SHIPPED_PRICES = tuple(read_prices(SHIPPED))


def test_there_are_shipped_prices_of_every_kind():
    assert {price.what for price in SHIPPED_PRICES} == set(UNITS)


@pytest.mark.parametrize("price", SHIPPED_PRICES, ids=lambda price: f"{price.title} {price.region}")
def test_every_shipped_price_names_a_source_and_none_claims_to_be_confirmed(price):
    assert price.source
    assert not price.confirmed
    assert price.date or "to be confirmed" in price.source


def test_a_customizations_own_price_comes_first_and_an_unknown_type_has_none():
    own = training_price("us-east-1", "ml.p5.48xlarge", {"ml.p5.48xlarge": 1.0})
    assert own is not None
    assert (own.usd_per_hour, own.confirmed) == (1.0, True)
    assert training_price("us-west-2", "ml.p5.48xlarge", {}, book=read_prices(SHIPPED)) is None


def test_a_projects_own_prices_go_ahead_of_the_shipped_ones(tmp_path):
    own = [entry(usd=61.0, subject="ml.p5.48xlarge", confirmed=True), entry(usd=7.0)]
    write_prices(tmp_path / FILE_NAME, PriceBook.of(own), about="a test")
    book = price_book(tmp_path)
    p5, g5 = (training_price("us-east-1", kind, {}, book=book) for kind in ("ml.p5.48xlarge", "ml.g5.12xlarge"))
    assert p5 is not None
    assert g5 is not None
    assert (p5.usd_per_hour, p5.confirmed, p5.source, p5.date) == (61.0, True, "a test", "2026-11-20")
    assert g5.usd_per_hour == 7.0
    assert storage_rate("us-east-1", "nova-2-lite", book=book) == storage_rate("us-east-1", "nova-2-lite")


def test_functions_and_tokens_have_rates_where_a_source_states_them():
    book = read_prices(SHIPPED)
    per_second, per_calls = function_rates("us-east-1", book=book)
    assert (per_second.usd, per_second.unit, per_calls.usd, per_calls.unit) == (
        0.0000133334, "GB second", 0.2, "1,000,000 calls"
    )  # fmt: skip
    assert [rate.usd for rate in token_rates("us-east-1", "nova-pro", book=book)] == [0.0008, 0.0032]
    assert function_rates("us-west-2", book=book) == token_rates("us-east-1", "another", book=book) == (None, None)


def test_a_file_that_changes_is_read_again(tmp_path):
    path = tmp_path / FILE_NAME
    for usd in (1.0, 2.0):
        write_prices(path, PriceBook.of([entry(usd=usd)]), about="a test")
        found = training_price("us-east-1", "ml.g5.12xlarge", {}, book=price_book(tmp_path))
        assert found is not None
        assert found.usd_per_hour == usd


def test_a_folder_without_a_file_has_the_shipped_prices(tmp_path):
    assert tuple(price_book(tmp_path)) == SHIPPED_PRICES


def test_what_no_source_states_has_no_price():
    book = read_prices(SHIPPED)
    assert customization_rate("us-east-1", "nova-2-lite", "rft", book=book) is None
    assert customization_rate("us-west-2", "nova-2-lite", "sft", book=book) is None
    assert storage_rate("us-east-1", "nova-pro", book=book) is None
    assert throughput_rate("us-east-1", "nova-2-lite", "6 months", book=book) is None


def test_a_written_file_reads_back_and_is_the_same_however_its_prices_were_ordered(tmp_path):
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    write_prices(one, PriceBook.of(SHIPPED_PRICES), about="a test")
    write_prices(other, PriceBook.of(reversed(SHIPPED_PRICES)), about="a test")
    assert one.read_bytes() == other.read_bytes()
    assert tuple(read_prices(one)) == SHIPPED_PRICES


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / FILE_NAME
    path.mkdir()  # nothing can be put in its place
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the operating system
        write_prices(path, PriceBook.of([entry()]), about="a test")
    assert [found.name for found in tmp_path.iterdir()] == [FILE_NAME]


def broken(path: Path, **more):
    price = {"what": "storage", "region": "us-east-1", "subject": "nova-pro", "usd": 1.0, "unit": "model month"}
    price["source"] = "a test"
    path.write_text(json.dumps({"about": "a test", "prices": [{**price, **more}]}), encoding="utf-8")
    with pytest.raises(NovalineError) as refusal:
        read_prices(path)
    (finding,) = refusal.value.findings
    assert finding.file == str(path)
    assert "novaline prices refresh" in str(finding.hint)
    return finding.message


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"unit": "hour"}, "storage is counted per model month"),
        ({"usd": 0.0}, "0.0 US dollars"),
        ({"usd": -1.0}, "-1.0 US dollars"),
        ({"usd": "1.0"}, "float"),
        ({"technique": "sft"}, "`technique` belongs to customization"),
        ({"commitment": "none"}, "`commitment` belongs to throughput"),
        ({"date": "last week"}, "'last week'"),
        ({"confirmed": True}, "confirmed without a date"),
        ({"source": " "}, "names no source"),
        ({"prise": 1}, "prise"),
        ({"what": "lunch"}, "lunch"),
    ],
)
def test_a_price_in_a_wrong_form_is_told_with_what_was_found(tmp_path, more, said):
    assert said in broken(tmp_path / FILE_NAME, **more)


def test_a_price_that_stands_there_twice_is_told(tmp_path):
    path = tmp_path / FILE_NAME
    write_prices(path, PriceBook.of([entry()]), about="a test")
    document = json.loads(path.read_text(encoding="utf-8"))
    document["prices"] *= 2
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(NovalineError, match="stands there twice"):
        read_prices(path)


def test_a_file_that_is_no_json_is_told(tmp_path):
    path = tmp_path / FILE_NAME
    path.write_text("{", encoding="utf-8")
    with pytest.raises(NovalineError, match="not a file of prices"):
        read_prices(path)


def test_only_another_figure_is_a_change():
    before = PriceBook.of([entry(usd=1.0), entry(usd=1.0, subject="ml.g6.12xlarge")])
    after = PriceBook.of(
        [
            entry(usd=1.0, date="2026-12-01", confirmed=True),
            entry(usd=3.0, subject="ml.g6.12xlarge"),
            entry(usd=9.0, subject="ml.p4d.24xlarge"),
        ]
    )
    found = [(change.after.subject, change.before and change.before.usd) for change in changes(before, after)]
    assert found == [("ml.g6.12xlarge", 1.0), ("ml.p4d.24xlarge", None)]
