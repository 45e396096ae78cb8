"""Asks AWS for the prices that a project needs, and keeps them in the project's own file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from novaline.cost.book import Change, Entry, PriceBook, changes
from novaline.cost.price_file import read_prices, write_prices
from novaline.cost.price_list import (
    PricingClient,
    bedrock_query,
    products,
    read_bedrock,
    read_training,
    training_query,
)
from novaline.cost.prices import SHIPPED
from novaline.findings import Finding, NovalineError

ABOUT = (
    "The project's own prices, in US dollars: ahead of those that Novaline ships. `novaline prices refresh` keeps them."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What came of asking. `unlisted` are confirmed prices that AWS lists no more; they stay in the file."""

    path: Path
    book: PriceBook
    confirmed: tuple[Entry, ...]
    changes: tuple[Change, ...]
    unlisted: tuple[Entry, ...]
    unread: tuple[str, ...]


def refresh(
    client: PricingClient,
    path: Path,
    *,
    regions: Sequence[str],
    types: Collection[str],
    day: date,
    report: Callable[[str], None] = lambda _: None,
) -> Refreshed:
    """Asks for the prices of these regions and instance types, and writes what AWS answers into the file.

    Prices of other regions stay as they are. Raises NovalineError when AWS lists no price of training in a region, or
    when the file is there and is no file of prices; nothing is written then. Raises what botocore raises.
    """
    own = read_prices(path) if path.is_file() else PriceBook.of(())
    before = own.ahead_of(read_prices(SHIPPED))
    entries: list[Entry] = []
    unread: list[str] = []
    for region in regions:
        report(f"asking for SageMaker's prices in {region}")
        training = read_training(products(client, training_query(region)), region=region, types=types, day=day)
        if not training.entries:
            raise NovalineError(_nothing(region, training.unread))
        report(f"asking for Bedrock's prices in {region}")
        bedrock = read_bedrock(products(client, bedrock_query(region)), region=region, day=day)
        entries += [*training.entries, *bedrock.entries]
        unread += [*training.unread, *bedrock.unread]
    book = PriceBook.of([*own, *entries])
    asked = {entry.key for entry in entries}
    write_prices(path, book, about=ABOUT)
    return Refreshed(
        path=path,
        book=book,
        confirmed=tuple(PriceBook.of(entries)),
        changes=changes(before, book),
        unlisted=tuple(e for e in own if e.confirmed and e.region in regions and e.key not in asked),
        unread=tuple(unread),
    )


def _nothing(region: str, unread: Sequence[str]) -> tuple[Finding, ...]:
    message = f"AWS lists no price of a training instance that a recipe names in {region}; nothing was written"
    hint = "is that a region with SageMaker? Its pages have prices too: budget: {usd: …, prices: {<type>: …}}"
    first = Finding(code="no-prices", severity="error", message=message, hint=hint)
    return first, *(
        Finding(code="price-unread", severity="warning", message=f"not understood: {text}") for text in unread
    )
