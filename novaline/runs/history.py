"""An execution's history as the phases that a person thinks in. Pure: events in, phases out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

PhaseStatus = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One stay of the execution in one state."""

    state: str
    entered: datetime
    left: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One step of a run, as shown on screen: the states that belong to it, from the first to the last.

    `number` is that of the stage that it belongs to, from 1, and 0 for a step of the whole run; `stage` is its name,
    where somebody knows it.
    """

    key: str
    title: str
    status: PhaseStatus
    started: datetime
    ended: datetime | None = None
    number: int = 0
    stage: str | None = None

    def seconds(self, now: datetime) -> float:
        """How long it took, or has taken so far."""
        return max(0.0, ((self.ended or now) - self.started).total_seconds())


_NEXT_STAGE = "Prepare stage"
_OF_STAGE = {"prepare": "Prepare {}", "trial": "Try the reward function of {}", "train": "Train {}"}
"""Phases that come once for each stage, with their titles where the stage's name is known."""
_PHASES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("admit", "Admit", ("Admit", "Record start")),
    ("prepare", "Prepare", (_NEXT_STAGE, "Reward to try?")),
    ("trial", "Try the reward function", ("Try reward",)),
    ("train", "Train", ("Train", "Collect checkpoint", "Another stage?")),
    ("evaluate", "Evaluate base and candidate", ("Evaluate", "Run evaluation")),
    ("gate", "Gate", ("Compare", "Good enough?")),
    (
        "import",
        "Import the model into Bedrock",
        ("Import model", "Describe model", "Wait for model", "Model ready?", "Model not imported"),
    ),
    (
        "deploy",
        "Deploy the model",
        (
            "Find deployment",
            "Deployed before?",
            "Deployment unusable",
            "Create deployment",
            "Update deployment",
            "Describe deployment",
            "Wait for deployment",
            "Deployment ready?",
            "Model not deployed",
        ),
    ),
    ("verify", "Verify", ("Verify",)),
    (
        "register",
        "Register",
        ("Register deployment", "Register evaluation", "Register rejection", "Notify", "Done"),
    ),
)
_PHASE_OF = {state: (key, title) for key, title, states in _PHASES for state in states}
_FAILURE = frozenset({"Record failure", "Notify failure", "Failed"})


def phase_title(key: str) -> str:
    """The title of a phase, as on screen."""
    return next(title for known, title, _ in _PHASES if known == key)


def is_state(name: str) -> bool:
    """Whether a state of the workflow has this name."""
    return name in _PHASE_OF


def visits(events: Iterable[Mapping[str, Any]]) -> tuple[Visit, ...]:
    """The states entered, in order. An exit belongs to the oldest open visit of that name (Map iterations)."""
    found: list[Visit] = []
    for event in events:
        kind = str(event["type"])
        if kind.endswith("StateEntered"):
            name = str(event.get("stateEnteredEventDetails", {}).get("name", ""))
            found.append(Visit(state=name, entered=event["timestamp"]))
        elif kind.endswith("StateExited"):
            name = str(event.get("stateExitedEventDetails", {}).get("name", ""))
            for index, visit in enumerate(found):
                if visit.state == name and visit.left is None:
                    found[index] = replace(visit, left=event["timestamp"])
                    break
    return tuple(found)


def current_states(found: Iterable[Visit]) -> tuple[str, ...]:
    """The states that the execution is in, each once, in the order of entry."""
    return tuple(dict.fromkeys(visit.state for visit in found if visit.left is None))


def phases(
    found: Iterable[Visit], *, stages: Sequence[str] = (), ended: datetime | None = None, failed: bool = False
) -> tuple[Phase, ...]:
    """The run's phases so far. `stages` are the names of its stages, in their order; a history knows none.

    A state that belongs to no phase (a wait, a choice) prolongs the phase before it. A phase ends where the next one
    starts, the last one when the execution ended. What the failure path interrupted has failed.
    """
    result: list[Phase] = []
    broken: datetime | None = None
    number = 0
    for visit in found:
        if visit.state in _FAILURE:
            broken = broken or visit.entered
            continue
        number += visit.state == _NEXT_STAGE
        phase = _phase(visit, number, stages)
        if phase is None or (result and (result[-1].key, result[-1].number) == (phase.key, phase.number)):
            continue
        if result:
            result[-1] = replace(result[-1], status="done", ended=visit.entered)
        result.append(phase)
    if result and (broken or ended):
        outcome: PhaseStatus = "failed" if broken or failed else "done"
        result[-1] = replace(result[-1], status=outcome, ended=broken or ended)
    return tuple(result)


def _phase(visit: Visit, number: int, stages: Sequence[str]) -> Phase | None:
    """The phase that begins with this visit, while the stage of that number is at work; None for a state of none."""
    key, title = _PHASE_OF.get(visit.state, ("", ""))
    if not key:
        return None
    if key not in _OF_STAGE:
        return Phase(key=key, title=title, status="running", started=visit.entered)
    stage = stages[number - 1] if 0 < number <= len(stages) else None
    title = title if stage is None else _OF_STAGE[key].format(stage)
    return Phase(key=key, title=title, status="running", started=visit.entered, number=number, stage=stage)
