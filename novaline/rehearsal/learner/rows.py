"""What the stand-in learner reads and writes: prompts, training rows, the plan of a training run, its progress."""

import re
from collections.abc import Callable
from dataclasses import dataclass

_PIECE = re.compile(r"\w{1,8}|[^\w\s]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a model is asked: the system text and the user's turns, joined by line breaks."""

    text: str
    system: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRow:
    """One example: a prompt and the answer to be learned."""

    prompt: Prompt
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceRow:
    """One pair: a prompt, the answer that is preferred, and the one that is not."""

    prompt: Prompt
    preferred: str
    other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """What the recipe asks of the training: optimizer steps, rows per step, the learning rate and its schedule."""

    steps: int
    batch_size: int
    learning_rate: float
    min_learning_rate: float
    warmup_steps: int

    def rate_at(self, step: int) -> float:
        """The scheduled learning rate of a step (1-based): linear warm-up, then linear decay to the minimum."""
        if step <= self.warmup_steps:
            return self.learning_rate * step / max(1, self.warmup_steps)
        left = (self.steps - step) / max(1, self.steps - self.warmup_steps)
        return self.min_learning_rate + (self.learning_rate - self.min_learning_rate) * max(0.0, left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where the training stands after a step: a real loss of the stand-in, never one of Nova."""

    step: int
    steps: int
    loss: float
    learning_rate: float
    rows_per_second: float


# May raise, to end the training early.
OnProgress = Callable[[Progress], None]


def count_tokens(text: str) -> int:
    """About how many tokens a text has: pieces of at most eight letters, and punctuation. Not Nova's tokenizer."""
    return sum(1 for _ in _PIECE.finditer(text))


def cut_to_tokens(text: str, limit: int) -> str:
    """The beginning of the text that has at most `limit` tokens, counted as `count_tokens` does."""
    for number, piece in enumerate(_PIECE.finditer(text)):
        if number == limit:
            return text[: piece.start()].rstrip()
    return text
