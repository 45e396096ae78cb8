"""Many cases judged by several threads at once, and answered in time whatever the slowest of them does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from novaline.rewards.contract import Score

T = TypeVar("T")
Outcome = Score | Exception
"""What became of one case: its score, or why there is none."""


def at_once(
    items: Sequence[T], score: Callable[[T], Score], *, threads: int, seconds: float, late: Callable[[], Exception]
) -> list[Outcome]:
    """One outcome an item, in their order, after at most `seconds`; what is not done by then is `late()`.

    The threads are daemons: one that still waits for a reply holds neither the answer back nor the process open, and
    what it brings later is not heard any more.
    """
    outcomes: list[Outcome | None] = [None] * len(items)
    waiting = iter(range(len(items)))
    changed = threading.Condition()
    undone, over = len(items), False

    def work() -> None:
        nonlocal undone
        while True:
            with changed:
                position = None if over else next(waiting, None)
            if position is None:
                return
            outcome = _outcome(score, items[position])
            with changed:
                outcomes[position] = outcome
                undone -= 1
                changed.notify()

    for _ in range(min(threads, len(items))):
        threading.Thread(target=work, name="judge", daemon=True).start()
    try:
        with changed:
            changed.wait_for(lambda: undone == 0, timeout=max(seconds, 0.0))
            return [late() if outcome is None else outcome for outcome in outcomes]
    finally:
        over = True  # also when the wait is interrupted: nobody begins another case


def _outcome(score: Callable[[T], Score], item: T) -> Outcome:
    try:
        return score(item)
    except Exception as problem:  # one case must not cost the others their verdicts
        return problem
