"""What a job costs that has no instances: one that Bedrock manages (CreateModelCustomizationJob).

Supervised jobs are billed by the tokens that they process, each epoch anew (AWS, "Custom model hyperparameters");
reinforcement by the hour of training (the usage type `…-RFT-Training-Hours`). The worst case of a supervised job takes
every byte of its file for a token, which no tokenizer of text exceeds. Nobody publishes how long a job takes, so the
expected cost of one that is billed by the hour is not known. SageMaker's serverless jobs have the same form; what they
cost no source states.
"""

from __future__ import annotations

from dataclasses import dataclass

from novaline.cost.prices import Rate
from novaline.cost.tokens import estimated_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedCost:
    """One managed job. `rate` is None where no price is known; `media` says that rows hold images or video.

    `dataset_bytes` is the size of the JSONL file; `timeout_hours` is when the job is stopped at the latest.
    """

    job: str
    model: str
    technique: str
    dataset_bytes: int
    epochs: int
    timeout_hours: float
    rate: Rate | None
    media: bool = False

    @property
    def tokens(self) -> int:
        """The tokens that the job is billed for, all epochs: a rough estimate, without media."""
        return estimated_tokens(self.dataset_bytes) * self.epochs

    @property
    def expected_usd(self) -> float | None:
        """The estimated tokens at the known price; None where that is unknown, or by the hour, or media are trained."""
        if self.rate is None or self.rate.unit != "1,000 tokens" or self.media:
            return None
        return self.tokens / 1000 * self.rate.usd

    @property
    def worst_case_usd(self) -> float | None:
        """Every byte a token, or every hour until the job is stopped. Media have no known bound."""
        if self.rate is None:
            return None
        if self.rate.unit == "hour":
            return self.timeout_hours * self.rate.usd
        return None if self.media else self.dataset_bytes * self.epochs / 1000 * self.rate.usd

    def as_json(self) -> dict[str, object]:
        """The line as `plan --json` prints it."""
        expected, worst = self.expected_usd, self.worst_case_usd
        return {
            "job": self.job,
            "model": self.model,
            "technique": self.technique,
            "estimated_tokens": self.tokens,
            "epochs": self.epochs,
            "timeout_hours": round(self.timeout_hours, 4),
            "usd": self.rate.usd if self.rate else None,
            "unit": self.rate.unit if self.rate else None,
            "price_source": self.rate.source if self.rate else None,
            "price_date": self.rate.date if self.rate else None,
            "price_confirmed": self.rate.confirmed if self.rate else None,
            "expected_usd": None if expected is None else round(expected, 2),
            "worst_case_usd": None if worst is None else round(worst, 2),
        }
