"""Dataset validation, beside reading the same file with a JSON parser and checking nothing."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.result import Result
from novaline.datasets.scan import scan
from novaline.recipes.catalogue import catalogue

ROWS = 100_000
ROUNDS = 3
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "support-intents" / "train.jsonl"


def measure() -> Iterator[Result]:
    """Alternate `json`, msgspec without a schema, and our whole pass over the same file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.jsonl"
        _write(path)
        size = path.stat().st_size / 1e6
        model = catalogue().model("nova-micro")
        rounds = [
            (
                _seconds(lambda: _parse(path, json.loads)),
                _seconds(lambda: _parse(path, msgspec.json.Decoder().decode)),
                _seconds(lambda: scan(path, kind="sft", model=model)),
            )
            for _ in range(ROUNDS)
        ]
    plain, fast, ours = (median(times) for times in zip(*rounds, strict=True))
    yield Result(
        what=f"validation of {ROWS:,} SFT rows ({size:.0f} MB)",
        measured=f"{size / ours:.0f} MB/s ({ours / plain:.2f}x the time of json)",
        yardstick=f"{size / plain:.0f} MB/s json, {size / fast:.0f} MB/s msgspec; both check nothing",
    )


def _write(path: Path) -> None:
    """The example's rows over and over, each made different, so that the search for duplicates works as it would."""
    rows = EXAMPLE.read_bytes().splitlines()
    with path.open("wb") as file:
        for number in range(ROWS):
            row = rows[number % len(rows)]
            file.write(row.replace(b'"user","content":[{"text":"', b'"user","content":[{"text":"%d ' % number) + b"\n")


def _parse(path: Path, loads: Callable[[bytes], object]) -> None:
    with path.open("rb") as file:
        for line in file:
            loads(line)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
