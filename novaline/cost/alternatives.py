"""A way that costs less: where Bedrock's managed job could do what a SageMaker training job is asked for.

What AWS supports, by its documentation of mid 2026 (Bedrock user guide, "Supported models and Regions for fine-tuning";
Nova user guide, "Customizing Amazon Nova models"): supervised fine-tuning with adapters of Nova Micro, Lite, Pro and
2 Lite, reinforcement of 2 Lite, in us-east-1. Full rank, preferences (DPO), continued pre-training and PPO are not
offered. Distillation is, but as another thing: a training job only writes the teacher's answers as data, a Bedrock job
trains the student with them too. So it is not offered here as the same at another price. For SageMaker's serverless
customization no source states a price, so it is never called cheaper.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from novaline.cost.book import PriceBook
from novaline.cost.estimate import epochs_text
from novaline.cost.managed import ManagedCost
from novaline.cost.prices import Rate, customization_rate

BEDROCK_JOB_REGIONS = ("us-east-1",)
"""Where Bedrock customizes Nova models."""
MOST_EPOCHS = 5
"""`epochCount` of a Nova job is 1 to 5 (Bedrock user guide, "Custom model hyperparameters"; for 2 Lite AWS's blog)."""
ROWS: Mapping[tuple[str, str], tuple[int, int]] = MappingProxyType(
    {
        ("nova-micro", "sft"): (8, 20_000),
        ("nova-lite", "sft"): (8, 20_000),
        ("nova-pro", "sft"): (8, 20_000),
        ("nova-2-lite", "sft"): (200, 20_000),
        ("nova-2-lite", "rft"): (100, 20_000),
    }
)
"""(model, technique) that Bedrock customizes → fewest and most rows, training and validation together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another way to train the same model by the same technique, what it costs, and what it gains and loses.

    `usd` and `saves_usd` are expected amounts in US dollars, None where no price is known. The three lists are plain
    sentences: what the other way can do, what it cannot, and what nobody has proven.
    """

    platform: str
    usd: float | None
    saves_usd: float | None
    rate: Rate | None
    can: tuple[str, ...]
    cannot: tuple[str, ...]
    unproven: tuple[str, ...]

    @property
    def headline(self) -> str:
        """The offer in one sentence."""
        if self.usd is None:
            return "a job that Bedrock manages can do this too; what that costs is not known here"
        if self.saves_usd is None:
            return f"a job that Bedrock manages would cost about {_dollars(self.usd)}; what it saves is not known here"
        return f"a job that Bedrock manages would cost about {_dollars(self.usd)}, {_dollars(self.saves_usd)} less"

    def as_json(self) -> dict[str, object]:
        """The alternative as `plan --json` prints it."""
        return {
            "platform": self.platform,
            "expected_usd": None if self.usd is None else round(self.usd, 2),
            "saves_usd": None if self.saves_usd is None else round(self.saves_usd, 2),
            "price_source": self.rate.source if self.rate else None,
            "price_date": self.rate.date if self.rate else None,
            "price_confirmed": self.rate.confirmed if self.rate else None,
            "can": list(self.can),
            "cannot": list(self.cannot),
            "unproven": list(self.unproven),
        }


def cheaper(
    *,
    model: str,
    technique: str,
    tuning: str | None,
    region: str,
    rows: int,
    dataset_bytes: int,
    epochs: float,
    present_usd: float | None,
    from_base: bool = True,
    media: bool = False,
    book: PriceBook | None = None,
) -> Alternative | None:
    """The managed way for a SageMaker training job, or None where AWS has none or it does not cost less.

    `present_usd` is what the training job is expected to cost. `epochs` may be a fraction, where a recipe counts steps;
    Bedrock takes whole ones, so they are rounded up. `rows` counts training and validation. A stage that starts from a
    checkpoint (`from_base` false) has no managed way: Bedrock does not read checkpoints of other jobs. `media` says
    that rows hold images or video, whose tokens nobody can count.
    """
    limits = ROWS.get((model, technique))
    whole = max(1, math.ceil(epochs))
    if limits is None or tuning == "full" or not from_base or region not in BEDROCK_JOB_REGIONS:
        return None
    if not limits[0] <= rows <= limits[1] or (technique == "sft" and whole > MOST_EPOCHS):
        return None
    rate = customization_rate(region, model, technique, book=book)
    job = ManagedCost(
        job="managed", model=model, technique=technique, dataset_bytes=dataset_bytes, epochs=whole, timeout_hours=0,
        rate=rate, media=media,
    )  # fmt: skip
    usd = job.expected_usd
    saves = None if usd is None or present_usd is None else present_usd - usd
    if saves is not None and saves <= 0:
        return None
    return Alternative(
        platform="bedrock",
        usd=usd,
        saves_usd=saves,
        rate=rate,
        can=_can(technique),
        cannot=_cannot(model, technique, epochs=epochs, whole=whole),
        unproven=_unproven(technique, rate, media=media),
    )


def _can(technique: str) -> tuple[str, ...]:
    return (
        "no instances, so no quota of them, and nothing to pay while a job waits",
        "the result is a custom model of Bedrock at once: no import",
        *(("the same reward function: it must take Bedrock's form of the event too",) if technique == "rft" else ()),
    )


def _cannot(model: str, technique: str, *, epochs: float, whole: int) -> tuple[str, ...]:
    fewest, most = ROWS[model, technique]
    keys = {
        "sft": "epochs, batch size, learning rate and warm-up steps",
        "rft": "epochs, batch size, learning rate, lengths, samples a prompt, reasoning effort and evaluation interval",
    }[technique]
    lines = [
        f"no recipe: only {keys} can be set, every other key of yours is lost",
        "LoRA only",
        f"from {fewest:,} to {most:,} rows, training and validation together",
        f"only in {', '.join(BEDROCK_JOB_REGIONS)}",
        "the checkpoint stays in Bedrock: no SageMaker job evaluates it or trains it further, so no gate judges it",
    ]
    if model == "nova-2-lite" and technique == "sft":
        lines.append("no validation data of your own for Nova 2 Lite")
    if epochs != whole:
        lines.append(f"whole epochs: {whole:,} in place of {epochs_text(epochs)}")
    return tuple(lines)


def _unproven(technique: str, rate: Rate | None, *, media: bool) -> tuple[str, ...]:
    lines = ["the number of tokens is an estimate, four bytes a token"]
    if media:
        lines = ["rows hold more than text, and no source says how many tokens an image or a video is billed for"]
    if technique == "rft":
        lines = ["it is billed by the hour of training, and nobody publishes how many hours a job takes"]
    if rate is None:
        lines.append("no source states its price; `novaline prices refresh` asks AWS")
    elif not rate.confirmed:
        lines.append(f"its price is not confirmed ({rate.source}); `novaline prices refresh` asks AWS")
    lines.append("one field report tells of jobs of Nova models that stood still for days; give it a time limit")
    return tuple(lines)


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}"
