"""How many calls of a reward function must run at once, what a step waits for them, and what they cost.

A step of reinforcement asks for `prompts x generations` rewards, in batches, so many calls at once as the recipe's
`lambda_concurrency_limit` lets through. The trainer waits for the last of them; whether it goes on with something else
meanwhile (HyperPod writes answers while the model learns) nobody publishes, so what is computed here is the most that a
step can lose. A batch is scored in one call, one sample after the other, so a call takes `latency x batch`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

LAMBDA_BATCH_SIZE: Final = 128
"""Samples in one call, by AWS's page on RFT with training jobs. The published recipe has no key for it."""
SHARE_OF_A_STEP: Final = 0.05
"""A step that waits longer than this share of itself for its rewards is warned about."""
PAYLOAD_BYTES: Final = 6 * 1024 * 1024
"""What one synchronous call may carry, each way (AWS Lambda's developer guide, quotas)."""
MOST_CONCURRENCY: Final = 1000
"""Calls at once that an account has by default, for all of its functions (the same page)."""
_LONGEST_CALL_SECONDS: Final = 900
_MB_IN_A_GB: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a run asks of its reward function. `sample_seconds` is the time of one sample within a batch."""

    prompts: int
    generations: int
    steps: int | None
    batch: int
    concurrency: int
    sample_seconds: float
    call_seconds: float = 0.0
    """What each call takes beside its samples: the way there and back."""

    @property
    def rollouts(self) -> int:
        """Rewards of one step."""
        return self.prompts * self.generations

    @property
    def calls(self) -> int:
        """Calls of one step: more of them at once cannot be."""
        return math.ceil(self.rollouts / self.batch)

    @property
    def seconds_of_a_call(self) -> float:
        """How long one full batch takes."""
        return self.call_seconds + min(self.batch, self.rollouts) * self.sample_seconds

    @property
    def stall_seconds(self) -> float:
        """How long a step waits for its rewards: as many rounds of calls as the concurrency makes of them."""
        return math.ceil(self.calls / self.concurrency) * self.seconds_of_a_call

    @property
    def even_stall_seconds(self) -> float:
        """The wait if the same work were spread evenly: what no choice of batches goes below at this concurrency."""
        return self.rollouts * self.sample_seconds / self.concurrency

    def at(self, concurrency: int) -> Load:
        """The same load with so many calls at once."""
        return replace(self, concurrency=concurrency)

    def in_batches_of(self, batch: int) -> Load:
        """The same load in other batches."""
        return replace(self, batch=batch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a judge reads and writes for one sample, estimated."""

    read: float
    written: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """US dollars; None where no price is known, which never counts as nothing."""

    machines_per_hour: float | None = None
    """All instances of the stage together."""
    gb_second: float | None = None
    call: float | None = None
    token_read: float | None = None
    token_written: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """A load with what it costs and the concurrency that it needs. Times in seconds, money in US dollars.

    `step_seconds` is how long a step takes beside its rewards; None where nobody measured it.
    """

    load: Load
    rates: Rates
    memory_mb: int
    timeout_seconds: int
    step_seconds: float | None = None
    tokens: Tokens | None = None
    sample_bytes: int | None = None

    @property
    def stall_usd(self) -> float | None:
        """What the machines cost while one step waits."""
        return self.waiting_usd(self.load.stall_seconds)

    @property
    def stall_share(self) -> float | None:
        """The wait as a share of a whole step, with its wait; None where a step's time is not known."""
        if self.step_seconds is None:
            return None
        return self.load.stall_seconds / (self.step_seconds + self.load.stall_seconds)

    @property
    def concurrency(self) -> int:
        """The concurrency to set: the least that keeps the wait small enough, or else as short as it can be.

        Small enough is 5 % of a step where a step's time is known; elsewhere the shortest wait is taken.
        """
        calls = self.load.calls
        shortest = self.load.at(calls).stall_seconds
        wanted = shortest
        if self.step_seconds is not None:
            wanted = max(shortest, self.step_seconds * SHARE_OF_A_STEP / (1 - SHARE_OF_A_STEP))
        rounds = max(1, math.floor(wanted / self.load.seconds_of_a_call + 1e-9)) if self.load.seconds_of_a_call else 1
        return math.ceil(calls / rounds)

    @property
    def run_stall_usd(self) -> float | None:
        """What the machines cost while all steps wait; None where the price or the number of steps is not known."""
        return None if self.stall_usd is None or self.load.steps is None else self.stall_usd * self.load.steps

    @property
    def function_usd_per_1000(self) -> float | None:
        """What Lambda charges for 1,000 samples."""
        if self.rates.gb_second is None or self.rates.call is None:
            return None
        calls = 1000 / min(self.load.batch, self.load.rollouts)
        gb_seconds = calls * self.load.seconds_of_a_call * self.memory_mb / _MB_IN_A_GB
        return gb_seconds * self.rates.gb_second + calls * self.rates.call

    @property
    def judge_usd_per_1000(self) -> float | None:
        """What the judge's tokens cost for 1,000 samples; 0 without a judge, None where its price is not known."""
        if self.tokens is None:
            return 0.0
        if self.rates.token_read is None or self.rates.token_written is None:
            return None
        return 1000 * (self.tokens.read * self.rates.token_read + self.tokens.written * self.rates.token_written)

    @property
    def usd_per_1000(self) -> float | None:
        """What 1,000 samples cost in all, beside the machines that wait."""
        parts = (self.function_usd_per_1000, self.judge_usd_per_1000)
        return None if parts[0] is None or parts[1] is None else parts[0] + parts[1]

    @property
    def run_usd(self) -> float | None:
        """What all rewards of the run cost, beside the machines that wait."""
        if self.usd_per_1000 is None or self.load.steps is None:
            return None
        return self.usd_per_1000 * self.load.rollouts * self.load.steps / 1000

    @property
    def payload_bytes(self) -> int | None:
        """What one call carries when every answer is as long as it may be; None where that is not known."""
        return None if self.sample_bytes is None else self.sample_bytes * min(self.load.batch, self.load.rollouts)

    def waiting_usd(self, seconds: float) -> float | None:
        """What the machines cost in that time."""
        return None if self.rates.machines_per_hour is None else seconds / 3600 * self.rates.machines_per_hour

    def as_json(self) -> dict[str, object]:
        """The sizing as `reward size --json` prints it."""
        load, best = self.load, self.load.at(self.concurrency)
        return {
            "prompts": load.prompts,
            "generations": load.generations,
            "rollouts_per_step": load.rollouts,
            "steps": load.steps,
            "batch_size": load.batch,
            "calls_per_step": load.calls,
            "concurrency_limit": load.concurrency,
            "sample_seconds": load.sample_seconds,
            "call_seconds": round(load.seconds_of_a_call, 6),
            "stall_seconds": round(load.stall_seconds, 6),
            "even_stall_seconds": round(load.even_stall_seconds, 6),
            "stall_usd": self.stall_usd,
            "step_seconds": self.step_seconds,
            "stall_share": self.stall_share,
            "run_stall_usd": self.run_stall_usd,
            "concurrency": self.concurrency,
            "stall_seconds_at_that": round(best.stall_seconds, 6),
            "function_usd_per_1000": self.function_usd_per_1000,
            "judge_usd_per_1000": self.judge_usd_per_1000,
            "usd_per_1000": self.usd_per_1000,
            "run_usd": self.run_usd,
            "payload_bytes": self.payload_bytes,
            "timeout_seconds": self.timeout_seconds,
            "memory_mb": self.memory_mb,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """Something about a sizing that a person should act on."""

    code: str
    severe: bool
    message: str
    hint: str


def warnings_of(sizing: Sizing, *, reserved: int | None = None) -> Iterator[Concern]:
    """What is wrong with a sizing, the worst first. `reserved` is the function's reserved concurrency."""
    load = sizing.load
    full = load.seconds_of_a_call
    batch = min(load.batch, load.rollouts)
    if full > _LONGEST_CALL_SECONDS:
        yield Concern(
            code="call-too-long",
            severe=True,
            message=f"a batch of {batch:,} takes {seconds_text(full)}, and no call runs longer than 15 minutes",
            hint="score faster, or several samples at once (a judge: `concurrency`)",
        )
    elif full > sizing.timeout_seconds:
        yield Concern(
            code="timeout",
            severe=True,
            message=f"a batch of {batch:,} takes {seconds_text(full)}, and the function is ended after "
            f"{sizing.timeout_seconds} s: the batch would be lost",
            hint=f"say `timeout_seconds: {min(_LONGEST_CALL_SECONDS, math.ceil(2 * full))}` of the reward, "
            "or score faster",
        )
    if sizing.payload_bytes is not None and sizing.payload_bytes > PAYLOAD_BYTES:
        yield Concern(
            code="payload",
            severe=False,
            message=f"a batch of {batch:,} answers of full length is about {sizing.payload_bytes / 1e6:.1f} MB, and a "
            "call carries 6 MB",
            hint="lower max_new_tokens; no published key makes the batches smaller",
        )
    if reserved is not None and reserved < min(load.concurrency, load.calls):
        yield Concern(
            code="throttled",
            severe=False,
            message=f"the recipe calls the function up to {min(load.concurrency, load.calls)} times at once, and "
            f"{reserved} are reserved for it: the others are refused, and have to be tried again",
            hint=f"say `concurrency: {min(load.concurrency, load.calls)}` of the reward",
        )
    share = sizing.stall_share
    if share is not None and share > SHARE_OF_A_STEP:
        yield Concern(code="stall", severe=False, message=_stall_message(sizing, share), hint=_remedy(sizing))


def _stall_message(sizing: Sizing, share: float) -> str:
    money = "" if sizing.stall_usd is None else f" (${sizing.stall_usd:,.2f})"
    return (
        f"each step waits {seconds_text(sizing.load.stall_seconds)}{money} for its rewards, {share:.1%} of it; "
        f"{SHARE_OF_A_STEP:.0%} is the most that should be"
    )


def _remedy(sizing: Sizing) -> str:
    load, wanted = sizing.load, sizing.concurrency
    if wanted > load.concurrency:
        best = seconds_text(load.at(wanted).stall_seconds)
        return f"set lambda_concurrency_limit to {wanted}: the wait is {best} then"
    return f"all {load.calls} calls run at once already: only a faster reward, or smaller batches, shorten the wait"


def seconds_text(seconds: float) -> str:
    """A time as people write it: `0.3 ms`, `45 ms`, `2.1 s`, `17 s`, `12 min`."""
    if seconds < 0.001:
        return f"{seconds * 1000:.2g} ms" if seconds else "0 ms"
    if seconds < 1:
        return f"{seconds * 1000:,.3g} ms"
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:,.0f} min"
