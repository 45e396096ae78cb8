"""An execution's history as the phases that a person thinks in. Pure: events in, phases out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    """One step of a run, as shown on screen: the states that belong to it, from the first to the last."""

    key: str
    title: str
    status: PhaseStatus
    started: datetime
    ended: datetime | None = None

    def seconds(self, now: datetime) -> float:
        """How long it took, or has taken so far."""
        return max(0.0, ((self.ended or now) - self.started).total_seconds())


_PHASES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("admit", "Admit", ("Admit", "Record start", "Reward to try?")),
    ("trial", "Try the reward function", ("Try reward",)),
    ("train", "Train", ("Train", "Collect checkpoint")),
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


def phases(found: Iterable[Visit], *, ended: datetime | None = None, failed: bool = False) -> tuple[Phase, ...]:
    """The run's phases so far.

    A state that belongs to no phase (a wait, a choice) prolongs the phase before it. A phase ends where the next one
    starts, the last one when the execution ended. What the failure path interrupted has failed.
    """
    result: list[Phase] = []
    broken: datetime | None = None
    for visit in found:
        if visit.state in _FAILURE:
            broken = broken or visit.entered
            continue
        place = _PHASE_OF.get(visit.state)
        if place is None or (result and result[-1].key == place[0]):
            continue
        if result:
            result[-1] = replace(result[-1], status="done", ended=visit.entered)
        result.append(Phase(key=place[0], title=place[1], status="running", started=visit.entered))
    if result and (broken or ended):
        outcome: PhaseStatus = "failed" if broken or failed else "done"
        result[-1] = replace(result[-1], status=outcome, ended=broken or ended)
    return tuple(result)
