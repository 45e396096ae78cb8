"""Rows of direct preference optimization, read as strictly as those of supervised fine-tuning.

A row is a conversation in Converse format whose last turn has two `candidates`, one of them `preferred` and the other
`non-preferred`. Each of them must make a good row of supervised fine-tuning. A row that breaks a rule fails the job,
and the reason names the row (counted from 1).
"""

from typing import Any

import msgspec

from novaline.rehearsal.learner.rows import PreferenceRow
from novaline.rehearsal.sagemaker.converse_rows import numbered_lines, row_of
from novaline.rehearsal.sagemaker.failures import JobFailure

_LABELS = ("preferred", "non-preferred")


def read_dpo_rows(content: bytes, *, text_only: bool) -> list[PreferenceRow]:
    """Every row of a JSONL file. Raises JobFailure that names the first bad row, or the lack of rows."""
    rows = []
    for number, line in numbered_lines(content):
        try:
            rows.append(_row(msgspec.json.decode(line), text_only=text_only))
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as problem:
            raise JobFailure.algorithm(f"row {number} of the training data: {problem}") from problem
    if not rows:
        raise JobFailure.algorithm("the training data have no rows")
    return rows


def _row(document: Any, *, text_only: bool) -> PreferenceRow:  # noqa: ANN401 - JSON
    """The pair. Raises ValueError for what is none."""
    messages = document.get("messages") if isinstance(document, dict) else None
    if not isinstance(messages, list) or not messages or not isinstance(messages[-1], dict):
        raise ValueError("it has no list of messages")
    *turns, last = messages
    found = last.get("candidates")
    labels = [one.get("preferenceLabel") for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    if sorted(map(str, labels)) != sorted(_LABELS) or set(last) != {"role", "candidates"}:
        raise ValueError(f"the last turn has no two candidates, one {_LABELS[0]} and one {_LABELS[1]}")
    answers = {}
    for candidate in found:
        turn = {"role": last["role"], "content": candidate.get("content")}
        rest = {**document, "messages": [*turns, turn]}
        # Pairs are of the first generation, the one that has this technique.
        answers[candidate["preferenceLabel"]] = row_of(rest, generation=1, text_only=text_only)
    preferred, other = (answers[label] for label in _LABELS)
    return PreferenceRow(prompt=preferred.prompt, preferred=preferred.answer, other=other.answer)
