"""How hard the examples are: accuracy of a linear classifier, of the nearest training row, and of a guess by words.

    python -m examples.measure

The numbers describe the data. They predict nothing about an Amazon Nova model.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

EXAMPLES = ("return-decisions", "support-intents", "ticket-replies")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difficulty:
    """Accuracy on eval.jsonl, 0 to 1, of three simple ways to answer."""

    linear: float  # logistic regression over TF-IDF of words and word pairs, trained on train.jsonl
    nearest: float  # the answer of the most similar training row, cosine over the same TF-IDF
    words: float  # no training: the answer that shares most word beginnings with the question


def measure(folder: Path) -> Difficulty:
    """Trains on the folder's train.jsonl and answers its eval.jsonl."""
    train = [json.loads(line) for line in (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    held_out = [json.loads(line) for line in (folder / "eval.jsonl").read_text(encoding="utf-8").splitlines()]
    questions, answers = zip(*map(_asked, train), strict=True)
    queries = [row["query"] for row in held_out]
    expected = [row["response"] for row in held_out]
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    linear = make_pipeline(vectors, LogisticRegression(C=30, max_iter=300)).fit(questions, answers)
    nearest = make_pipeline(vectors, KNeighborsClassifier(1, metric="cosine")).fit(questions, answers)
    choices = sorted(set(answers))
    return Difficulty(
        linear=float(linear.score(queries, expected)),
        nearest=float(nearest.score(queries, expected)),
        words=sum(_guess(query, choices) == answer for query, answer in zip(queries, expected, strict=True))
        / len(queries),
    )


def _asked(row: Mapping[str, Any]) -> tuple[str, str]:
    """Question and answer of a training row, of supervised or reinforcement fine-tuning."""
    if "reference_answer" in row:
        return row["messages"][-1]["content"], row["reference_answer"]
    question, answer = (message["content"][0]["text"] for message in row["messages"])
    return question, answer


def _guess(question: str, choices: list[str]) -> str:
    said = _stems(question)
    return max(choices, key=lambda choice: len(said & _stems(choice)) / len(_stems(choice)))


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:5] for word in re.findall(r"[a-z]{3,}", text.casefold().replace("_", " ")))


def main() -> None:
    """Prints one line for each example."""
    for name in EXAMPLES:
        found = measure(Path(__file__).parent / name)
        typer.echo(f"{name:16} linear {found.linear:.3f}   nearest {found.nearest:.3f}   words {found.words:.3f}")


if __name__ == "__main__":
    main()
