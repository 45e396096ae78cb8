"""Words as the usual measures of text see them."""

from __future__ import annotations

import re
import string
from typing import Final

_ARTICLES: Final = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)
_WORD: Final = re.compile(r"[^\W_]+")


def quasi_words(text: str) -> list[str]:
    """The words of a text without case, ASCII punctuation and English articles: the normalisation of SQuAD and HELM.

    A text that has nothing but articles keeps them: `A` is an answer where A, B and C are asked for.
    Source: Rajpurkar et al., SQuAD: 100,000+ Questions for Machine Comprehension of Text, and its evaluation script.
    """
    plain = text.lower().translate(_NO_PUNCTUATION)
    return _ARTICLES.sub(" ", plain).split() or plain.split()


def plain_words(text: str) -> list[str]:
    """Runs of letters and digits, without case; for ASCII, what the usual ROUGE takes without stemming."""
    return _WORD.findall(text.lower())
