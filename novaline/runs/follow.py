"""Watching a run on a board of steps: one step a phase, with what training says about itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from novaline.findings import NovalineError
from novaline.runs.history import Phase
from novaline.runs.status import RunStatus
from novaline.runs.steps import Board, Step
from novaline.runs.training import latest_point

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

_PAID = ("train", "evaluate")


@dataclass(slots=True, kw_only=True)
class Follower:
    """Shows a run's phases on a board. `training_jobs` are the base names of the stages' jobs, whose logs tell steps
    and loss, `spending` says what the run has cost so far, or nothing; `trial` what the trial of a stage's reward came
    to.
    """

    board: Board
    logs: CloudWatchLogsClient
    training_jobs: Sequence[str]
    spending: Callable[[], str] = lambda: ""
    trial: Callable[[str], str] = lambda _: ""
    _shown: dict[tuple[str, int], Step] = field(default_factory=dict)

    def follow(self, statuses: Iterable[RunStatus]) -> RunStatus:
        """Shows each phase as it happens and returns the last look, whatever its outcome.

        Raises what watching raises, and NovalineError when there was nothing to look at.
        """
        last: RunStatus | None = None
        for last in statuses:
            for phase in last.phases:
                self._show(phase, last)
        if last is None:
            raise NovalineError.of("nothing-to-watch", "the run gave no sign of life")
        return last

    def _show(self, phase: Phase, status: RunStatus) -> None:
        place = phase.key, phase.number
        step = self._shown.get(place)
        if step is None:
            step = self._shown[place] = self.board.begin(phase.title)
        if step.outcome != "running":
            return
        self._tell(phase, status, step)
        unexplained = phase.status == "failed" and status.status == "running"  # the failure path is still at work
        if phase.status != "running" and not unexplained:
            self.board.end(
                step,
                text=self._last_word(phase, status, step),
                failed=phase.status == "failed",
                seconds=phase.seconds(status.looked),
            )

    def _tell(self, phase: Phase, status: RunStatus, step: Step) -> None:
        """The newest word about a phase that runs."""
        if phase.key == "train":
            point = latest_point(self.logs, self.training_jobs[max(0, phase.number - 1)])
            words = "" if point is None else point.in_words()
        else:
            words = ", ".join(status.states) if phase.status == "running" else ""
        money = self.spending() if phase.key in _PAID else ""
        detail = ", ".join(filter(None, (words, money)))
        if detail:
            self.board.detail(step, detail)

    def _last_word(self, phase: Phase, status: RunStatus, step: Step) -> str:
        if phase.status == "failed" and status.problem:
            return status.problem.message
        if phase.key == "train":
            return step.detail
        if phase.key == "trial":
            return self.trial(phase.stage) if phase.stage else ""
        return self.spending() if phase.key in _PAID else ""
