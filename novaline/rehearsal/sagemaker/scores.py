"""The metrics of a `gen_qa` evaluation, really computed from answers and references.

ROUGE-1, -2 and -L are F-measures over lower-cased words without stemming (Lin, 2004). Exact match and its quasi form
are those of `novaline.evaluation.metrics`; F1 is the word overlap of SQuAD (Rajpurkar et al., 2016), its quasi form on
normalised texts. BLEU is the corpus score of Papineni et al. (2002) up to four words, from 0 to 100, an order without a
match counting as half a match, then a quarter, and so on. The errors are standard errors of the mean; BLEU's, which is
no mean, comes from 200 bootstrap samples. The real container's tokenizers and smoothing are not published.
"""

import math
import random
import re
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from novaline.evaluation.metrics import exact_match, normalise, quasi_exact_match

_WORD = re.compile(r"\w+")
_ORDERS = 4
_BOOTSTRAPS = 200


@dataclass(frozen=True)
class _Pair:
    """An answer beside its reference."""

    answer: str
    reference: str

    @cached_property
    def measures(self) -> dict[str, float]:
        """Every metric that a single pair has."""
        ours, theirs = (_WORD.findall(text.lower()) for text in (self.answer, self.reference))
        return {
            "rouge1": _f_measure(*_overlap(ours, theirs, 1), of_nothing=0.0),
            "rouge2": _f_measure(*_overlap(ours, theirs, 2), of_nothing=0.0),
            "rougeL": _f_measure(_longest_common(ours, theirs), len(ours), len(theirs), of_nothing=0.0),
            "exact_match": float(exact_match(self.answer, self.reference)),
            "quasi_exact_match": float(quasi_exact_match(self.answer, self.reference)),
            "f1_score": _f_measure(*_overlap(self.answer.split(), self.reference.split(), 1)),
            "f1_score_quasi": _f_measure(
                *_overlap(normalise(self.answer).split(), normalise(self.reference).split(), 1)
            ),
        }

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """What BLEU adds up: matches and totals of each order, then both lengths."""
        ours, theirs = self.answer.split(), self.reference.split()
        overlaps = [_overlap(ours, theirs, order) for order in range(1, _ORDERS + 1)]
        return (*(o[0] for o in overlaps), *(o[1] for o in overlaps), len(ours), len(theirs))


def score(answers: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Every metric and its standard error (`<metric>_stderr`), by the names that Nova's documentation lists.

    Raises ValueError when there are no answers, or not as many as references.
    """
    if not answers or len(answers) != len(references):
        raise ValueError(f"{len(answers)} answers for {len(references)} references")
    known: dict[tuple[str, str], _Pair] = {}
    pairs = [known.setdefault((a, r), _Pair(a, r)) for a, r in zip(answers, references, strict=True)]
    table: dict[str, float] = {}
    for name in pairs[0].measures:
        values = [pair.measures[name] for pair in pairs]
        table[name] = statistics.fmean(values)
        table[f"{name}_stderr"] = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    table["bleu"] = _bleu(_added([pair.counts for pair in pairs]))
    table["bleu_stderr"] = _bleu_error([pair.counts for pair in pairs])
    return table


def _f_measure(matches: int, ours: int, theirs: int, *, of_nothing: float = 1.0) -> float:
    """2PR/(P+R). Two texts without words are alike by F1; ROUGE, which counts what is found, finds nothing."""
    return 2 * matches / (ours + theirs) if ours + theirs else of_nothing


def _overlap(ours: Sequence[str], theirs: Sequence[str], order: int) -> tuple[int, int, int]:
    """Common n-grams, each as often as both have it; and how many each side has."""
    mine, other = (
        Counter(tuple(words[start : start + order]) for start in range(len(words) - order + 1))
        for words in (ours, theirs)
    )
    return (mine & other).total(), mine.total(), other.total()


def _longest_common(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """Length of the longest common subsequence, by bits of a whole number (Hyyrö, 2004): long texts stay fast."""
    places: dict[str, int] = {}
    for place, word in enumerate(ours):
        places[word] = places.get(word, 0) | 1 << place
    row = full = (1 << len(ours)) - 1
    for word in theirs:
        met = row & places.get(word, 0)
        row = ((row + met) | (row - met)) & full
    return len(ours) - row.bit_count()


def _added(counts: Sequence[tuple[int, ...]]) -> list[int]:
    return [sum(column) for column in zip(*counts, strict=True)]


def _bleu(counts: Sequence[int]) -> float:
    matches, totals = counts[:_ORDERS], counts[_ORDERS : 2 * _ORDERS]
    ours, theirs = counts[2 * _ORDERS :]
    precisions, missing = [], 1.0
    for matched, total in zip(matches, totals, strict=True):
        if total and not matched:
            missing *= 2
        if total:
            precisions.append(matched / total if matched else 1 / (missing * total))
    if not precisions or not matches[0]:
        return 0.0
    brevity = 1.0 if ours >= theirs else math.exp(1 - theirs / ours)
    return 100 * brevity * math.exp(statistics.fmean(map(math.log, precisions)))


def _bleu_error(counts: Sequence[tuple[int, ...]]) -> float:
    chance = random.Random(7)  # noqa: S311 - a bootstrap, no secret; seeded, so that a rehearsal repeats
    distinct = Counter(counts)
    kinds, weights = list(distinct), list(distinct.values())
    scores = []
    for _ in range(_BOOTSTRAPS):
        drawn = Counter(chance.choices(kinds, weights, k=len(counts)))
        scores.append(_bleu([sum(kind[i] * n for kind, n in drawn.items()) for i in range(2 * _ORDERS + 2)]))
    return statistics.stdev(scores)
