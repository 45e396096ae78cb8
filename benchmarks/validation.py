"""Dataset validation, beside decoding the same rows into types and checking nothing, and beside a model for each row.

Everything is measured in a process of its own, so that its peak memory is its own too.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Literal, Self

import msgspec
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from benchmarks.datasets import ROWS, Repeated, write_dataset
from benchmarks.result import Result
from novaline.datasets.formats.conversation import Conversation
from novaline.datasets.formats.reserved import RESERVED
from novaline.datasets.validate import DataFile, LocalFile, ModelFacts, Options, validate
from novaline.recipes.catalogue import catalogue

ROUNDS = 5
LEAST = 250_000
"""Rows per second on one core."""
LEAST_SENSITIVE = 100_000
LEAST_OF_DECODING = 1 / 3
LEAST_BY_TWO = 1.7
MOST_MEMORY = 100
"""Megabytes."""
_SOME_ROWS = 20_000
"""So many are enough for the baseline."""
_TIMES = 10
_IMPORTED = (
    "novaline.datasets.engine.fast_look",
    "novaline.datasets.engine.fast_repeats",
    "novaline.datasets.engine.second_look",
    "novaline.datasets.sensitive",
)


class _Text(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str

    @field_validator("text")
    @classmethod
    def _clean(cls, text: str) -> str:
        for word in RESERVED:
            if word in text:
                raise ValueError(f"reserved: {word}")
        return text


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant"]
    content: list[_Text]

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not any(item.text.strip() for item in self.content):
            raise ValueError("no text")
        return self


class _Row(BaseModel):
    """The baseline, as AWS's validator script goes about it: a model with validators in Python for each row."""

    model_config = ConfigDict(extra="forbid")

    schemaVersion: Literal["bedrock-conversation-2024"] | None = None  # noqa: N815 - AWS's field name
    system: list[_Text] | None = None
    messages: list[_Message]

    @field_validator("messages")
    @classmethod
    def _in_turn(cls, messages: list[_Message]) -> list[_Message]:
        for index, message in enumerate(messages):
            if message.role != ("user", "assistant")[index % 2]:
                raise ValueError("not in turn")
        if len(messages) < 2 or messages[-1].role != "assistant":
            raise ValueError("no answer")
        return messages


def measure() -> Iterator[Result]:
    """Ours and the yardsticks in turn, each at its best of several rounds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.jsonl"
        write_dataset(path)
        size = path.stat().st_size / 1e6
        names = ("decode", "lines", "one", "two", "sensitive", "sensitive-two")
        rounds = [{name: _child(name, path) for name in names} for _ in range(ROUNDS)]
        rate = {name: max(each[name][0] for each in rounds) for name in names}  # others only ever take time away
        memory = max(each["one"][1] for each in rounds)
        models, many = _child("models", path), _child("many", path)
    decoded = f"{rate['decode']:,.0f} rows/s, typed decoding alone"
    yield Result(
        what=f"validation of {ROWS:,} SFT rows ({size:.0f} MB), one core",
        measured=f"{rate['one']:,.0f} rows/s ({rate['one'] / models[0]:.0f}x the baseline)",
        yardstick=f"{models[0]:,.0f} rows/s, a pydantic model per row",
        promise=f"at least {LEAST:,} rows/s",
        kept=rate["one"] >= LEAST,
    )
    yield Result(
        what="… beside typed decoding",
        measured=f"{rate['one'] / rate['decode']:.2f} of it ({rate['one'] / rate['lines']:.2f} of whole blocks)",
        yardstick=decoded,
        promise="at least a third",
        kept=rate["one"] >= LEAST_OF_DECODING * rate["decode"],
    )
    yield Result(
        what="… looking for secrets and personal data too",
        measured=f"{rate['sensitive']:,.0f} rows/s",
        yardstick=decoded,
        promise=f"at least {LEAST_SENSITIVE:,} rows/s",
        kept=rate["sensitive"] >= LEAST_SENSITIVE,
    )
    faster = rate["sensitive-two"] / rate["sensitive"]
    yield Result(
        what="… that, all that the command does, in two processes",
        measured=f"{rate['sensitive-two']:,.0f} rows/s ({faster:.2f}x)",
        yardstick=f"{rate['sensitive']:,.0f} rows/s in one",
        promise=f"at least {LEAST_BY_TWO:g}x",
        kept=faster >= LEAST_BY_TWO,
    )
    yield Result(
        what="… in two processes without that search",
        measured=f"{rate['two']:,.0f} rows/s ({rate['two'] / rate['one']:.2f}x)",
        yardstick=f"{rate['one']:,.0f} rows/s in one",
    )
    for rows, peak in ((ROWS, memory), (_TIMES * ROWS, many[1])):
        yield Result(
            what=f"… memory, {rows:,} rows",
            measured=f"{peak:.0f} MB at its peak",
            yardstick="all of the process, Python included",
            promise=f"at most {MOST_MEMORY} MB",
            kept=peak <= MOST_MEMORY,
        )


def _child(name: str, path: Path) -> tuple[float, float]:
    """Rows per second and the peak memory in megabytes of one measurement, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.validation", name, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rows, seconds, memory = json.loads(done.stdout)
    return rows / seconds, memory


def _work(name: str, path: Path) -> Callable[[], int]:
    """What is measured by this name; it returns the number of rows."""
    file: DataFile = Repeated(path, _TIMES) if name == "many" else LocalFile(path)
    model = ModelFacts.of(catalogue().model("nova-micro"))
    options = Options(format="sft", model=model, evaluation=True, sensitive=name.startswith("sensitive"))
    works: dict[str, Callable[[], int]] = {
        "decode": lambda: _decode(path),
        "lines": lambda: _decode_blocks(path),
        "models": lambda: _models(path),
    }
    processes = 2 if name.endswith("two") else 1
    return works.get(name, lambda: _validate(file, options, processes))


def _validate(file: DataFile, options: Options, processes: int) -> int:
    report = validate([file], options, processes=processes)
    assert not report.findings, report.findings
    return report.rows


def _decode(path: Path) -> int:
    decode, rows = msgspec.json.Decoder(Conversation).decode, 0
    with path.open("rb") as file:
        for rows, line in enumerate(file, 1):  # noqa: B007 - the last number is the count
            decode(line)
    return rows


def _decode_blocks(path: Path) -> int:
    decode, rows, rest = msgspec.json.Decoder(Conversation).decode_lines, 0, b""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            lines, _, rest = (rest + block).rpartition(b"\n")
            rows += len(decode(lines))
    return rows


def _models(path: Path) -> int:
    rows = 0
    with path.open("rb") as file:
        for rows, line in enumerate(file, 1):
            _Row.model_validate(json.loads(line))
            if rows == _SOME_ROWS:
                break
    return rows


def _main(name: str, path: Path) -> None:
    if hasattr(os, "sched_setaffinity") and not name.endswith("two"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for module in _IMPORTED:
        import_module(module)  # a tenth of a second once, however many rows follow
    work = _work(name, path)
    began = time.perf_counter()
    rows = work()
    seconds = time.perf_counter() - began
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    sys.stdout.write(json.dumps([rows, seconds, max(peaks) / unit]))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
