"""The price book: what AWS charges, as far as somebody has stated it, each figure with its source and its date.

What no source states is not in the book, and is never taken for free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

import msgspec

What = Literal[
    "training-instance",
    "customization",
    "storage",
    "throughput",
    "function-time",
    "function-calls",
    "tokens-read",
    "tokens-written",
]
"""Instances of SageMaker training jobs; Bedrock's managed jobs; custom models kept; provisioned throughput; what a
Lambda function takes in time and in calls; what a model of Bedrock reads and writes on demand."""
Unit = Literal[
    "instance hour", "1,000 tokens", "hour", "model month", "model unit hour", "GB second", "1,000,000 calls"
]
Commitment = Literal["none", "1 month", "6 months"]

WHATS: tuple[What, ...] = get_args(What)
COMMITMENTS: tuple[Commitment, ...] = get_args(Commitment)
UNITS: Mapping[What, tuple[Unit, ...]] = MappingProxyType(
    {
        "training-instance": ("instance hour",),
        "customization": ("1,000 tokens", "hour"),
        "storage": ("model month",),
        "throughput": ("model unit hour",),
        "function-time": ("GB second",),
        "function-calls": ("1,000,000 calls",),
        "tokens-read": ("1,000 tokens",),
        "tokens-written": ("1,000 tokens",),
    }
)
"""What is sold → the units in which AWS counts it. Supervised jobs are billed by token, reinforcement by the hour."""


class Key(NamedTuple):
    """What tells one price from another."""

    what: What
    region: str
    subject: str
    technique: str | None
    commitment: Commitment | None


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One price in US dollars. `subject` is an instance type, or a model of the catalogue.

    `date` is the day for which the source states it (`2026`, `2026-04` or `2026-04-06`), None where it does not say.
    `confirmed` means that `novaline prices refresh` has read it from the AWS Price List API.
    """

    what: What
    region: str
    subject: str
    technique: str | None = None
    commitment: Commitment | None = None
    usd: float
    unit: Unit
    source: str
    date: str | None = None
    confirmed: bool = False
    usage_type: str | None = None

    @property
    def key(self) -> Key:
        """What tells this price from the others."""
        return Key(self.what, self.region, self.subject, self.technique, self.commitment)

    @property
    def title(self) -> str:
        """What the price is for, in a few words: `ml.p5.48xlarge, training job`."""
        match self.what:
            case "training-instance":
                return f"{self.subject}, training job"
            case "customization":
                return f"{self.subject}, {self.technique} job of Bedrock"
            case "storage":
                return f"{self.subject}, custom model kept in Bedrock"
            case "throughput":
                term = "no commitment" if self.commitment == "none" else self.commitment
                return f"{self.subject}, provisioned throughput, {term}"
            case "function-time" | "function-calls":
                return f"Lambda on {self.subject}, {self.what.removeprefix('function-')}"
            case "tokens-read" | "tokens-written":
                return f"{self.subject}, tokens {self.what.removeprefix('tokens-')}"


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Prices by key."""

    entries: Mapping[Key, Entry]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> PriceBook:
        """The book of these prices; of two with the same key the later one stays."""
        return cls(MappingProxyType({entry.key: entry for entry in entries}))

    def ahead_of(self, other: PriceBook) -> PriceBook:
        """Both books in one; where both have a price, this one's."""
        return PriceBook(MappingProxyType({**other.entries, **self.entries}))

    def find(
        self,
        what: What,
        region: str,
        subject: str,
        *,
        technique: str | None = None,
        commitment: Commitment | None = None,
    ) -> Entry | None:
        """The price, or None where the book has none."""
        return self.entries.get(Key(what, region, subject, technique, commitment))

    def __iter__(self) -> Iterator[Entry]:
        """The prices in the order in which they are shown and written."""
        return iter(sorted(self.entries.values(), key=_place))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A price that is new (`before` is None) or has another figure than before."""

    before: Entry | None
    after: Entry


def changes(before: PriceBook, after: PriceBook) -> tuple[Change, ...]:
    """What is new or costs something else in `after`. A price that is only dated anew is no change."""
    found = []
    for entry in after:
        old = before.entries.get(entry.key)
        if old is None or (old.usd, old.unit) != (entry.usd, entry.unit):
            found.append(Change(before=old, after=entry))
    return tuple(found)


def _place(entry: Entry) -> tuple[str, int, str, str, int]:
    term = -1 if entry.commitment is None else COMMITMENTS.index(entry.commitment)
    return entry.region, WHATS.index(entry.what), entry.subject, entry.technique or "", term
