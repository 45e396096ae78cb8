"""What evaluations ask, to be found again in training rows: word for word, or but for case, spaces and punctuation."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from novaline.datasets.engine.folding import Place, folded_hash
from novaline.datasets.engine.hashing import text_hash
from novaline.datasets.flaws import Flaw

_HINT = "a model that has seen the answers looks better than it is: take such rows out of the training data"
SAME = Flaw("held-out-row", "the row asks what an evaluation asks as well", "warning", hint=_HINT)
ALIKE = Flaw(
    "held-out-row",
    "the row asks what an evaluation asks, but for case, spaces or punctuation",
    "warning",
    hint=_HINT,
)


class Asked(Struct, frozen=True):
    """Where a question stands: the file's name and its line."""

    file: str
    line: int


class HeldOut(Struct, frozen=True):
    """The questions of evaluations. `keys` are those that training rows have when they ask the same.

    `folded` and `exact` are hashes of the questions, `systems` those of the evaluations' system texts.
    """

    keys: frozenset[int] = frozenset()
    folded: dict[int, Asked] = {}
    exact: frozenset[int] = frozenset()
    systems: frozenset[int] = frozenset()

    def flaw(self, question: str) -> Flaw | None:
        """What is wrong with a training row that asks this, or None."""
        asked = self.folded.get(folded_hash(question)) if question else None
        if asked is None:
            return None
        flaw = SAME if text_hash(question.strip()) in self.exact else ALIKE
        return Flaw(flaw.code, flaw.message, flaw.severity, flaw.hint, detail=f"{asked.file}, line {asked.line:,}")


def held_out(questions: Iterable[tuple[str, Asked]], *, place: Place, systems: frozenset[int] = frozenset()) -> HeldOut:
    """The questions, by the keys that rows have at this place."""
    folded: dict[int, Asked] = {}
    texts: list[str] = []
    for question, asked in questions:
        if question.strip():
            folded.setdefault(folded_hash(question), asked)
            texts.append(question)
    keys = frozenset(key for start in range(0, len(texts), 1000) for key in place.keys(texts[start : start + 1000]))
    return HeldOut(keys, folded, frozenset(text_hash(text.strip()) for text in texts), systems)
