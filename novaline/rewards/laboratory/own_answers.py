"""A person's own answers: what a model really said, to see how the reward spreads over that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from novaline.findings import NovalineError
from novaline.rewards.laboratory.rows import Row

_FORM = '{"id": "…", "answer": "…"}, or `line` in place of `id`, or `answers` with a list'


def read_answers(path: Path, rows: Sequence[Row]) -> tuple[list[tuple[int, str]], int]:
    """The answers to the rows that were taken, as (index of the row, answer), and how many belong to no such row.

    Raises NovalineError for a line that is none, and when no answer belongs to a row.
    """
    by_id = {row.id: index for index, row in enumerate(rows) if row.id is not None}
    by_line = {row.line: index for index, row in enumerate(rows)}
    found: list[tuple[int, str]] = []
    others = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            document = _read(line, number, path)
            key, value = ("id", document["id"]) if "id" in document else ("line", document.get("line"))
            places: Mapping[object, int] = by_id if key == "id" else by_line  # type: ignore[assignment]  # looked up only
            index = places.get(value) if isinstance(value, str | int) else None
            texts = _answers(document, number, path)
            if index is None:
                others += len(texts)
            else:
                found += [(index, text) for text in texts]
    if not found:
        message = "none of the answers belongs to a row that was taken"
        hint = f"each line is {_FORM} of a row; `--rows` says how many rows are taken"
        raise NovalineError.of("foreign-answers", message, file=str(path), hint=hint)
    return found, others


def _read(line: bytes, number: int, path: Path) -> Mapping[str, object]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise _refusal(f"the line is no JSON: {problem}", number, path) from None
    if not isinstance(document, dict) or not document.keys() & {"id", "line"}:
        raise _refusal("the line is no answer to a row", number, path)
    return document


def _answers(document: Mapping[str, object], number: int, path: Path) -> list[str]:
    given = document.get("answers", document.get("answer"))
    texts = [text for text in (given if isinstance(given, list) else [given]) if isinstance(text, str)]
    if not texts or (isinstance(given, list) and len(texts) < len(given)):
        raise _refusal("`answer` is text, or `answers` a list of texts", number, path)
    return texts


def _refusal(message: str, number: int, path: Path) -> NovalineError:
    return NovalineError.of("unreadable-answer", message, file=str(path), line=number, hint=f"each line is {_FORM}")
