"""How long a person waits for the offline commands, beside starting Python at all, and what they must not import."""

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
YARDSTICK = [sys.executable, "-c", "pass"]
HEAVY = ("aws_cdk", "boto3", "botocore")
"""What `--help` and `check` must not import: each costs more than the whole command."""
COMMANDS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("novaline --help", ("--help",), 0.3),
    ("novaline check", ("check", str(EXAMPLE)), 0.6),
    ("novaline plan", ("plan", str(EXAMPLE), "--env", "dev", "--json"), 2.0),
    ("novaline recipes list", ("recipes", "list"), 0.6),
)
"""Name, arguments, most seconds."""
# Runs the command in this process and prints which of the heavy packages it loaded, after what it printed itself.
_LOADED = f"""
import sys
sys.argv = ["novaline", *sys.argv[1:]]
from novaline.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("loaded:", *(name for name in {HEAVY!r} if name in sys.modules))
"""


def measure() -> Iterator[Result]:
    """Each command and the start of Python in turn, so that a busy machine slows both."""
    rows = sum(path.read_bytes().count(b"\n") for path in EXAMPLE.parent.glob("*.jsonl"))
    for name, arguments, most in COMMANDS:
        rounds = [(_seconds(YARDSTICK), _seconds([str(NOVALINE), *arguments])) for _ in range(ROUNDS)]
        python, ours = (median(times) for times in zip(*rounds, strict=True))
        yield Result(
            what=f"{name}, {rows:,} rows" if str(EXAMPLE) in arguments else name,
            measured=f"{ours:.2f} s ({ours / python:.0f}x)",
            yardstick=f"{python:.3f} s, starting Python",
            promise=f"at most {most:g} s",
            kept=ours <= most,
        )
    for name, arguments, _ in COMMANDS[:2]:
        found = heavy_imports(arguments)
        yield Result(
            what=f"{name}, imports",
            measured=", ".join(found) or "none of them",
            yardstick=", ".join(HEAVY),
            promise="none of them",
            kept=not found,
        )


def heavy_imports(arguments: tuple[str, ...]) -> list[str]:
    """The heavy packages that a command loads. Raises CalledProcessError when the command fails."""
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return done.stdout.rpartition("loaded:")[2].split()


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - began
