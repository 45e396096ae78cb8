"""Every way through the customization workflow, executed: how a run ends, what it leaves, and what it tells."""

import json
from dataclasses import dataclass, field

import pytest

from novaline.rehearsal.faults import Fault
from tests.rehearsal.deployed import NOWHERE, TRAIN, Deployed, Ended, shuffled

pytestmark = pytest.mark.xdist_group("deployed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is different in a run: its data, where it is deployed to, or what goes wrong."""

    train: tuple[bytes, ...] = TRAIN
    deployment: str | None = None
    faults: tuple[Fault, ...] = ()
    short_waits: bool = False


def job(match: str, kind: str, *, code: str = "", message: str = "") -> Fault:
    return Fault(
        service="sagemaker", operation="CreateTrainingJob", match=match, kind=kind, code=code, message=message
    )


def bedrock(operation: str, match: str, kind: str, *, code: str = "", message: str = "") -> Fault:
    return Fault(service="bedrock", operation=operation, match=match, kind=kind, code=code, message=message)


NO_GPU = "AlgorithmError: no GPU was found"
SCENARIOS = {
    "shuffled": Scenario(train=shuffled(TRAIN)),
    "evaluated": Scenario(deployment=NOWHERE),
    "failing-job": Scenario(faults=(job("failing-job-sft", "fail", message=NO_GPU),)),
    "timed-out-job": Scenario(faults=(job("timed-out-job-sft", "stop", code="MaxRuntimeExceeded"),)),
    "no-capacity": Scenario(
        faults=(
            job("no-capacity-sft", "error", code="ResourceLimitExceeded", message="none of ml.p5.48xlarge is left"),
            job("no-capacity-holdout-base", "error", code="ResourceLimitExceeded"),
        )
    ),
    "throttled": Scenario(
        faults=(
            job("throttled-sft", "error", code="ThrottlingException"),
            bedrock("CreateCustomModel", "throttled", "error", code="ThrottlingException"),
            bedrock("CreateCustomModelDeployment", "throttled", "error", code="ServiceQuotaExceededException"),
        )
    ),
    "no-manifest": Scenario(faults=(job("no-manifest-sft", "no-manifest"),)),
    "failing-evaluation": Scenario(faults=(job("failing-evaluation-holdout-candidate", "fail", message=NO_GPU),)),
    "refused-import": Scenario(
        faults=(bedrock("CreateCustomModel", "refused-import", "error", code="AccessDeniedException", message="no"),)
    ),
    "failing-import": Scenario(
        faults=(bedrock("CreateCustomModel", "failing-import", "fail", message="the checkpoint is damaged"),)
    ),
    "endless-import": Scenario(faults=(bedrock("CreateCustomModel", "endless-import", "slow"),), short_waits=True),
    "failing-deployment": Scenario(
        faults=(bedrock("CreateCustomModelDeployment", "failing-deployment", "fail", message="no room"),)
    ),
    "endless-deployment": Scenario(
        faults=(bedrock("CreateCustomModelDeployment", "endless-deployment", "slow"),), short_waits=True
    ),
}


@pytest.fixture(scope="module")
def runs(deployed: Deployed) -> dict[str, Ended]:
    """Each scenario's run, all at the same time: they wait more than they work."""
    started = {}
    short = machine_with_short_waits(deployed)
    for name, scenario in SCENARIOS.items():
        for fault in scenario.faults:
            deployed.emulator.inject(fault)
        run = deployed.compiled(name, train=scenario.train, deployment=scenario.deployment)
        started[name] = deployed.start(run, machine=short if scenario.short_waits else None)
    ended = {name: deployed.end(one) for name, one in started.items()}
    assert deployed.emulator.waiting_faults() == 0
    return ended


def machine_with_short_waits(deployed: Deployed) -> str:
    """The workflow with looks that follow each other at once: the real one gives up after two hours."""
    states = deployed.clients.states
    machine = states.describe_state_machine(stateMachineArn=deployed.resources.state_machine_arn)
    definition = json.loads(machine["definition"])
    for state in definition["States"].values():
        if state["Type"] == "Wait":
            state["Seconds"] = 1
    made = states.create_state_machine(
        name="short-waits", definition=json.dumps(definition), roleArn=machine["roleArn"]
    )
    return str(made["stateMachineArn"])


def test_x(runs):
    for r in runs.values():
        print(r.run, r.status, r.error, r.cause[:500], r.output, r.ledger, r.jobs, r.notifications, len(r.events), r.failed_tasks())
    assert 0
