"""How a dataset is to be validated: values that travel to other processes and machines as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from msgspec import Struct

from novaline.datasets.formats.spec import RuleContext

if TYPE_CHECKING:
    from novaline.recipes.model import Model

Tuning = Literal["lora", "full"]


class ModelFacts(Struct, frozen=True):
    """What rules of rows ask about a model, by the names that `novaline.recipes.model.Model` has for it."""

    name: str
    title: str
    generation: str
    media: tuple[str, ...]
    reasoning: bool

    @classmethod
    def of(cls, model: Model) -> Self:
        """The facts of a model of the catalogue."""
        return cls(model.name, model.title, model.generation, tuple(model.media), model.reasoning)


class Options(Struct, frozen=True, kw_only=True):
    """What rows are held against. `format` names one of `FORMATS`; None elsewhere is what nobody knows.

    `max_length` is in tokens. `platform` is a stage's: `sagemaker`, `hyperpod`, `bedrock` or `serverless`.
    `minimum_rows` are rows that a job must have, its global batch. `sensitive` looks for secrets and personal data;
    `strict` makes every warning an error. `evaluation` says that the rows are to be asked, not learnt: how many there
    are does not matter then. `keep_rows` keeps hashes of every row (48 bytes each), for who cannot read the data a
    second time. `checked` says that the format was held against the model elsewhere.
    """

    format: str
    model: ModelFacts | None = None
    platform: str | None = None
    tuning: Tuning | None = None
    max_length: int | None = None
    minimum_rows: int = 0
    sensitive: bool = True
    strict: bool = False
    evaluation: bool = False
    keep_rows: bool = False
    checked: bool = False

    @property
    def context(self) -> RuleContext:
        """What the format's rules ask."""
        return RuleContext(model=self.model, platform=self.platform)
