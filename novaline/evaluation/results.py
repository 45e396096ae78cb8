"""What a Nova evaluation job leaves behind, read as a stream.

A ``gen_qa`` job writes ``output.tar.gz`` with ``<run name>/eval_results/results_<time>.json`` (aggregates) and
``<run name>/eval_results/inference_output.jsonl`` (per sample: the input, ``gold``, and ``inference`` as a list).
Archives are read member by member, so that the ``details/`` and ``tensorboard_results/`` folders, which can be large,
are passed over without being unpacked.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Any


class ResultsProblem(Exception):
    """The archive is not what an evaluation job writes; the message says what is missing or malformed, and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One evaluated row: the prompt as sent, the reference answer (``gold``) and the model's answer."""

    prompt: str
    reference: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationResults:
    """Samples in file order, and the aggregates that the job itself computed (metric name to value)."""

    samples: tuple[Sample, ...]
    aggregates: Mapping[str, float] = field(default_factory=dict)


def read_results(archive: IO[bytes], *, name: str) -> EvaluationResults:
    """Read an evaluation's ``output.tar.gz`` from a byte stream that need not be seekable.

    ``name`` stands for the archive in messages. Raises ResultsProblem when the archive cannot be read, holds no
    ``inference_output.jsonl``, or has a row without reference or answer.
    """
    samples: tuple[Sample, ...] | None = None
    aggregates: dict[str, float] = {}
    with _explained(name):
        for path, content in _written(archive):
            if path.name == "inference_output.jsonl":
                samples = tuple(_samples(content, name=f"{name}!{path}"))
            elif _is_table(path):
                aggregates = _aggregates(content.read(), name=f"{name}!{path}")
    if samples is None:
        msg = f"{name} holds no eval_results/inference_output.jsonl; was it written by a gen_qa evaluation?"
        raise ResultsProblem(msg)
    return EvaluationResults(samples=samples, aggregates=aggregates)


def read_aggregates(archive: IO[bytes], *, name: str) -> dict[str, float]:
    """The metrics that the job itself computed, of an evaluation of any task; the archive is read no further.

    Raises ResultsProblem when it cannot be read, or holds none.
    """
    with _explained(name):
        for path, content in _written(archive):
            if _is_table(path) and (aggregates := _aggregates(content.read(), name=f"{name}!{path}")):
                return aggregates
    raise ResultsProblem(f"{name} holds no eval_results/results_….json with metrics")


def _is_table(path: PurePosixPath) -> bool:
    return path.name.startswith("results_") and path.suffix == ".json"


def _written(archive: IO[bytes]) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    """What lies below `eval_results`, file by file, each to be read before the next."""
    with tarfile.open(fileobj=archive, mode="r|gz") as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            content = tar.extractfile(member) if "eval_results" in path.parts and member.isfile() else None
            if content is not None:
                yield path, content


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turns whatever is wrong with the archive, wherever it shows, into a ResultsProblem."""
    try:
        yield
    except (tarfile.TarError, EOFError, OSError) as problem:
        msg = f"{name} cannot be read as a gzipped tar: {problem}"
        raise ResultsProblem(msg) from problem


def _samples(content: IO[bytes], *, name: str) -> list[Sample]:
    samples = []
    for number, line in enumerate(content, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as problem:
            msg = f"{name}, line {number}: not JSON: {problem}"
            raise ResultsProblem(msg) from problem
        samples.append(_sample(row, where=f"{name}, line {number}"))
    return samples


def _sample(row: Any, *, where: str) -> Sample:  # noqa: ANN401 - whatever JSON the file holds; checked here
    if not isinstance(row, dict) or "gold" not in row or "inference" not in row:
        msg = f"{where}: expected an object with 'gold' and 'inference'"
        raise ResultsProblem(msg)
    answers = row["inference"]
    answer = answers[0] if isinstance(answers, list) and answers else answers
    if not isinstance(answer, str):
        msg = f"{where}: 'inference' holds no text"
        raise ResultsProblem(msg)
    prompt = row.get("query", row.get("prompt", ""))
    return Sample(prompt=_text(prompt), reference=_text(row["gold"]), answer=answer)


def _text(value: Any) -> str:  # noqa: ANN401 - prompts are text or chat messages, golds text or lists of one
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _aggregates(content: bytes, *, name: str) -> dict[str, float]:
    """The flat metric table, which the file nests under ``results`` by task; the task "all" covers every row."""
    try:
        document = json.loads(content)
    except ValueError as problem:
        msg = f"{name}: not JSON: {problem}"
        raise ResultsProblem(msg) from problem
    tables = document.get("results", {}) if isinstance(document, dict) else {}
    table: dict[str, Any] = tables.get("all") or next(iter(tables.values()), {}) if isinstance(tables, dict) else {}
    return {
        key: float(value)
        for key, value in table.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
