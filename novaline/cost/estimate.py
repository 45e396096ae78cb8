"""What a run costs: the worst case exactly, the expected case by a simple model whose assumptions are written down.

Worst case: every job runs until its timeout stops it, at the full price of its instances. A retry starts only after a
job that failed to start, and SageMaker bills none of that.

Expected case, by assumptions that no measurement backs yet, each wide enough to be wrong by a factor of two:
a job spends `_START_HOURS` in start-up and upload; an instance trains `_TRAIN_TOKENS_PER_SECOND` tokens a second and
evaluates `_EVALUATION_ROWS_PER_SECOND` rows a second; a token is `BYTES_PER_TOKEN` bytes of the dataset's file.

These say nothing of jobs whose time goes into text that the data does not show: the answers that reinforcement tries,
those of a distillation's teacher, a benchmark's questions. Nobody publishes how long such a job takes, so its expected
hours and cost are None. Its worst case is as exact as any.

Jobs that Bedrock manages have no instances: see `novaline.cost.managed`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from novaline.cost.managed import ManagedCost
from novaline.cost.prices import Price, Rate
from novaline.cost.tokens import BYTES_PER_TOKEN

_START_HOURS = 0.5
_TRAIN_TOKENS_PER_SECOND = 20_000
_EVALUATION_ROWS_PER_SECOND = 2
_SMALL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCost:
    """One job: its machines, its limit, how long it should take. Prices in US dollars; None where no price is known.

    `expected_hours` is None where nothing says how long the job takes.
    """

    job: str
    instance_type: str
    instance_count: int
    timeout_hours: float
    expected_hours: float | None
    price: Price | None

    @property
    def expected_usd(self) -> float | None:
        """Expected hours at full price; None where either is unknown."""
        if self.price is None or self.expected_hours is None:
            return None
        return self.expected_hours * self.instance_count * self.price.usd_per_hour

    @property
    def worst_case_usd(self) -> float | None:
        """The whole timeout at full price."""
        return None if self.price is None else self.timeout_hours * self.instance_count * self.price.usd_per_hour

    def as_json(self) -> dict[str, object]:
        """The line as `plan --json` prints it."""
        return {
            "job": self.job,
            "instance_type": self.instance_type,
            "instance_count": self.instance_count,
            "timeout_hours": round(self.timeout_hours, 4),
            "expected_hours": None if self.expected_hours is None else round(self.expected_hours, 4),
            "usd_per_hour": self.price.usd_per_hour if self.price else None,
            "price_source": self.price.source if self.price else None,
            "price_date": self.price.date if self.price else None,
            "price_confirmed": self.price.confirmed if self.price else None,
            "expected_usd": _rounded(self.expected_usd),
            "worst_case_usd": _rounded(self.worst_case_usd),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of a run. A total is None as soon as one part is unknown: a partial sum would look like an answer.

    `lines` are jobs on instances, `managed` those that Bedrock bills by token or hour; `storage` is what it costs to
    keep the custom model afterwards, None where nothing is kept or no source states it.
    """

    lines: tuple[JobCost, ...]
    managed: tuple[ManagedCost, ...] = ()
    storage: Rate | None = None

    @property
    def expected_usd(self) -> float | None:
        """The expected cost of all jobs."""
        instances = [line.expected_usd for line in self.lines]
        return _total([*instances, *(line.expected_usd for line in self.managed)])

    @property
    def worst_case_usd(self) -> float | None:
        """What the run costs when every job runs into its timeout; for managed jobs see `ManagedCost`."""
        instances = [line.worst_case_usd for line in self.lines]
        return _total([*instances, *(line.worst_case_usd for line in self.managed)])

    def as_json(self) -> dict[str, object]:
        """The cost as `plan --json` prints it."""
        return {
            "expected_usd": _rounded(self.expected_usd),
            "worst_case_usd": _rounded(self.worst_case_usd),
            "custom_model_storage_usd_per_month": None if self.storage is None else self.storage.usd,
            "lines": [line.as_json() for line in self.lines],
            "managed": [line.as_json() for line in self.managed],
        }


def training_hours(*, dataset_bytes: int, passes: float, instance_count: int) -> float:
    """Expected hours of a training job that reads the dataset `passes` times."""
    tokens = dataset_bytes / BYTES_PER_TOKEN * passes
    return _START_HOURS + tokens / (_TRAIN_TOKENS_PER_SECOND * instance_count) / 3600


def evaluation_hours(*, rows: int) -> float:
    """Expected hours of an evaluation job on one instance."""
    return _START_HOURS + rows / _EVALUATION_ROWS_PER_SECOND / 3600


def steps_of(*, rows: int, epochs: int, global_batch_size: int) -> int:
    """Optimizer steps that follow from epochs: an epoch ends with whatever rows are left for its last batch."""
    return math.ceil(rows / global_batch_size) * epochs


def epochs_of(*, steps: int, global_batch_size: int, rows: int) -> float:
    """How often the data is read when steps are given. `rows` is not zero."""
    return steps * global_batch_size / rows


def epochs_text(epochs: float) -> str:
    """A number of epochs for a person: three digits of a small one, a large one whole (`1.28`, `4,267`)."""
    return f"{epochs:.3g}" if epochs < _SMALL else f"{epochs:,.0f}"


def _total(amounts: Iterable[float | None]) -> float | None:
    total = 0.0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _rounded(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 2)
