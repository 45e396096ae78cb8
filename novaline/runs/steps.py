"""The steps that a command goes through: when each began and ended, and who shows it.

A `Board` keeps the times; a `View` draws. Steps may overlap. Neither knows of the other's medium.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol

Outcome = Literal["running", "done", "failed", "stopped"]


@dataclass(slots=True, kw_only=True)
class Step:
    """One step as it happens. Times are seconds on the board's clock; `detail` is the newest word about it."""

    title: str
    began: float
    outcome: Outcome = "running"
    detail: str = ""
    seconds: float | None = None

    def elapsed(self, now: float) -> float:
        """How long it took, or has taken so far."""
        return self.seconds if self.seconds is not None else now - self.began


class View(Protocol):
    """Draws steps. Called from the thread that works."""

    def began(self, step: Step) -> None: ...
    def changed(self, step: Step) -> None: ...
    def ended(self, step: Step) -> None: ...
    def note(self, text: str) -> None: ...


class Silent:
    """The view that shows nothing."""

    def began(self, step: Step) -> None: ...
    def changed(self, step: Step) -> None: ...
    def ended(self, step: Step) -> None: ...
    def note(self, text: str) -> None: ...


@dataclass(slots=True, kw_only=True)
class Board:
    """The steps so far, in the order in which they began."""

    view: View = field(default_factory=Silent)
    clock: Callable[[], float] = time.monotonic
    steps: list[Step] = field(default_factory=list)

    def begin(self, title: str) -> Step:
        """A step that runs from now on."""
        step = Step(title=title, began=self.clock())
        self.steps.append(step)
        self.view.began(step)
        return step

    def detail(self, step: Step, text: str) -> None:
        """The newest word about a step that runs."""
        if text != step.detail:
            step.detail = text
            self.view.changed(step)

    def end(self, step: Step, *, text: str | None = None, failed: bool = False, seconds: float | None = None) -> None:
        """The end of a step; `seconds` where somebody else measured it. Ending it twice changes nothing."""
        if step.outcome != "running":
            return
        step.outcome = "failed" if failed else "done"
        step.seconds = self.clock() - step.began if seconds is None else seconds
        step.detail = step.detail if text is None else text
        self.view.ended(step)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """A step as long as its block; it has failed when the block raises."""
        step = self.begin(title)
        try:
            yield step
        except BaseException:
            self.end(step, failed=True)
            raise
        self.end(step)

    def note(self, text: str) -> None:
        """A sentence between the steps."""
        self.view.note(text)

    def fail_running(self) -> None:
        """Marks whatever still runs as failed: the work has come to its end."""
        for step in self.steps:
            self.end(step, failed=True)

    def stop_running(self) -> None:
        """Marks whatever still runs as stopped: something beside it has failed."""
        for step in self.steps:
            if step.outcome == "running":
                step.outcome = "stopped"
                step.seconds = self.clock() - step.began
                self.view.ended(step)

    def timings(self) -> list[dict[str, object]]:
        """Title, outcome and seconds of each step, as `--json` prints them."""
        now = self.clock()
        return [
            {"step": step.title, "outcome": step.outcome, "seconds": round(step.elapsed(now), 2)} for step in self.steps
        ]
