"""What an examination found, as values: nothing here judges or draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from novaline.rewards.laboratory.bench import Breach, Scored
from novaline.rewards.laboratory.exploits import Group

BINS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """How one class of answers was scored. `example` is one of them, to the first row that has one."""

    name: str
    about: str
    rewards: tuple[float, ...]
    fallbacks: int
    example: str

    @property
    def mean(self) -> float | None:
        """The mean reward; None where nothing was scored."""
        return fmean(self.rewards) if self.rewards else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Right answers against worse ones, row by row: in how many the right one scored higher, the same, or lower."""

    name: str
    about: str
    higher: int
    same: int
    lower: int
    mean: float
    lowest_row: str | None
    """The first row in which the worse answer scored higher."""

    @property
    def rows(self) -> int:
        """In how many rows both were scored."""
        return self.higher + self.same + self.lower

    @property
    def share(self) -> float:
        """The share of rows in which the right answer scored higher."""
        return self.higher / self.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One exploit. `gain` is how far it comes from what honest wrong answers get (0) to the right ones' reward (1).

    It is None where right answers get no more than wrong ones. `reached` is the share of rows in which it earned at
    least what the right answer did.
    """

    name: str
    about: str
    group: Group
    mean: float
    highest: float
    gain: float | None
    reached: float | None
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """The rewards of all honest answers. `values` holds the commonest rewards with their number."""

    count: int
    fallbacks: int | None
    smallest: float
    largest: float
    mean: float
    different: int
    values: tuple[tuple[float, int], ...]
    bins: tuple[tuple[float, float, int], ...]

    @property
    def commonest_share(self) -> float:
        """The share of answers that got the commonest reward."""
        return self.values[0][1] / self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """The same samples scored again: how many got another reward, and by how much at most."""

    how: str
    samples: int
    differing: int
    largest: float
    row: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast it is. Seconds; `sample_seconds` is a sample's share of a full batch."""

    batch: int
    batch_seconds: float
    sample_seconds: float
    alone_seconds: float
    slowest_seconds: float
    slowest: str
    event_bytes: int
    answer_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAnswers:
    """A person's own answers: those to one row are what a model would be taught to tell apart."""

    count: int
    rows: int
    mean: float
    groups: int
    tied: int
    """Of the rows with several answers, those whose answers all got the same reward: nothing is learned from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Everything that was found. `right` names the form of the reference that scored best; None without references."""

    name: str
    where: str
    file: str
    rows: int
    rows_in_all: int
    samples: int
    calls: int
    calls_model: bool
    checks: int
    breaches: tuple[Breach, ...]
    reasons: tuple[tuple[str, int, str], ...]
    forms: tuple[Graded, ...]
    right: str | None
    right_mean: float | None
    right_fallbacks: int
    wrong_mean: float | None
    one_for_all: float | None
    orders: tuple[Order, ...]
    exploits: tuple[Tried, ...]
    distribution: Distribution
    repeated: tuple[Repeated, ...]
    pace: Pace
    own: OwnAnswers | None

    @property
    def honest(self) -> float | None:
        """What is earned without knowing the answer: by wrong answers, or by one and the same to every prompt."""
        known = [mean for mean in (self.wrong_mean, self.one_for_all) if mean is not None]
        return max(known) if known else None

    def as_json(self) -> dict[str, object]:
        """The examination as `reward test --json` prints it; rewards of single answers are left out."""
        found = asdict(self)
        found["forms"] = [
            {"name": each.name, "mean": each.mean, "answers": len(each.rewards), "fallbacks": each.fallbacks,
             "example": each.example}
            for each in self.forms
        ]  # fmt: skip
        found["reasons"] = [{"reason": why, "count": count, "first": row} for why, count, row in self.reasons]
        found["distribution"]["values"] = [
            {"reward": value, "count": count} for value, count in self.distribution.values
        ]
        found["distribution"]["bins"] = [
            {"from": low, "to": high, "count": count} for low, high, count in self.distribution.bins
        ]
        for order, each in zip(found["orders"], self.orders, strict=True):
            order["share_right"] = each.share
        return found


def distribution_of(scored: Sequence[Scored]) -> Distribution | None:
    """How these rewards are spread; None where nothing was scored."""
    rewards = [each.reward for each in scored if each.reward is not None]
    if not rewards:
        return None
    told = [each.fallback for each in scored if each.fallback is not None]
    counts = Counter(round(reward, 9) for reward in rewards)
    return Distribution(
        count=len(rewards),
        fallbacks=sum(told) if told else None,
        smallest=min(rewards),
        largest=max(rewards),
        mean=fmean(rewards),
        different=len(counts),
        values=tuple(counts.most_common(10)),
        bins=tuple(_bins(rewards)),
    )


def _bins(rewards: Sequence[float]) -> list[tuple[float, float, int]]:
    low, high = min(rewards), max(rewards)
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    if high == low:
        return [(low, high, len(rewards))]
    width = (high - low) / BINS
    counts = Counter(min(int((reward - low) / width), BINS - 1) for reward in rewards)
    return [(low + number * width, low + (number + 1) * width, counts[number]) for number in range(BINS)]
