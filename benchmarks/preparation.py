"""Preparing a CSV as SFT rows, beside reading the same CSV and writing the same rows with the standard library."""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.result import Result
from novaline.datasets.prepare.pipeline import prepare
from novaline.datasets.prepare.work import Request
from novaline.datasets.readers.sources import source_of
from novaline.datasets.splitting import Shares

ROWS = 100_000
ROUNDS = 3
LEAST_ROWS_A_SECOND = 100_000
ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "support-intents" / "train.jsonl"
SYSTEM = "You sort a customer's message into one category, and answer with its name and nothing else."


def measure() -> Iterator[Result]:
    """Alternate the standard library and ours, in one process each, whole and split; processor time counts."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "source.csv"
        _write(path)
        size = path.stat().st_size / ROWS
        rounds = [[_run(way, path) for way in ("standard", "whole", "split")] for _ in range(ROUNDS)]
    standard, whole, split = (median(seconds for seconds, _ in way) for way in zip(*rounds, strict=True))
    peak = max(memory for each in rounds for _, memory in each[1:])
    for what, seconds in (("CSV to SFT", whole), ("CSV to SFT, split 80/10/10", split)):
        yield Result(
            what=f"{what}, {ROWS:,} rows of {size:,.0f} B, one core",
            measured=f"{ROWS / seconds:,.0f} rows/s, {peak:.0f} MB at most",
            yardstick=f"{ROWS / standard:,.0f} rows/s csv and json, which check nothing",
            promise=f"at least {LEAST_ROWS_A_SECOND:,} rows/s" if what == "CSV to SFT" else "",
            kept=ROWS / seconds >= LEAST_ROWS_A_SECOND if what == "CSV to SFT" else None,
        )


def _write(path: Path) -> None:
    """Long questions, each another one: the example's texts, one after the other."""
    texts = [json.loads(line)["messages"][0]["content"][0]["text"] for line in EXAMPLE.read_bytes().splitlines()]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for number in range(ROWS):
            start = number % (len(texts) - 20)
            text = " ".join(texts[start : start + 20])[:850]
            writer.writerow([f"{number} {text}", f"category {number % 150}"])


def _run(way: str, source: Path) -> tuple[float, float]:
    """Processor seconds and peak memory in MB of one way, in a process of its own on one core."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.preparation", way, str(source), folder]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    seconds, memory = done.stdout.split()
    return float(seconds), float(memory)


def _standard(source: Path, target: Path) -> None:
    with source.open(newline="", encoding="utf-8") as rows, target.open("w", encoding="utf-8") as file:
        for row in csv.DictReader(rows):
            messages = [
                {"role": "user", "content": [{"text": row["text"]}]},
                {"role": "assistant", "content": [{"text": row["label"]}]},
            ]
            made = {"schemaVersion": "bedrock-conversation-2024", "system": [{"text": SYSTEM}], "messages": messages}
            file.write(json.dumps(made, ensure_ascii=False) + "\n")


def _prepare(source: Path, target: Path, *, split: bool) -> None:
    found = source_of(str(source))
    assert found is not None
    request = Request(
        sources=(found,),
        format="sft",
        output=target,
        system=SYSTEM,
        shares=Shares.parse("80/10/10") if split else None,
    )

    def no_s3() -> object:
        raise AssertionError

    prepare(request, s3=no_s3)  # type: ignore[arg-type]  # a local file: nobody asks for S3


def _main(way: str, source: Path, folder: Path) -> None:
    if hasattr(os, "sched_setaffinity"):  # not on macOS
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    before = os.times()
    if way == "standard":
        _standard(source, folder / "rows.jsonl")
    else:
        _prepare(source, folder / "out", split=way == "split")
    after = os.times()
    seconds = after.user + after.system - before.user - before.system
    unit = 1024 if sys.platform == "linux" else 1024 * 1024  # macOS counts bytes
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)  # noqa: T201 - the answer to the parent


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
