"""A `gen_qa` evaluation: its rows, the questions it asks the model, and the files it leaves.

Documented: `results_<time>.json`; `inference_output.jsonl` with `prompt`, `inference`, `gold` and `metadata`; the names
of the metrics. Not published, and so chosen here: the keys around the metrics (those of the lighteval package, which
AWS's sample of a custom task points to), the `_stderr` suffix, the format of `<time>`, how `prompt` is written. The
row's own fields are kept beside the documented ones. The real container's parquet details and TensorBoard events are
not written.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import msgspec

from novaline.rehearsal.learner.rows import Prompt, cut_to_tokens
from novaline.rehearsal.sagemaker.failures import JobFailure
from novaline.rehearsal.sagemaker.scores import score

FILE_NAME = "gen_qa.jsonl"
_TASK = "custom|gen_qa_gen_qa|0"


class GenQaRow(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """One question with its reference answer."""

    query: str
    response: str
    system: str | None = None
    images: list[dict[str, Any]] | None = None
    metadata: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the model is asked, and what it should say."""

    system: str | None
    prompt: str
    gold: str


class OwnMetrics(Protocol):
    """Metrics of one's own, computed beside the task's."""

    def before(self, asked: Sequence[Question]) -> Sequence[Question]:
        """What the model is to be asked instead."""
        ...

    def after(self, asked: Sequence[Question], answers: Sequence[str]) -> dict[str, float]:
        """The metrics over all answers."""
        ...


_decoder = msgspec.json.Decoder(GenQaRow)


def read_questions(content: bytes) -> list[GenQaRow]:
    """Every row of a `gen_qa.jsonl`. Raises JobFailure that names the first bad row."""
    rows = []
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            row = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            raise JobFailure.algorithm(f"row {number} of {FILE_NAME}: {problem}") from problem
        if not row.query.strip():
            raise JobFailure.algorithm(f"row {number} of {FILE_NAME}: query is empty")
        rows.append(row)
    if not rows:
        raise JobFailure.algorithm(f"{FILE_NAME} has no rows")
    return rows


def evaluate(
    rows: Sequence[GenQaRow],
    answer: Callable[[Sequence[Prompt]], list[str]],
    *,
    model: str,
    max_new_tokens: int,
    now: datetime,
    own: OwnMetrics | None = None,
) -> tuple[dict[str, bytes], dict[str, float]]:
    """(files by name below `eval_results`, table of metrics) for a model's answers to the rows.

    `own` may change what is asked, and adds its metrics to the table.
    """
    written = [Question(system=row.system, prompt=row.query, gold=row.response) for row in rows]
    asked = own.before(written) if own else written
    prompts = [Prompt(text=one.prompt, system=one.system or "") for one in asked]
    answers = [cut_to_tokens(text, max_new_tokens) for text in answer(prompts)]
    table = score(answers, [one.gold for one in asked])
    if own:
        table |= own.after(asked, answers)
    lines = [_output(row, one, text) for row, one, text in zip(rows, asked, answers, strict=True)]
    files = {
        results_file(now): results(table, task=_TASK, model=model, rows=len(rows)),
        "inference_output.jsonl": b"".join(line + b"\n" for line in lines),
    }
    return files, table


def results_file(now: datetime) -> str:
    """The name of an evaluation's aggregates."""
    stamp = now.isoformat(timespec="microseconds").replace(":", "-").removesuffix("+00-00")
    return f"results_{stamp}.json"


def results(table: Mapping[str, float], *, task: str, model: str, rows: int) -> bytes:
    """The aggregates of a task as the container writes them."""
    document = {
        "config_general": {"model_name": model, "stand_in": "a rehearsal's stand-in answered; no measure of Nova"},
        "results": {task: table, "all": table},
        "summary_general": {"rows": rows},
    }
    return json.dumps(document, indent=2).encode()


def _output(row: GenQaRow, asked: Question, answer: str) -> bytes:
    turns = [{"role": "system", "content": asked.system}] if asked.system else []
    turns.append({"role": "user", "content": asked.prompt})
    written = {"prompt": str(turns), "inference": [answer], "gold": asked.gold}
    return msgspec.json.encode(msgspec.to_builtins(row) | written)
