"""Texts as vectors: hashed words, pairs of words and letter groups, weighted by how rare they are, of unit length."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int32]
Matrix = Any  # scipy.sparse.csr_matrix; scipy ships no types

_BUCKETS = 2**18
_MOST_COLUMNS = 20_000  # keeps a checkpoint of 150 labels at about 6 MB
_MOST_CHARACTERS = 4_000  # of one text; what comes later adds time and little else
_SHORT_TEXT = 240  # letter groups pay off for short texts only

_WORDS = HashingVectorizer(
    n_features=_BUCKETS, ngram_range=(1, 2), norm=None, alternate_sign=False, binary=True, dtype=np.float32,
    token_pattern=r"(?u)\b\w+\b",  # noqa: S106 - a pattern of words, no password
)  # fmt: skip
_LETTERS = HashingVectorizer(
    n_features=_BUCKETS, ngram_range=(3, 4), analyzer="char_wb", norm=None, alternate_sign=False, binary=True,
    dtype=np.float32,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """Which hashed columns count, and how much. Made by `fit`; no vocabulary needs to be stored."""

    columns: Integers
    weights: Floats
    letters: bool

    def transform(self, texts: Sequence[str]) -> Matrix:
        """The texts as a sparse matrix, one row each, of unit length; a text without a known feature is all zero."""
        return _weighted(_hashed(texts, letters=self.letters), self.columns, self.weights)


def fit(texts: Sequence[str]) -> tuple[Features, Matrix]:
    """The features of a collection of texts, and the texts in them.

    A feature that every text has weighs nothing, so a prompt template adds nothing. Features are chosen from what is in
    at least two texts (in one, where there are fewer than fifty texts), the most frequent first.
    """
    letters = sum(len(text) for text in texts) <= _SHORT_TEXT * len(texts)
    hashed = _hashed(texts, letters=letters)
    frequency = np.bincount(hashed.indices, minlength=hashed.shape[1])
    columns = np.flatnonzero(frequency >= (2 if len(texts) >= 50 else 1))
    if len(columns) > _MOST_COLUMNS:
        columns = np.sort(columns[np.argsort(-frequency[columns], kind="stable")[:_MOST_COLUMNS]])
    weights = np.log((1 + len(texts)) / (1 + frequency[columns])).astype(np.float32)
    features = Features(columns=columns.astype(np.int32), weights=weights, letters=letters)
    return features, _weighted(hashed, features.columns, features.weights)


def _hashed(texts: Sequence[str], *, letters: bool) -> Matrix:
    short = [text[:_MOST_CHARACTERS] for text in texts]
    words = _WORDS.transform(short)
    return sparse.hstack([words, _LETTERS.transform(short)], format="csr") if letters else words


def _weighted(hashed: Matrix, columns: Integers, weights: Floats) -> Matrix:
    chosen = hashed[:, columns].multiply(weights).tocsr()
    lengths = np.sqrt(np.asarray(chosen.multiply(chosen).sum(axis=1)).ravel())
    lengths[lengths == 0] = 1
    return sparse.diags(1 / lengths).dot(chosen).astype(np.float32).tocsr()
