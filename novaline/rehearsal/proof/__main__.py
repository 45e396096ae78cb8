"""`python -m novaline.rehearsal.proof`: exit status 0 when every statement is needed, or says why it stands there."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

from rich.console import Console
from rich.text import Text

from novaline.cli import output
from novaline.cli.steps_view import LineView
from novaline.environments.names import CUSTOMIZATION, DATASETS, stack_name
from novaline.findings import NovalineError
from novaline.places import project_root
from novaline.rehearsal.interrupts import Interrupted
from novaline.rehearsal.proof.closing import (
    CLOSE,
    SCHEDULE,
    SWEEP,
    AbortedRun,
    closing_exercise,
    functions_of,
    sweeping_exercise,
)
from novaline.rehearsal.proof.exercises import (
    DeletedStack,
    Exercise,
    inspection_exercise,
    preparation_exercise,
    run_exercise,
    validated_in_s3,
)
from novaline.rehearsal.proof.prove import Report, Shown, prove_needed, prove_unneeded
from novaline.rehearsal.proof.reasons import reason
from novaline.rehearsal.proof.small import with_validation, write_rewarded, write_small
from novaline.rehearsal.proof.statements import Statement, statements
from novaline.rehearsal.session import Plan, Session
from novaline.requests.resources import Resources
from novaline.runs.clients import Clients
from novaline.runs.deployed import inspection_place, preparation_place
from novaline.runs.identity import run_id
from novaline.runs.inspection import Inspector
from novaline.runs.launch import Order, compiled, environment_named, launch, order
from novaline.runs.preparation import Preparer
from novaline.runs.steps import Board
from novaline.runs.stored_data import EnvironmentData

ENVIRONMENT = "dev"
_EMPTIER = "EmptierEmptyRole"
_TRIAL, _PREPARE = "WorkflowFunctionsTrialRole", "WorkflowFunctionsPrepareRole"
_TRAINING = "RolesTraining"
_PREPARATION = "Preparation"
_CLOSING = "Closing"
_MARKS = {"needed": ("✓", "green"), "unneeded here": ("·", "yellow"), "not shown": ("✗", "bold red")}


def main() -> int:
    """Deploy once, prove, and say what was proven."""
    console = Console(highlight=False, soft_wrap=True)
    root = project_root()
    try:
        with tempfile.TemporaryDirectory(prefix="novaline-proof-") as folder:
            if root is None:
                raise NovalineError.of("no-checkout", "the proof deploys the stacks of a checkout of Novaline")
            file = write_small(root, Path(folder) / "customization")
            given = order(file, environment_named(ENVIRONMENT, root=root))
            plan = Plan(order=given, root=root, output=Path(folder) / "output")
            with Session(plan, Board(view=LineView(console))) as session:
                return _prove(session, console)
    except Interrupted:
        sys.stderr.write("interrupted: what was started has been stopped\n")
        return 130
    except NovalineError as problem:
        output.print_findings(problem.findings)
        return problem.exit_code


def _prove(session: Session, console: Console) -> int:
    resources, clients = session.deploy()
    began = time.monotonic()
    iam, cloudformation = session.client("iam"), session.client("cloudformation")
    every = tuple(statements(cloudformation, iam, stacks=session.stacks))
    inspector = Inspector(
        states=clients.states, s3=clients.s3, place=inspection_place(clients.cloudformation, session.plan.environment)
    )
    rows = session.plan.order.checked.datasets["sft/train"].path.read_bytes()
    run = _runs(_with_data_in_s3(session.plan.order, inspector, resources, rows=rows), clients, resources)
    inspection = inspection_exercise(inspector, rows=rows)
    preparer = Preparer(
        states=clients.states, s3=clients.s3, place=preparation_place(clients.cloudformation, session.plan.environment)
    )
    preparation = preparation_exercise(preparer, rows=rows)
    rewarded = _runs(_rewarded(session.plan), clients, resources)
    closing, sweeping = _closing(session, clients, resources)
    for name, exercise in (
        ("run", run),
        ("rewarded run", rewarded),
        ("inspection", inspection),
        ("preparation", preparation),
        ("closing", closing),
        ("sweeping", sweeping),
    ):
        if said := exercise():
            raise NovalineError.of("exercise", f"with every permission in place, the {name} failed: {said}")
    seconds = time.monotonic() - began
    console.print(f"\nWith every permission in place, all of these succeed ({seconds:.1f} s). Without …")

    def report(shown: Shown) -> None:
        mark, style = _MARKS[shown.result]
        name = f"{shown.statement.role}/{shown.statement.sid}"
        console.print(Text.assemble((mark, style), f" {name}  ", (shown.evidence, "dim")))

    datasets = stack_name(ENVIRONMENT, DATASETS)
    shown: list[Shown] = []
    for exercise, of_it in (
        (run, [statement for statement in every if statement.stack != datasets and not _is_special(statement)]),
        (rewarded, [statement for statement in every if _is_of_rewarded(statement)]),
        (inspection, [s for s in every if s.stack == datasets and not s.role.startswith(_PREPARATION)]),
        (preparation, [s for s in every if s.role.startswith(_PREPARATION)]),
        (closing, [s for s in every if s.role.startswith(CLOSE)]),
        (sweeping, [s for s in every if s.role.startswith((SWEEP, SCHEDULE))]),
    ):
        needed, unneeded = _parted(of_it)
        shown += prove_needed(iam, [[statement] for statement in needed], exercise, report=report)
        shown += prove_unneeded(iam, unneeded, exercise, report=report)
    shown += _prove_deletion(session, [statement for statement in every if statement.role == _EMPTIER], report=report)
    counts = {result: sum(one.result == result for one in shown) for result in _MARKS}
    console.print(
        f"\n{len({s.role for s in every})} roles, {len(every)} statements: {counts['needed']} shown to be needed, "
        f"{counts['unneeded here']} that no rehearsal needs, {counts['not shown']} not shown "
        f"({time.monotonic() - began:.0f} s)"
    )
    return 1 if counts["not shown"] or len(shown) != len(every) else 0


def _prove_deletion(session: Session, of_emptier: Sequence[Statement], *, report: Report) -> list[Shown]:
    """The emptier works when its stack is deleted, so each round deletes the stack, and the next makes it again."""
    iam, cloudformation, s3 = (session.client(service) for service in ("iam", "cloudformation", "s3"))
    foundation = of_emptier[0].stack
    for stack in session.stacks:
        if stack != foundation:  # CloudFormation keeps a stack whose exports another one imports
            DeletedStack.of(cloudformation, s3, stack).delete()
    deleted = DeletedStack.of(cloudformation, s3, foundation)

    def again(sids: set[str]) -> list[Statement]:
        deleted.make()
        return [s for s in statements(cloudformation, iam, stacks=[foundation]) if s.sid in sids]

    needed, unneeded = _parted(of_emptier)
    shown: list[Shown] = []
    for group in _by_action(needed):
        shown += prove_needed(iam, [again({s.sid for s in group})], deleted.delete, report=report)
        deleted.unmake()
    return [*shown, *prove_unneeded(iam, again({s.sid for s in unneeded}), deleted.delete, report=report)]


def _runs(first: Order, clients: Clients, resources: Resources) -> Exercise:
    """The exercise that runs the customization, each time as a run of its own."""
    later = count(1)

    def start() -> str:
        created = first.created + timedelta(seconds=next(later))
        name = first.checked.customization.name
        run = run_id(name, created=created, content=first.run[-6:])
        return launch(clients, compiled(replace(first, run=run, created=created), resources), resources)

    return run_exercise(clients.states, launch=start)


def _closing(session: Session, clients: Clients, resources: Resources) -> tuple[Exercise, Exercise]:
    """A run that was aborted, closed by its event and by the sweep."""
    first = session.plan.order
    created = first.created - timedelta(seconds=1)  # an id that no other run of the proof has
    run = run_id(first.checked.customization.name, created=created, content=first.run[-6:])
    order = replace(first, run=run, created=created)
    aborted = AbortedRun.made(session.emulator, clients, resources, compiled(order, resources))
    found = functions_of(session.emulator, stack_name(ENVIRONMENT, CUSTOMIZATION))
    role = f"arn:aws:iam::{resources.account}:role/{found[SCHEDULE]}"
    return (
        closing_exercise(aborted, function=found[CLOSE]),
        sweeping_exercise(aborted, function=found[SWEEP], schedule_role=role),
    )


def _rewarded(plan: Plan) -> Order:
    """A run of two stages that learns from a reward function, and computes metrics of its own."""
    folder = Path(plan.order.checked.document.file).parent / "rewarded"
    return order(write_rewarded(plan.root, folder), plan.environment)


def _is_special(statement: Statement) -> bool:
    """Whether a run of one stage that ends by itself, without functions, does not show the want of the statement."""
    return statement.role == _EMPTIER or statement.role.startswith(_CLOSING) or _is_of_rewarded(statement)


def _is_of_rewarded(statement: Statement) -> bool:
    """Whether only a run with a reward function, with a processor, or with a second stage can need the statement."""
    if statement.role == _TRIAL or statement.sid in ("InvokeRewards", "InvokeProcessors"):
        return True
    of_second_stage = {
        _PREPARE: ("ReadRecipeTemplate", "WriteRecipe"),
        _TRAINING: ("ReadCheckpoints", "ListCheckpoints"),
    }
    return statement.sid in of_second_stage.get(statement.role, ())


def _with_data_in_s3(first: Order, inspector: Inspector, resources: Resources, *, rows: bytes) -> Order:
    """The same order with validation data that lies in S3 and was validated there."""
    uri = validated_in_s3(inspector, rows=rows, model=first.checked.customization.model)
    file = with_validation(Path(first.checked.document.file), uri)
    return order(file, first.environment, stored=EnvironmentData(inspector.s3, resources))


def _parted(found: Sequence[Statement]) -> tuple[list[Statement], list[Statement]]:
    """The statements that must be shown to be needed, and those that no rehearsal needs."""
    unneeded = [statement for statement in found if reason(role=statement.role, sid=statement.sid) is not None]
    return [statement for statement in found if statement not in unneeded], unneeded


def _by_action(found: Sequence[Statement]) -> list[list[Statement]]:
    """Statements with the same actions together: what they allow differs in the resource alone."""
    groups: dict[tuple[str, ...], list[Statement]] = {}
    for statement in found:
        groups.setdefault(statement.actions, []).append(statement)
    return list(groups.values())


if __name__ == "__main__":
    sys.exit(main())
