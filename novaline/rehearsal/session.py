"""A rehearsal from beginning to end: bootstrap, deploy, customize, ask, destroy, in an AWS that is embedded.

A `Session` owns everything that a rehearsal starts or writes. Leaving it, by the end of the work, an error or a signal,
stops every process, removes every temporary file, and leaves the output folder either complete or not there.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from novaline import toolchain
from novaline.customization.compile import VERIFY_ROWS
from novaline.environments import Environment
from novaline.findings import Finding, NovalineError
from novaline.rehearsal.cdk import Cdk
from novaline.rehearsal.children import Child
from novaline.rehearsal.emulator import Emulator
from novaline.rehearsal.interrupts import Interrupts
from novaline.rehearsal.leftovers import Leftover, left_behind, leftovers, retained_by
from novaline.rehearsal.outcome import Outcome, Status
from novaline.rehearsal.question import Answer, ask, held_out_question
from novaline.rehearsal.synthesis import Synthesis
from novaline.rehearsal.teardown import delete_models, lift_protection
from novaline.requests.resources import Resources
from novaline.runs.clients import Clients
from novaline.runs.deployed import resources_of
from novaline.runs.folder import download_folder, partial_of, publish
from novaline.runs.follow import Follower
from novaline.runs.identity import execution_arn
from novaline.runs.job_logs import keep_logs
from novaline.runs.jobs import run_jobs
from novaline.runs.launch import Order, compiled, launch, training_jobs
from novaline.runs.problems import explained
from novaline.runs.status import RunStatus, watch
from novaline.runs.steps import Board, Step
from novaline.runs.trial import trial_in_words

_SYNTH_SECONDS = 180.0
_CDK_SECONDS = 300.0
_RUN_SECONDS = 1800.0
_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be rehearsed, from which checkout, and where the result goes."""

    order: Order
    root: Path
    output: Path
    keep: bool = False
    port: int | None = None

    @property
    def environment(self) -> Environment:
        """The environment that is rehearsed."""
        return self.order.environment

    @property
    def run(self) -> str:
        """The run's id."""
        return self.order.run


@dataclass(slots=True, kw_only=True)
class _Results:
    """What has been found out so far, for the outcome of a rehearsal that may end early."""

    status: Status = "failed"
    last: RunStatus | None = None
    answer: Answer | None = None
    leftovers: tuple[Leftover, ...] = ()
    findings: list[Finding] = field(default_factory=list)


