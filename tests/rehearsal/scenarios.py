"""The ways that a run can go, each as a small run of its own, and all of them played in a deployed environment."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from novaline.rehearsal.faults import Fault
from novaline.rehearsal.proof.small import write_rewarded
from tests.rehearsal.deployed import NOWHERE, ROOT, TRAIN, Deployed, Ended, shuffled

NO_GPU = "AlgorithmError: no GPU was found"
AT_A_TIME = 4  # runs wait more than they work, and two processors have enough to do with four of them


def job(match: str, kind: str, *, code: str = "", message: str = "") -> Fault:
    """Something that goes wrong with the training jobs whose names hold `match`."""
    return Fault(service="sagemaker", operation="CreateTrainingJob", match=match, kind=kind, code=code, message=message)


def bedrock(operation: str, match: str, kind: str, *, code: str = "", message: str = "") -> Fault:
    """Something that goes wrong with the models or deployments whose names hold `match`."""
    return Fault(service="bedrock", operation=operation, match=match, kind=kind, code=code, message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is different in a run: its data, where it is deployed to, or what goes wrong."""

    train: tuple[bytes, ...] = TRAIN
    deployment: str | None = None
    faults: tuple[Fault, ...] = ()
    short_waits: bool = False


SCENARIOS = {
    "shuffled": Scenario(train=shuffled(TRAIN)),
    "evaluated": Scenario(deployment=NOWHERE),
    "failing-job": Scenario(faults=(job("failing-job-sft", "fail", message=NO_GPU),)),
    "timed-out-job": Scenario(faults=(job("timed-out-job-sft", "stop", code="MaxRuntimeExceeded"),)),
    "no-capacity": Scenario(
        faults=(
            job("no-capacity-sft", "error", code="ResourceLimitExceeded", message="no ml.p5.48xlarge is left"),
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
        faults=(bedrock("CreateCustomModel", "refused-import", "error", code="ConflictException", message="taken"),)
    ),
    "failing-import": Scenario(
        faults=(bedrock("CreateCustomModel", "failing-import", "fail", message="the checkpoint is damaged"),)
    ),
    "endless-import": Scenario(faults=(bedrock("CreateCustomModel", "endless-import", "slow"),), short_waits=True),
    "endless-deployment": Scenario(
        faults=(bedrock("CreateCustomModelDeployment", "endless-deployment", "slow"),), short_waits=True
    ),
}


def play_all(deployed: Deployed) -> dict[str, Ended]:
    """The run of every scenario, by the scenario's name."""
    short_waits = machine_with_short_waits(deployed)
    plays: list[Callable[[], dict[str, Ended]]] = [
        partial(one_after_the_other, deployed),
        partial(broken_row, deployed),
        partial(after_a_failed_deployment, deployed),
        partial(rewarded, deployed),
    ]
    for name, scenario in SCENARIOS.items():
        for fault in scenario.faults:
            deployed.emulator.inject(fault)
        plays.append(partial(play, deployed, name, scenario, short_waits))
    with ThreadPoolExecutor(max_workers=AT_A_TIME) as pool:
        ended = {name: run for found in pool.map(lambda play: play(), plays) for name, run in found.items()}
    deployed.emulator.clear_faults()  # those that nothing ran into: what they were to do, the tests will miss
    return ended


def play(deployed: Deployed, name: str, scenario: Scenario, short_waits: str) -> dict[str, Ended]:
    run = deployed.compiled(name, train=scenario.train, deployment=scenario.deployment)
    return {name: deployed.end(deployed.start(run, machine=short_waits if scenario.short_waits else None))}


def one_after_the_other(deployed: Deployed) -> dict[str, Ended]:
    """Three runs of one customization, each with other data; the last one's deployment fails."""
    first = deployed.run("accepted")
    second = deployed.run("accepted", train=TRAIN[1:])
    deployed.emulator.inject(bedrock("UpdateCustomModelDeployment", "accepted", "fail", message="no room is left"))
    third = deployed.run("accepted", train=TRAIN[2:])
    return {"first": first, "second": second, "third": third}


def after_a_failed_deployment(deployed: Deployed) -> dict[str, Ended]:
    """Two runs of one customization; the first one's deployment fails, and stays there as Failed."""
    name = "failing-deployment"
    deployed.emulator.inject(bedrock("CreateCustomModelDeployment", name, "fail", message="no room is left"))
    return {name: deployed.run(name), "unusable-deployment": deployed.run(name, train=TRAIN[1:])}


def rewarded(deployed: Deployed) -> dict[str, Ended]:
    """A run that learns from the deployed reward function."""
    run = deployed.as_it_stands(write_rewarded(ROOT, deployed.place("rewarded")))
    return {"rewarded": deployed.end(deployed.start(run))}


def broken_row(deployed: Deployed) -> dict[str, Ended]:
    """A run whose data were exchanged in the bucket for such that `novaline check` would have refused."""
    run = deployed.compiled("broken-row", train=TRAIN[3:])
    claim = deployed.upload(run)
    broken = (*TRAIN[:16], TRAIN[16].replace(b'"assistant"', b'"robot"'), *TRAIN[17:])
    (train,) = (item for item in run.claim["objects"] if "train data" in item["what"])
    changed = deployed.exchange(train["uri"], b"".join(broken))
    return {"broken-row": deployed.end(deployed.start(run, deployed.restated(claim, {train["uri"]: changed})))}


def machine_with_short_waits(deployed: Deployed) -> str:
    """The deployed workflow with looks that follow each other at once: the real one gives up after two hours."""
    states = deployed.clients.states
    machine = states.describe_state_machine(stateMachineArn=deployed.resources.state_machine_arn)
    definition = json.loads(machine["definition"])
    waits = [state for state in definition["States"].values() if state["Type"] == "Wait"]
    assert [state["Seconds"] for state in waits] == [60, 60]
    for state in waits:
        state["Seconds"] = 1
    made = states.create_state_machine(
        name="short-waits", definition=json.dumps(definition), roleArn=machine["roleArn"]
    )
    return str(made["stateMachineArn"])
