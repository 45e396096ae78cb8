"""How long a person waits for the offline commands, beside starting Python at all."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.result import Result

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "support-intents" / "customization.yaml"
NOVALINE = Path(sys.executable).parent / "novaline"
ROUNDS = 5
MOST_SECONDS = 2.0


def measure() -> Iterator[Result]:
    """`check` and `plan` of the example with its data."""
    yardstick = [sys.executable, "-c", "pass"]
    rows = sum(path.read_bytes().count(b"\n") for path in EXAMPLE.parent.glob("*.jsonl"))
    for name, command in (
        ("novaline check", [str(NOVALINE), "check", str(EXAMPLE)]),
        ("novaline plan", [str(NOVALINE), "plan", str(EXAMPLE), "--env", "dev", "--json"]),
    ):
        rounds = [(_seconds(yardstick), _seconds(command)) for _ in range(ROUNDS)]
        python, ours = (median(times) for times in zip(*rounds, strict=True))
        yield Result(
            what=f"{name}, {rows:,} rows",
            measured=f"{ours:.2f} s ({ours / python:.0f}x)",
            yardstick=f"{python:.3f} s, starting Python",
            promise=f"at most {MOST_SECONDS:g} s",
            kept=ours <= MOST_SECONDS,
        )


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - began