class Session:
    """Everything that one rehearsal starts. A context manager: afterwards nothing of it is left but the output folder.

    Signals raise `Interrupted` inside of it. To be used from the main thread.
    """

    def __init__(self, plan: Plan, board: Board) -> None:
        self.plan = plan
        self.board = board
        self._interrupts = Interrupts()
        self._children: list[Child] = []
        self._began = time.monotonic()
        self._partial = partial_of(plan.output)
        self._logs = self._partial / "logs"
        self._deployed = False
        self._results = _Results()
        self._cdk_command = toolchain.cdk_command(plan.root)  # a missing tool is told before anything starts
        self._synthesis = Synthesis(plan.root, cache=plan.root / ".novaline" / "cache")
        self._home = Path(tempfile.gettempdir()) / f"novaline-rehearsal-{secrets.token_hex(6)}"
        self._emulator = Emulator(
            account=plan.environment.account,
            region=plan.environment.region,
            folder=self._home / "aws",
            port=plan.port,
            keep_log=True,
        )

    def __enter__(self) -> Self:
        self._interrupts.__enter__()
        try:
            self._home.mkdir(mode=0o700)
            self._logs.mkdir(parents=True)
        except BaseException as problem:
            self.__exit__(type(problem), problem, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._interrupts.ignore()
        try:
            self._kill_children()
            self._emulator.stop()
        finally:
            self._synthesis.discard()
            shutil.rmtree(self._home, ignore_errors=True)
            shutil.rmtree(self._partial, ignore_errors=True)
            self._interrupts.__exit__(kind, problem, trace)

    # ---- the work ----------------------------------------------------------------------------------------------

    def perform(self) -> Outcome:
        """The whole rehearsal. Failures are in the outcome, and everything is torn down either way."""
        results = self._results
        try:
            resources, clients = self.deploy()
            self._customize(clients, resources)
        except NovalineError as problem:
            results.status = "failed"
            results.findings.extend(problem.findings)
            self.board.stop_running()
            self._kill_children()
        if not self.plan.keep:
            self._tear_down()
        self._publish()
        return Outcome(
            run=self.plan.run,
            environment=self.plan.environment.name,
            status=results.status,
            folder=self.plan.output,
            seconds=time.monotonic() - self._began,
            timings=tuple(self.board.timings()),
            summary=results.last.summary if results.last else None,
            answer=results.answer,
            leftovers=results.leftovers,
            findings=tuple(results.findings),
        )

    def deploy(self) -> tuple[Resources, Clients]:
        """Stands the embedded AWS up and deploys the environment into it; nothing runs there yet."""
        self._stand_up()
        return self._deploy()

    @property
    def emulator(self) -> Emulator:
        """The embedded AWS itself: faults, sessions of roles."""
        return self._emulator

    def client(self, service: str) -> Any:  # noqa: ANN401 - a boto3 client, by the service's name
        """A client of the embedded AWS with its owner's credentials."""
        return self._emulator.client(service)

    @property
    def stacks(self) -> tuple[str, ...]:
        """The names of the environment's stacks."""
        return tuple(self._stacks)

    def endpoint(self) -> dict[str, str]:
        """The variables that lead a shell to the embedded AWS, while it runs."""
        return self._emulator.environment()

    def wait(self) -> None:
        """Waits for a signal: the embedded AWS stays up until then."""
        self._interrupts.ignore()
        while not self._interrupts.asked:
            time.sleep(0.2)

    def _stand_up(self) -> None:
        """Emulator, synthesis and bootstrap, as far as they can at the same time."""
        synthesis, synthesizing = self._begin_synthesis()
        with self.board.step("Start the embedded AWS") as step:
            self._emulator.start()
            self.board.detail(step, f"{self._emulator.endpoint}, account {self.plan.environment.account}, IAM enforced")
        self._cdk = self._make_cdk()
        bootstrapping = self.board.begin("Bootstrap the account")
        bootstrap = self._spawn(self._cdk.bootstrap)
        if synthesis is not None:
            self._finish(synthesis, synthesizing, "app.py", seconds=_SYNTH_SECONDS, text="")
            self._synthesis.keep()
        self._stacks = self._synthesis.stacks(self.plan.environment.name)
        self._finish(bootstrap, bootstrapping, "cdk bootstrap", text="stack CDKToolkit")

    def _begin_synthesis(self) -> tuple[Child | None, Step]:
        step = self.board.begin("Synthesize the stacks")
        if self._synthesis.ready:
            self.board.end(step, text="unchanged since the last time")
            return None, step
        log = self._logs / "synth.log"
        node = toolchain.node_path()
        child = self._spawn(lambda: self._synthesis.start(home=self._home, log=log, node=node, own=os.environ))
        return child, step

    def _make_cdk(self) -> Cdk:
        folder = self._home / "cdk"
        folder.mkdir()
        return Cdk(
            command=self._cdk_command,
            folder=folder,
            logs=self._logs,
            own=os.environ,
            endpoint=self._emulator.environment(),
            account=self.plan.environment.account,
            region=self.plan.environment.region,
        )

    def _deploy(self) -> tuple[Resources, Clients]:
        step = self.board.begin("Deploy the stacks")
        child = self._spawn(lambda: self._cdk.deploy(self._synthesis.folder, self.plan.environment.name))
        self._finish(child, step, "cdk deploy", text=", ".join(self._stacks))
        self._deployed = True
        clients = Clients.made_by(self._emulator.client)
        return resources_of(clients.cloudformation, self.plan.environment), clients

    def _customize(self, clients: Clients, resources: Resources) -> None:
        plan = self.plan
        run = compiled(plan.order, resources)
        with self.board.step("Upload data and claim, start the run") as step:
            launch(clients, run, resources, report=lambda text: self.board.detail(step, text))
            self.board.detail(step, plan.run)
        follower = Follower(
            board=self.board,
            logs=clients.logs,
            training_jobs=training_jobs(run),
            trial=lambda stage: trial_in_words(clients, resources, plan.run, stage),
        )
        last = self._results.last = follower.follow(self._looks(clients, resources))
        download_folder(clients.s3, resources, plan.run, self._partial)
        keep_logs(clients.logs, run_jobs(clients, resources, plan.run), self._logs / "jobs")
        if last.problem is not None:
            raise NovalineError.of("run-failed", last.problem.message, hint=last.problem.next_step)
        self._conclude(clients, last)

    def _looks(self, clients: Clients, resources: Resources) -> Iterator[RunStatus]:
        until = time.monotonic() + _RUN_SECONDS
        for status in watch(clients, resources, self.plan.run, interval=_LOOK_SECONDS):
            yield status
            if status.status == "running" and time.monotonic() > until:
                with explained("stopping the run"):
                    clients.states.stop_execution(
                        executionArn=execution_arn(resources.state_machine_arn, self.plan.run)
                    )
                message = f"the run did not end within {_RUN_SECONDS / 60:.0f} minutes"
                raise NovalineError.of("run-timeout", message, hint="rehearse with fewer rows or steps")

    def _conclude(self, clients: Clients, last: RunStatus) -> None:
        summary = last.summary or {}
        status = summary.get("status")
        if status not in {"deployed", "evaluated", "rejected"}:
            message = f"the run ended, but its summary.json says status {status!r}"
            raise NovalineError.of("no-summary", message, hint="the run's folder holds what there is")
        self._results.status = status
        if status == "deployed":
            with self.board.step("Ask the deployed model") as step:
                question = held_out_question(self.plan.order.held_out, after=VERIFY_ROWS)
                answer = self._results.answer = ask(clients.runtime, summary["deployment"]["arn"], question)
                self.board.detail(step, answer.text)

    # ---- the end -----------------------------------------------------------------------------------------------

    def _tear_down(self) -> None:
        """Destroys what was deployed and lists what remains. Its own failures join those that came before."""
        if not self._deployed:
            return
        clients = self._emulator.client
        templates = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in self._stacks.items()}
        retained: set[str] = set()

        def ask_what_is_retained() -> None:
            with explained("asking what the stacks retain"):
                retained.update(retained_by(clients("cloudformation"), templates))

        self._attempt(ask_what_is_retained)
        self._attempt(self._delete_models)
        self._attempt(self._destroy)
        self._attempt(lambda: self._look_around(frozenset(retained)))

    def _attempt(self, work: Callable[[], None]) -> None:
        """Does a part of the teardown; a failure is noted, and the other parts are still done."""
        try:
            work()
        except NovalineError as problem:
            self._results.findings.extend(problem.findings)
            self.board.fail_running()

    def _delete_models(self) -> None:
        with self.board.step("Delete the deployment and the model") as step:
            self.board.detail(step, f"{len(delete_models(self._emulator.client('bedrock')))} deleted")

    def _destroy(self) -> None:
        step = self.board.begin("Destroy the stacks")
        if self.plan.environment.termination_protection:
            lift_protection(self._emulator.client("cloudformation"), self._stacks)
        child = self._spawn(lambda: self._cdk.destroy(self._synthesis.folder, self.plan.environment.name))
        self._finish(child, step, "cdk destroy", text=", ".join(self._stacks))

    def _look_around(self, retained: frozenset[str]) -> None:
        step = self.board.begin("See what remains")
        with explained("listing what remains"):
            found = self._results.leftovers = leftovers(
                self._emulator.client,
                retained=retained,
                shared_logs=not self.plan.environment.owns_training_logs,
            )
        behind = left_behind(found)
        others = Counter(item.why for item in found if item not in behind)
        kept = ", ".join(f"{count} {why}" for why, count in others.items())
        text = f"{len(behind) or 'nothing'} left behind" + (f"; {kept}" if kept else "")
        self.board.end(step, text=text, failed=bool(behind))
        if behind:
            names = "\n".join(f"  {item.kind} {item.name}" for item in behind)
            message = f"after `cdk destroy` {len(behind)} things were left behind:\n{names}"
            raise NovalineError.of("left-behind", message, hint="a stack must own them, or say that it retains them")

    def _publish(self) -> None:
        with self._interrupts.shield():
            if self._emulator.log.is_file():
                shutil.copyfile(self._emulator.log, self._logs / "embedded-aws.log")
            publish(self._partial, self.plan.output)

    # ---- children ----------------------------------------------------------------------------------------------

    def _spawn(self, start: Callable[[], Child]) -> Child:
        with self._interrupts.shield():
            child = start()
            self._children.append(child)
        return child

    def _kill_children(self) -> None:
        for child in self._children:
            child.kill()
        self._children.clear()

    def _finish(self, child: Child, step: Step, name: str, *, text: str, seconds: float = _CDK_SECONDS) -> None:
        """Waits for a child and ends its step. Raises NovalineError with the end of its output when it failed."""
        try:
            status = child.wait(seconds=seconds, tick=lambda line: self.board.detail(step, line))
        except NovalineError:
            self.board.end(step, failed=True)
            raise
        self._children.remove(child)
        if status:
            self.board.end(step, failed=True)
            log = self.plan.output / "logs" / child.log.name
            message = f"{name} ended with status {status}; the end of its output:\n{child.last_words()}"
            raise NovalineError.of("child-failed", message, hint=f"all of it is in {log}")
        self.board.end(step, text=text)


def default_output(root: Path, run: str) -> Path:
    """Where a rehearsal's folder goes when nobody says."""
    return root / ".novaline" / "rehearsals" / run
