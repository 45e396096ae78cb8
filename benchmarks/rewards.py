"""The reward function: what it adds to scoring, what one odd row costs, how soon it is ready.

Beside it stands the sample that the Amazon Bedrock user guide prints (Setting up reward functions), rebuilt: one loop,
an equality, an assertion. It is as quick as such a function gets, and loses the batch to one row.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.result import Result
from novaline.rewards.contract import rollout_of, was_scored
from novaline.rewards.settings import FILE_NAME, RewardSpec

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 300
STARTS = 20
MOST_OVERHEAD = 5.0
"""Microseconds a sample."""
MOST_START = 60.0
"""Milliseconds."""
LABELS = ("HQ", "LQ_EDIT", "LQ_CLOSE")
_READY = "import nova_reward.handler; nova_reward.handler.deployed_scorer()"

Event = Sequence[Mapping[str, Any]]


def measure() -> Iterator[Result]:
    """Ours and the yardsticks, each at its best of several rounds: others only ever take time away."""
    with tempfile.TemporaryDirectory() as folder:
        environment = _deployed(Path(folder))
        command = [sys.executable, "-m", "benchmarks.rewards"]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
        yield from (Result(**line) for line in json.loads(done.stdout))
        starts = [(_start("pass", environment), _start(_READY, environment)) for _ in range(STARTS)]
    python, ours = (min(times) * 1e3 for times in zip(*starts, strict=True))
    yield Result(
        what="… cold start, from Python to the first batch",
        measured=f"{ours - python:.0f} ms more",
        yardstick=f"{python:.0f} ms, starting Python",
        promise=f"at most {MOST_START:.0f} ms more",
        kept=ours - python <= MOST_START,
    )


def _deployed(folder: Path) -> dict[str, str]:
    """The function as Lambda unpacks it, without compiled modules; and the variables to find it by."""
    without = shutil.ignore_patterns("__pycache__", "laboratory")
    shutil.copytree(ROOT / "novaline" / "rewards", folder / "novaline" / "rewards", ignore=without)
    shutil.copy(ROOT / "novaline" / "__init__.py", folder / "novaline")
    shutil.copytree(ROOT / "lambda" / "reward" / "nova_reward", folder / "nova_reward", ignore=without)
    spec = RewardSpec(name="quality", function="classification", options={"labels": LABELS})
    (folder / FILE_NAME).write_text(spec.to_json(), encoding="utf-8")
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(folder),
    }


def _start(code: str, environment: Mapping[str, str]) -> float:
    """Seconds until Python has run the code and ended."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-P", "-c", code], env=dict(environment), check=True)
    return time.perf_counter() - began


def _best(work: Callable[[], object], rounds: int) -> float:
    """Seconds of the quickest round."""
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


class _Context:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def _batch(size: int) -> list[dict[str, Any]]:
    """Samples as a training job sends them."""
    question = "How do I read a file line by line in Python? I tried open(path).read(), and the memory ran out."
    return [
        {
            "id": f"row-{number // 8}#{number % 8}",
            "messages": [
                {"role": "system", "content": [{"type": "text", "text": f"Answer with one of {', '.join(LABELS)}."}]},
                {"role": "user", "content": [{"type": "text", "text": question}]},
                {"role": "assistant", "content": [{"type": "text", "text": f"{LABELS[number % 3]}."}]},
            ],
            "reference_answer": LABELS[0],
            "source": "stackoverflow",
        }
        for number in range(size)
    ]


def _sample_of_aws(samples: Event) -> list[dict[str, object]]:
    """The user guide's function in our words; its content is text."""
    scores = []
    for sample in samples:
        reference = sample.get("metadata", {}).get("reference_answer")
        score = 0.0
        if "messages" in sample and reference is not None:
            last = sample["messages"][-1]
            assert last["role"] == "assistant", "the last message is the model's"
            score = float(last["content"].lower() == str(reference).lower())
        scores.append({"id": sample["id"], "aggregate_reward_score": score})
    return scores


def _of_bedrock(samples: Event) -> list[dict[str, Any]]:
    """The same samples as Bedrock sends them, which is what AWS's function reads."""
    return [
        {
            "id": sample["id"],
            "messages": [{**one, "content": one["content"][0]["text"]} for one in sample["messages"]],
            "metadata": {"reference_answer": sample["reference_answer"]},
        }
        for sample in samples
    ]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def _overheads() -> Iterator[Result]:
    """In a process that has the function as it is deployed; what it logs goes nowhere."""
    function: Any = importlib.import_module("nova_reward.handler")
    reward, context = function.deployed_scorer().reward, _Context()
    for size in (64, 128):
        batch, theirs = _batch(size), _of_bedrock(_batch(size))
        rollouts = [rollout_of(sample) for sample in batch]
        with _quiet():
            whole = _best(lambda batch=batch: function.handler(batch, context), ROUNDS)  # type: ignore[misc]  # bound now
        scoring = _best(lambda rollouts=rollouts: [reward(one) for one in rollouts], ROUNDS)  # type: ignore[misc]  # bound now
        sample = _best(lambda theirs=theirs: _sample_of_aws(theirs), ROUNDS)  # type: ignore[misc]  # bound now
        overhead = (whole - scoring) / size * 1e6
        yield Result(
            what=f"reward function, overhead in batches of {size}",
            measured=f"{overhead:.1f} µs a sample, beside {scoring / size * 1e6:.1f} µs of scoring",
            yardstick=f"{sample / size * 1e6:.1f} µs, AWS's sample, all that it does",
            promise=f"at most {MOST_OVERHEAD:g} µs",
            kept=overhead <= MOST_OVERHEAD,
        )
    odd = {"id": "odd", "messages": [{"role": "user", "content": "no answer"}], "metadata": {"reference_answer": "HQ"}}
    with _quiet():
        scored = sum(map(was_scored, function.handler([*_batch(127), odd], context)))
    try:
        lost = len(_sample_of_aws([*_of_bedrock(_batch(127)), odd]))
        said = f"AWS's sample: {lost} answered"
    except AssertionError:
        said = "AWS's sample: the batch is lost"
    yield Result(
        what="… one odd row in a batch of 128",
        measured=f"{scored} scored",
        yardstick=said,
        promise="127 scored",
        kept=scored == 127,
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps([{name: getattr(line, name) for name in Result.__slots__} for line in [*_overheads()]]))
