"""Synthesis of every environment, beside that of an empty app: what our stacks cost on top of the CDK itself."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.result import Result
from novaline.toolchain import node_path

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3
MOST_SECONDS_LONGER = 4.0
EMPTY = "import aws_cdk as cdk\napp = cdk.App(outdir={outdir!r})\ncdk.Stack(app, 'Empty')\napp.synth()\n"


def measure() -> Iterator[Result]:
    """Alternate the two, so that a busy machine slows both."""
    with tempfile.TemporaryDirectory() as folder:
        empty = [sys.executable, "-c", EMPTY.format(outdir=f"{folder}/empty")]
        rounds = [(_seconds(empty, folder), _seconds([sys.executable, "app.py"], folder)) for _ in range(ROUNDS)]
    yardstick, ours = (median(times) for times in zip(*rounds, strict=True))
    yield Result(
        what="synthesis of all environments",
        measured=f"{ours:.1f} s ({ours / yardstick:.1f}x)",
        yardstick=f"{yardstick:.1f} s, an empty app",
        promise=f"at most {MOST_SECONDS_LONGER:g} s longer",
        kept=ours - yardstick <= MOST_SECONDS_LONGER,
    )


def _seconds(command: list[str], folder: str) -> float:
    environment = dict(os.environ, JSII_NODE=str(node_path()), CDK_OUTDIR=f"{folder}/ours")
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return time.perf_counter() - began
