"""The phases on screen are those of the workflow: its states are read from the reviewed template."""

import json
from pathlib import Path

from novaline.runs.history import _FAILURE, is_state

SNAPSHOT = Path(__file__).resolve().parents[1] / "stacks" / "snapshots" / "dev-Customization.json"


def states() -> set[str]:
    resources = json.loads(SNAPSHOT.read_text(encoding="utf-8"))["Resources"].values()
    (machine,) = [r["Properties"] for r in resources if r["Type"] == "AWS::StepFunctions::StateMachine"]
    parts = machine["DefinitionString"]["Fn::Join"][1]
    definition = json.loads("".join(part if isinstance(part, str) else "token" for part in parts))
    inner = definition["States"]["Evaluate"]["ItemProcessor"]["States"]
    return {*definition["States"], *inner}


def test_every_state_belongs_to_a_phase_or_to_the_failure_path():
    assert {state for state in states() if not is_state(state)} == _FAILURE


def test_no_phase_names_a_state_that_the_workflow_does_not_have():
    from novaline.runs.history import _PHASE_OF

    assert set(_PHASE_OF) <= states()
