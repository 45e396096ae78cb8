"""What a dataset format is to the engine that reads rows: shapes to decode, rules to ask, a view of what rows say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import add
from typing import Any, Generic, Literal, Protocol, TypeVar

from msgspec import Struct

from novaline.datasets.flaws import Flaw
from novaline.findings import Severity

Row = TypeVar("Row", bound=Struct)

TOKEN_BYTES = 4
"""Of English text. Amazon publishes no tokenizer of the Nova models: every number of tokens is an estimate."""

MediaKind = Literal["image", "video", "document"]


class ModelTraits(Protocol):
    """What rules ask about a model, by the names that `novaline.recipes.model.Model` has for it."""

    @property
    def title(self) -> str:
        """The model's name for people."""

    @property
    def generation(self) -> str:
        """`nova-1` or `nova-2`."""

    @property
    def media(self) -> Sequence[str]:
        """The kinds of media that it takes."""

    @property
    def reasoning(self) -> bool:
        """Whether it takes reasoningContent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleContext:
    """What rules of a row depend on beside the row. None is what nobody knows: rules that need it are not asked.

    `platform` is a stage's: `sagemaker`, `hyperpod` or `bedrock`.
    """

    model: ModelTraits | None = None
    platform: str | None = None


def tokens_of(size: int) -> int:
    """Estimated tokens of so many bytes of text, rounded up."""
    return (size + TOKEN_BYTES - 1) // TOKEN_BYTES


def tokens_of_all(sizes: Sequence[int]) -> list[int]:
    """Estimated tokens of each of many sizes."""
    return [(size + TOKEN_BYTES - 1) // TOKEN_BYTES for size in sizes]


def text_sizes(texts: Sequence[str]) -> list[int]:
    """The texts' bytes in UTF-8; of ASCII these are its characters, which are known without looking."""
    if all(map(str.isascii, texts)):
        return list(map(len, texts))
    return [len(text.encode("utf-8", "surrogatepass")) for text in texts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """A picture, video or document of a row. `uri` is in S3, or empty where the row holds the bytes itself."""

    kind: MediaKind
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a row says, whatever its format calls it.

    `prompt` is all that the answer depends on beside the system text: every turn before it, and what names its media.
    `question` is the last turn of it that a person wrote: what an evaluation would ask. `answer` is what is learnt or
    compared; None where the format has none. `system` is None where the row has none. `features` are what all rows of
    a dataset should share: `system`, `image`, `toolUse`, …. `texts` are what the containers read as text, every one.
    `id` is the row's own, which no other row should have; None where it has none. `tools` says that the model reads
    more of the row than texts: tools that it may call.
    """

    prompt: str
    question: str
    answer: str | None
    system: str | None
    features: frozenset[str]
    media: tuple[Medium, ...]
    texts: tuple[str, ...]
    id: str | None = None
    tools: bool = False

    def size(self, line: bytes) -> int:
        """Bytes that the model reads of the row that stands in this line: its texts; with tools all of its JSON."""
        return len(line) if self.tools else sum(text_sizes(self.texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What a block of rows of a fast shape says, row by row. There are no media.

    `answers` is None where the shape has none. `systems` is None where no row has a system text; otherwise it holds
    `""` for the rows that have none; `ids` likewise. `doubtful` are the indexes of rows that only the full shape's
    rules can judge: all other rows are without a flaw. `keys` are the JSON keys of all rows together, if none is
    repeated in its object; None where the shape lets keys pass that it does not know. `questions` is None where the
    prompts are the questions. `read` are the columns of texts that the model reads; None where these are the prompts,
    the answers and the system texts.
    """

    prompts: Sequence[str]
    answers: Sequence[str] | None
    systems: Sequence[str] | None
    doubtful: Sequence[int] = ()
    ids: Sequence[str] | None = None
    keys: int | None = None
    questions: Sequence[str] | None = None
    read: Sequence[Sequence[str] | None] | None = None

    def sizes(self) -> list[int]:
        """Bytes that the model reads of each row, in UTF-8."""
        columns = (self.prompts, self.answers, self.systems) if self.read is None else self.read
        sizes: list[int] = []
        for texts in columns:
            if texts is not None:
                sizes = list(map(add, sizes, text_sizes(texts))) if sizes else text_sizes(texts)
        return sizes


@dataclass(frozen=True, slots=True)
class FastShape(Generic[Row]):
    """A narrow shape of the commonest rows, whose order of turns the decoder checks.

    A row that decodes, and that `columns` does not call doubtful, has no flaw but those of bytes (reserved words,
    control characters, repeated keys). Its features are `system`, where it has one, and `features`.
    """

    type: type[Row]
    columns: Callable[[list[Row]], Columns]
    features: frozenset[str] = frozenset()


def suits_every_model(context: RuleContext) -> Iterator[Flaw]:
    """Nothing is wrong with using a format for any model."""
    yield from ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatSpec(Generic[Row]):
    """A dataset format.

    `example` is a whole row as one line of JSON. `fast` are shapes to try in this order, `full` is the shape of every
    row of the format; what does not decode as `full` is `novaline.datasets.formats.misfits.shape_flaw`'s. `flaws` are
    all rules of a row that decoded as `full`. `unsuited` is what is wrong with using the format for a model at all,
    once for a dataset. `reserved_words` is how bad the containers' reserved words are in the row's texts; None where
    they do no harm. `longest_line` is the most bytes of a line, where AWS names one.
    """

    name: str
    title: str
    example: str
    fast: tuple[FastShape[Any], ...]
    full: type[Row]
    flaws: Callable[[Row, RuleContext], Iterator[Flaw]]
    view: Callable[[Row], View]
    unsuited: Callable[[RuleContext], Iterator[Flaw]] = suits_every_model
    reserved_words: Severity | None = None
    longest_line: int | None = None
