"""Per-sample metrics of a generated answer against its reference.

They follow the two binary metrics that Nova's ``gen_qa`` evaluation reports (``exact_match``, ``quasi_exact_match``),
so that the gate can pair base and candidate sample by sample. AWS does not publish its normalisation; ours is the one
that the question-answering literature uses (Rajpurkar et al., SQuAD, 2016): lower case, no punctuation, no articles,
single spaces. The job's own aggregate is kept beside ours in the gate's evidence, so that a difference is seen.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from typing import Final

_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)


def exact_match(answer: str, reference: str) -> bool:
    """Whether the answer is the reference, white space at both ends aside."""
    return answer.strip() == reference.strip()


def quasi_exact_match(answer: str, reference: str) -> bool:
    """Whether answer and reference are equal after normalisation (case, punctuation, articles, white space)."""
    return normalise(answer) == normalise(reference)


def normalise(text: str) -> str:
    """The text in lower case, without punctuation and English articles, words separated by one space."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


BINARY_METRICS: Final[dict[str, Callable[[str, str], bool]]] = {
    "exact_match": exact_match,
    "quasi_exact_match": quasi_exact_match,
}
"""The metrics that a gate can compare pair by pair, by the name that Nova's evaluation gives them."""
