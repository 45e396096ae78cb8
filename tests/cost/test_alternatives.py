"""The cheaper way is offered where AWS has it, with what it loses, and never on a guess."""

import pytest

from novaline.cost.alternatives import ROWS, cheaper
from novaline.cost.book import Entry, PriceBook
from novaline.cost.price_file import read_prices
from novaline.cost.prices import SHIPPED

BOOK = read_prices(SHIPPED)


def offer(**more):
    given = {
        "model": "nova-2-lite", "technique": "sft", "tuning": "lora", "region": "us-east-1", "rows": 5_000,
        "dataset_bytes": 4_000_000, "epochs": 2, "present_usd": 150.0, "book": BOOK,
    }  # fmt: skip
    return cheaper(**{**given, **more})


def test_the_managed_job_is_offered_with_what_it_saves():
    found = offer()
    assert found is not None
    assert found.platform == "bedrock"
    assert found.usd == pytest.approx(1_000_000 * 2 / 1000 * 0.00378)
    assert found.saves_usd == pytest.approx(150 - 7.56)
    assert found.headline == "a job that Bedrock manages would cost about $7.56, $142.44 less"


@pytest.mark.parametrize(
    "more",
    [
        {"tuning": "full"},
        {"technique": "dpo", "model": "nova-lite"},
        {"technique": "distillation", "model": "nova-pro", "tuning": None},
        {"technique": "cpt"},
        {"technique": "rft", "model": "nova-lite"},
        {"region": "us-west-2"},
        {"rows": 199},
        {"rows": 20_001},
        {"epochs": 5.1},
        {"from_base": False},
    ],
    ids=str,
)
def test_nothing_is_offered_where_aws_has_no_such_job(more):
    assert offer(**more) is None


def test_nothing_is_offered_that_does_not_cost_less():
    assert offer(present_usd=7.0) is None
    assert offer(present_usd=8.0) is not None


@pytest.mark.parametrize("more", [{"model": "nova-pro"}, {"technique": "rft"}, {"media": True}])
def test_where_a_price_is_unknown_the_way_is_named_without_a_figure(more):
    found = offer(**more)
    assert found is not None
    assert found.saves_usd is None
    assert "not known here" in found.headline


def test_what_is_saved_is_unknown_where_the_present_cost_is():
    found = offer(present_usd=None)
    assert (found.usd, found.saves_usd) == (pytest.approx(7.56), None)
    assert found.headline == ("a job that Bedrock manages would cost about $7.56; what it saves is not known here")


def test_rows_with_media_have_no_number_of_tokens():
    assert "an image or a video" in offer(media=True).unproven[0]
    assert "four bytes a token" in offer().unproven[0]


def test_every_offer_says_what_is_lost_and_what_is_unproven():
    for model, technique in ROWS:
        found = offer(model=model, technique=technique)
        assert found is not None
        losses = " ".join(found.cannot)
        for word in ("no recipe", "LoRA only", "rows", "us-east-1", "checkpoint"):
            assert word in losses
        assert found.unproven
        assert "novaline prices refresh" in " ".join(found.unproven)


def test_a_confirmed_price_is_not_called_unproven():
    price = Entry(
        what="customization", region="us-east-1", subject="nova-2-lite", technique="sft", usd=0.001,
        unit="1,000 tokens", source="AWS", date="2026-11-20", confirmed=True,
    )  # fmt: skip
    found = offer(book=PriceBook.of([price]))
    assert found is not None
    assert "refresh" not in " ".join(found.unproven)


def test_epochs_that_follow_from_steps_are_rounded_up_and_told():
    found = offer(epochs=1.28)
    assert found is not None
    assert found.usd == pytest.approx(7.56)
    assert "whole epochs: 2 in place of 1.28" in found.cannot
    assert not any("whole epochs" in line for line in offer(epochs=2.0).cannot)
    assert "whole epochs: 1,235 in place of 1,234" in offer(technique="rft", epochs=1234.4).cannot


def test_the_json_of_an_offer_has_its_figures_and_its_sentences():
    document = offer().as_json()
    assert (document["expected_usd"], document["saves_usd"], document["price_confirmed"]) == (7.56, 142.44, False)
    assert document["cannot"]
