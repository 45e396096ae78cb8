"""Made pairs: beside each right answer another answer of the same dataset, for data whose answers are labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from novaline.datasets.splitting import fold, hashes
from novaline.findings import NovalineError

MOST_ANSWERS = 10_000
"""Different answers beyond which they are no labels, and another row's answer is no answer to this row."""
_SEED = 1


class Contrasts:
    """The dataset's different answers, and which of them stands against which question: the same one every time."""

    def __init__(self) -> None:
        self._answers: dict[str, int] = {}
        self._ordered: list[str] = []

    @property
    def answers(self) -> tuple[str, ...]:
        """The answers that were seen."""
        return tuple(self._answers)

    def add(self, answers: Iterable[object]) -> None:
        """Takes answers. Raises NovalineError when they are too many to be labels."""
        for answer in answers:
            if isinstance(answer, str) and answer and not answer.isspace():
                self._answers[answer] = 0
        if len(self._answers) > MOST_ANSWERS:
            message = f"more than {MOST_ANSWERS:,} different answers: these are no labels to make pairs of"
            raise NovalineError.of("too-many-answers", message, hint="map a column with the other answer")

    def close(self) -> None:
        """To be called when all answers are there. Raises NovalineError when there is nothing to choose from."""
        if len(self._answers) < 2:
            message = f"pairs need at least two different answers, found {len(self._answers)}"
            raise NovalineError.of("too-few-answers", message)
        self._ordered = sorted(self._answers)
        self._answers = {answer: place for place, answer in enumerate(self._ordered)}

    def others(self, prompts: Sequence[object], answers: Sequence[object]) -> list[str | None]:
        """For each question an answer that is not its own; None where it has none."""
        keys = hashes([fold(prompt) if isinstance(prompt, str) else b"" for prompt in prompts], seed=_SEED).tolist()
        most = len(self._ordered) - 1
        return [self._other(number % most, answer) for number, answer in zip(keys, answers, strict=True)]

    def _other(self, place: int, answer: object) -> str | None:
        own = self._answers.get(answer) if isinstance(answer, str) else None
        return None if own is None else self._ordered[place + (place >= own)]
