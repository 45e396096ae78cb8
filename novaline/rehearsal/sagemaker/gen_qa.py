"""A `gen_qa` evaluation: its rows, the questions it asks the model, and the files it leaves.

Documented: `results_<time>.json`; `inference_output.jsonl` with `prompt`, `inference`, `gold` and `metadata`; the names
of the metrics. Not published, and so chosen here: the keys around the metrics (those of the lighteval package, which
AWS's sample of a custom task points to), the `_stderr` suffix, the format of `<time>`, how `prompt` is written. The
row's own fields are kept beside the documented ones. The real container's parquet details and TensorBoard events are
not written.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

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
) -> tuple[dict[str, bytes], dict[str, float]]:
    """(files by name below `eval_results`, table of metrics) for a model's answers to the rows."""
    prompts = [Prompt(text=row.query, system=row.system or "") for row in rows]
    answers = [cut_to_tokens(text, max_new_tokens) for text in answer(prompts)]
    table = score(answers, [row.response for row in rows])
    results = {
        "config_general": {"model_name": model, "stand_in": "a rehearsal's stand-in answered; no measure of Nova"},
        "results": {_TASK: table, "all": table},
        "summary_general": {"rows": len(rows)},
    }
    stamp = now.isoformat(timespec="microseconds").replace(":", "-").removesuffix("+00-00")
    lines = [_output(row, text) for row, text in zip(rows, answers, strict=True)]
    files = {
        f"results_{stamp}.json": json.dumps(results, indent=2).encode(),
        "inference_output.jsonl": b"".join(line + b"\n" for line in lines),
    }
    return files, table


def _output(row: GenQaRow, answer: str) -> bytes:
    turns = [{"role": "system", "content": row.system}] if row.system else []
    turns.append({"role": "user", "content": row.query})
    written = {"prompt": str(turns), "inference": [answer], "gold": row.response}
    return msgspec.json.encode(msgspec.to_builtins(row) | written)
